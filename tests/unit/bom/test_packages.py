"""Packages as components, the operating system, and the dependency graph."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from lading import bom
from lading.inventory import Inspection, Package
from support import bom_inspections as samples

IMAGE = f"image:{samples.image().manifest_digest}"


def render(*packages: Package) -> dict[str, Any]:
    inspection = Inspection("x", samples.image(), packages=packages)
    document = bom.render(inspection, timestamp=samples.MOMENT)
    bom.validate(document)
    return document


def edges(*packages: Package) -> dict[str, list[str]]:
    return {one["ref"]: one.get("dependsOn", []) for one in render(*packages)["dependencies"]}


def test_component_of_a_distribution() -> None:
    torch = samples.full().packages[0]
    found = render(torch)["components"][0]
    properties = {one["name"]: one["value"] for one in found.pop("properties")}
    location = "/usr/lib/python3/site-packages/torch-2.9.0.dist-info/METADATA"
    assert found == {
        "type": "library",
        "bom-ref": "pkg:pypi/torch@2.9.0",
        "name": "torch",
        "version": "2.9.0",
        "purl": "pkg:pypi/torch@2.9.0",
        "description": "Tensors",
        "hashes": [{"alg": "SHA-256", "content": samples.digest("torch")}],
        "licenses": [{"license": {"id": "BSD-3-Clause", "acknowledgement": "declared"}}],
        "externalReferences": [{"type": "website", "url": "https://pytorch.org"}],
        "supplier": {"name": "PyTorch Team"},
        "evidence": {
            "occurrences": [
                {
                    "location": location,
                    "additionalContext": f"layer={samples.LAYERS[1].diff_id}",
                }
            ]
        },
    }
    assert properties == {
        "lading:layer": samples.LAYERS[1].diff_id,
        "lading:path": location,
        "lading:package:type": "pypi",
        "lading:package:requested": "true",
    }


def test_properties_of_a_reader_keep_their_names() -> None:
    known = {"lading:python:installer": "uv", "source": "glibc"}
    (found,) = render(samples.package("a", properties=known))["components"]
    names = {one["name"] for one in found["properties"]}
    assert {"lading:python:installer", "lading:package:source"} <= names


@pytest.mark.parametrize(
    "purl", ["", "numpy", "pkg:pypi/with blank@1", "pkg:pypi/\udc80@1", "pkg:x"]
)
def test_what_is_no_purl_is_a_property(purl: str) -> None:
    (found,) = render(samples.package("odd", purl=purl))["components"]
    assert "purl" not in found
    assert found["bom-ref"] == "package:pypi:odd:1.0"


@pytest.mark.parametrize("cpe", ["glibc", "cpe:2.3:a:b", "cpe:2.3:a:b:c:1:*:*:*:*:*:*:*:*"])
def test_what_is_no_cpe_is_left_out(cpe: str) -> None:
    assert "cpe" not in render(samples.package("a", cpe=cpe))["components"][0]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x y?q=[1]", "https://a.example/x%20y?q=%5B1%5D"),
        ("https://a.example/%zz", "https://a.example/%25zz"),
        ("https://a.example/#a#b", "https://a.example/#a%23b"),
        ("https://a.example/é", "https://a.example/%C3%A9"),
        ("javascript:alert(1)", None),
        ("https://[::1", None),
        ("https://a.example:port/", None),
        ("UNKNOWN", None),
    ],
)
def test_home_pages_are_valid_or_absent(url: str, expected: str | None) -> None:
    found = render(samples.package("a", homepage=url))["components"][0]
    assert [one["url"] for one in found.get("externalReferences", [])] == (
        [expected] if expected else []
    )


def test_image_needs_what_nobody_requires_and_what_was_asked_for() -> None:
    top = samples.package("top", requires=("pkg:pypi/low@1.0", "pkg:pypi/asked@1.0"))
    found = edges(top, samples.package("low"), samples.package("asked", requested=True))
    assert found[IMAGE] == ["pkg:pypi/asked@1.0", "pkg:pypi/top@1.0"]
    assert found["pkg:pypi/top@1.0"] == ["pkg:pypi/asked@1.0", "pkg:pypi/low@1.0"]
    assert found["pkg:pypi/low@1.0"] == []


def test_every_ring_can_be_reached() -> None:
    ring = [samples.package(f"r{n}", requires=(f"pkg:pypi/r{(n + 1) % 3}@1.0",)) for n in range(3)]
    found = edges(*ring, samples.package("self", requires=("pkg:pypi/self@1.0",)))
    assert found[IMAGE] == ["pkg:pypi/r0@1.0", "pkg:pypi/self@1.0"]
    assert found["pkg:pypi/self@1.0"] == []


def test_a_long_chain_needs_no_stack() -> None:
    chain = [
        samples.package(f"c{n}", requires=(f"pkg:pypi/c{(n + 1) % 5000}@1.0",)) for n in range(5000)
    ]
    assert edges(*chain)[IMAGE] == ["pkg:pypi/c0@1.0"]


def test_requirement_without_a_version_finds_the_package_and_an_absent_one_nothing() -> None:
    top = samples.package("top", requires=("pkg:pypi/low", "pkg:pypi/absent@2", "pkg:pypi/low@9"))
    assert edges(top, samples.package("low"))["pkg:pypi/top@1.0"] == ["pkg:pypi/low@1.0"]


def test_the_same_distribution_in_two_environments() -> None:
    """Each environment's packages need those beside them."""
    packages = [
        samples.package(name, requires=requires, path=f"{venv}/{name}-1.0.dist-info/METADATA")
        for venv in ("opt/a", "opt/b")
        for name, requires in (("top", ("pkg:pypi/low@1.0",)), ("low", ()))
    ]
    document = render(*packages)
    refs = {
        (one["name"], one["evidence"]["occurrences"][0]["location"].split("/")[2]): one["bom-ref"]
        for one in document["components"]
    }
    assert len(set(refs.values())) == 4
    needs = {one["ref"]: one.get("dependsOn") for one in document["dependencies"]}
    for venv in ("a", "b"):
        assert needs[refs["top", venv]] == [refs["low", venv]]


