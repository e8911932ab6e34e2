from __future__ import annotations

import pytest

from lading.packages.requirements import Node, marker_environment, resolve_edges


def edges(
    *dists: tuple[str, str, list[str]],
    search: dict[str, tuple[str, ...]] | None = None,
    version: str | None = "3.11.2",
    machine: str = "amd64",
) -> dict[str, set[str]]:
    nodes = [
        Node(number, name, site, requires) for number, (name, site, requires) in enumerate(dists)
    ]
    sites = {node.site for node in nodes}
    markers = {site: marker_environment(version, machine) for site in sites}
    found = resolve_edges(nodes, search or {site: (site,) for site in sites}, markers)
    return {nodes[key].name: {nodes[to].name for to in tos} for key, tos in found.items()}


def test_edges_lead_to_what_is_installed() -> None:
    found = edges(("a", "s", ["B >= 1", "absent"]), ("b", "s", []))
    assert found == {"a": {"b"}, "b": set()}


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        ('python_version >= "3.8"', True),
        ('python_version < "3.8"', False),
        ('python_full_version < "3.11.3"', True),
        ('sys_platform == "linux"', True),
        ('sys_platform == "win32"', False),
        ('platform_machine == "x86_64"', True),
        ('platform_machine == "aarch64"', False),
        ('platform_python_implementation == "PyPy"', False),
        ('os_name == "posix" and implementation_name == "cpython"', True),
        ('extra == "x"', False),
    ],
)
def test_markers_are_those_of_the_image(marker: str, applies: bool) -> None:
    found = edges(("a", "s", [f"b; {marker}"]), ("b", "s", []))
    assert found["a"] == ({"b"} if applies else set())


def test_extras_activate_requirements_to_any_depth() -> None:
    found = edges(
        ("app", "s", ["lib[fast]"]),
        ("lib", "s", ['speed[more]; extra == "fast"', 'other; extra == "slow"']),
        ("speed", "s", ['depth; extra == "more"']),
        ("depth", "s", []),
        ("other", "s", []),
    )
    assert found["lib"] == {"speed"}
    assert found["speed"] == {"depth"}


def test_extra_names_are_normalised() -> None:
    found = edges(
        ("a", "s", ["b[Some_Extra]"]), ("b", "s", ['c; extra == "some-extra"']), ("c", "s", [])
    )
    assert found["b"] == {"c"}


def test_cycles_and_self_requirements_end() -> None:
    found = edges(
        ("a", "s", ["b[x]", "a[y]"]), ("b", "s", ['a[x]; extra == "x"']), ("c", "s", ["c"])
    )
    assert found == {"a": {"b"}, "b": {"a"}, "c": set()}


def test_environments_do_not_see_each_other_unless_told() -> None:
    dists = (("a", "one", ["b"]), ("b", "two", []))
    assert edges(*dists)["a"] == set()
    assert edges(*dists, search={"one": ("one", "two"), "two": ("two",)})["a"] == {"b"}


def test_the_nearest_directory_wins() -> None:
    nodes = [Node(0, "a", "one", ["b"]), Node(1, "b", "two", []), Node(2, "b", "one", [])]
    markers = {site: marker_environment("3.11.0", None) for site in ("one", "two")}
    assert resolve_edges(nodes, {"one": ("one", "two"), "two": ("two",)}, markers)[0] == (2,)


def test_without_a_known_interpreter_only_extras_are_ruled_out() -> None:
    found = edges(
        (
            "a",
            "s",
            [
                'b; python_version < "3"',
                'c; extra == "x"',
                'c; extra == "y" and python_version > "3"',
            ],
        ),
        ("b", "s", []),
        ("c", "s", []),
        version=None,
    )
    assert found["a"] == {"b"}


@pytest.mark.parametrize(
    "text",
    [
        "b; ((((",
        "b @ file:///etc/passwd",
        "b" + "(" * 5000,
        "b; " + "(" * 2000 + 'os_name == "x"' + ")" * 2000,
        "b; python_version > 'not a version at all'",
        "\x00",
        "b ~=",
    ],
)
def test_requirements_that_are_none_are_passed_over(text: str) -> None:
    found = edges(("a", "s", [text, "c"]), ("b", "s", []), ("c", "s", []))
    assert "c" in found["a"]


def test_machines_are_named_as_python_names_them() -> None:
    assert marker_environment("3.12.1", "arm64")["platform_machine"] == "aarch64"
    assert marker_environment("3.12.1", "riscv64")["platform_machine"] == "riscv64"
    assert marker_environment("3.12.1", None, system="windows")["sys_platform"] == "win32"
    assert marker_environment("3.9.18", "amd64", pypy=True)["implementation_name"] == "pypy"