def test_copies_that_differ_in_nothing_are_one() -> None:
    one = samples.package("a", requires=("pkg:pypi/b@1.0",))
    document = render(one, dataclasses.replace(one, requires=()), samples.package("b"))
    assert len(document["components"]) == 2


def test_vendored_packages_hang_below_their_holder() -> None:
    holder = samples.package("pip")
    inner = samples.package("idna", properties={"lading:python:vendored-by": holder.purl})
    found = edges(holder, inner)
    assert found[IMAGE] == [holder.purl]
    assert found[holder.purl] == [inner.purl]


def test_operating_system_of_the_packages() -> None:
    libc = samples.full().packages[-1]
    document = render(libc, samples.package("a"))
    (system,) = [one for one in document["components"] if one["type"] == "operating-system"]
    assert system == {
        "type": "operating-system",
        "bom-ref": "os:debian@13",
        "name": "debian",
        "version": "13",
    }
    assert system["bom-ref"] in edges(libc)[IMAGE]
    other = dataclasses.replace(libc, purl="pkg:apk/alpine/musl@1?distro=alpine-3.22")
    kinds = {one["type"] for one in render(libc, other)["components"]}
    assert kinds == {"library"}, "two systems are none"


@pytest.mark.parametrize(
    ("declared", "expected_1_6", "expected_1_7"),
    [
        ((), None, None),
        (("", "  "), None, None),
        (("mit", "MIT"), [("id", "MIT")], [("id", "MIT")]),
        (
            ("mit or apache-2.0",),
            [("expression", "MIT OR Apache-2.0")],
            [("expression", "MIT OR Apache-2.0")],
        ),
        (
            ("GPL-2.0-only WITH Classpath-exception-2.0",),
            [("expression", "GPL-2.0-only WITH Classpath-exception-2.0")],
            [("expression", "GPL-2.0-only WITH Classpath-exception-2.0")],
        ),
        (("MIT+",), [("expression", "MIT+")], [("expression", "MIT+")]),
        (
            ("LicenseRef-Acme",),
            [("expression", "LicenseRef-Acme")],
            [("expression", "LicenseRef-Acme")],
        ),
        (("BSD License",), [("name", "BSD License")], [("name", "BSD License")]),
        (
            ("Apache-2.0 OR MIT", "GPL-2.0-only"),
            [("expression", "(Apache-2.0 OR MIT) AND GPL-2.0-only")],
            [("expression", "Apache-2.0 OR MIT"), ("id", "GPL-2.0-only")],
        ),
        (
            ("Apache-2.0 OR MIT", "ours", "MIT"),
            [("id", "MIT"), ("name", "Apache-2.0 OR MIT"), ("name", "ours")],
            [("expression", "Apache-2.0 OR MIT"), ("id", "MIT"), ("name", "ours")],
        ),
        (("((" * 300,), [("name", "((" * 300)], [("name", "((" * 300)]),
        (("MIT AND",), [("name", "MIT AND")], [("name", "MIT AND")]),
    ],
)
def test_licences(declared: tuple[str, ...], expected_1_6: Any, expected_1_7: Any) -> None:
    inspection = Inspection(
        "x", samples.image(labels={}), packages=(samples.package("a", licenses=declared),)
    )
    for version, expected in (("1.6", expected_1_6), ("1.7", expected_1_7)):
        document = bom.render(inspection, spec_version=version, timestamp=samples.MOMENT)
        bom.validate(document)
        found = document["components"][0].get("licenses")
        assert (found and [_license(one) for one in found]) == expected


def _license(choice: dict[str, Any]) -> tuple[str, str]:
    flat = {**choice, **choice.get("license", {})}
    return next((kind, flat[kind]) for kind in ("id", "name", "expression") if kind in flat)
