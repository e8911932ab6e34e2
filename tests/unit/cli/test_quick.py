"""The quick ways into `verify`, `inspect` and `bom` ask what the declared ones do."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from lading.cli import _SOURCES, inspecting, main, options, quick, verifying, writing
from lading.cli.asking import ASKED
from lading.cli.bom import _bom
from lading.cli.inspect import _inspect
from lading.cli.verify import _verify
from lading.hub.targets import PREFIXES

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = "registry.example/acme/svc:1"


def _absent(declared: dict[str, Any]) -> dict[str, Any]:
    return {name: False if kind.__origin__ is bool else None for name, kind in declared.items()}


def test_the_tables_are_the_declarations() -> None:
    assert _absent(options.TRUST) == quick.TRUST
    assert _absent(ASKED) == quick.ASKED
    parameters = inspect.signature(_verify).parameters
    every = {*quick.TRUST, *quick.ASKED, *quick.OTHERS, "image"}
    assert {name.replace("_", "-") for name in parameters} == every


def test_sources_are_told_from_images_as_their_room_does() -> None:
    assert tuple(f"{prefix}:" for prefix in PREFIXES) == _SOURCES


@pytest.mark.parametrize("text", ["ubuntu:22.04", "registry:5000/x", "hf", "ghcr.io/git:1"])
def test_images_are_no_sources(text: str) -> None:
    assert not text.startswith(_SOURCES)


def test_every_flag_means_the_setting_that_declares_it() -> None:
    declared = {}
    for name, parameter in inspect.signature(_verify).parameters.items():
        info = parameter.annotation.__metadata__[0]  # which keeps the first flag as "default"
        for flag in (info.default, *(info.param_decls or ())):
            if str(flag).startswith("--"):
                declared[flag] = name.replace("_", "-")

    assert quick.FLAGS.items() <= declared.items()
    assert declared.keys() - quick.FLAGS.keys() == {"--policy", "--previous", "--verdict"}


def _asked(monkeypatch: pytest.MonkeyPatch, *words: str, quickly: bool) -> list[Any]:
    found: list[Any] = []

    def note(image: str, **settings: Any) -> None:
        found.append((image, settings))

    with monkeypatch.context() as patch:
        patch.setattr(verifying, "verify", note)
        if not quickly:
            patch.setattr(quick, "parse", lambda _words: None)
        assert main(["verify", *words]) == 0
    return found


@pytest.mark.parametrize(
    "words",
    [
        (IMAGE,),
        ("--key", "a.pub", IMAGE),
        ("--key", "a.pub", IMAGE, "--key=b.pub", "--json", "--full"),
        ("--identity", "a@b", "--identity=c@d", "--identity-regexp", ".*", "--issuer", "u", IMAGE),
        ("--trusted-root", "r.json", "--tlog", "--timestamp", IMAGE),
        ("--trust-config", "r.json", "--trust", "t.yaml", IMAGE),
        ("--certificate-root", "r.pem", "--certificate-chain", "c.pem", IMAGE),
        ("--type", "bom", "--max-age", "30d", "--platform", "linux/arm64", IMAGE),
        ("--all-platforms", "--content", "--insecure", "--evidence", "./e", f"docker:{IMAGE}"),
    ],
)
@pytest.mark.parametrize("evidence", [None, "", "./elsewhere"])
def test_both_ways_ask_the_same(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], evidence: str | None
) -> None:
    monkeypatch.delenv("LADING_EVIDENCE", raising=False)
    if evidence is not None:
        monkeypatch.setenv("LADING_EVIDENCE", evidence)

    assert quick.parse(words) is not None
    quickly = _asked(monkeypatch, *words, quickly=True)
    assert quickly == _asked(monkeypatch, *words, quickly=False)
    assert len(quickly) == 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("",),
        ("--help",),
        ("-h", IMAGE),
        (IMAGE, "another:1"),
        (IMAGE, "--key"),
        (IMAGE, "--key="),
        (IMAGE, "--key", "--json"),
        (IMAGE, "--unknown"),
        (IMAGE, "--policy", "p.yaml"),
        (IMAGE, "--verdict", "json=f"),
        (IMAGE, "--json=true"),
        (IMAGE, "--max-age", "1", "--max-age", "2"),
        (IMAGE, "--full", "--full"),
        ("--", IMAGE),
        ("-", IMAGE),
    ],
)
def test_what_is_not_plain_is_left_to_the_declared_options(words: tuple[str, ...]) -> None:
    assert quick.parse(words) is None


def test_mistakes_are_told_by_the_declared_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", IMAGE, "--unknown"]) == 2
    assert "--unknown" in capsys.readouterr().err
    assert main(["verify", "--help"]) == 0
    assert "--all-platforms" in capsys.readouterr().out


def test_the_table_of_inspect_is_its_declaration() -> None:
    parameters = inspect.signature(_inspect, eval_str=True).parameters
    declared = {
        name.replace("_", "-"): parameter.default
        for name, parameter in parameters.items()
        if name != "target"
    }
    flags = {
        name: [
            flag
            for flag in (
                parameter.annotation.__metadata__[0].default,
                *(parameter.annotation.__metadata__[0].param_decls or ()),
            )
            if str(flag).startswith("-")
        ]
        for name, parameter in parameters.items()
        if name != "target"
    }

    assert declared == quick.INSPECT
    assert flags == {name.replace("-", "_"): [f"--{name}"] for name in quick.INSPECT}


def _inspected(monkeypatch: pytest.MonkeyPatch, *words: str, quickly: bool) -> list[Any]:
    found: list[Any] = []

    def note(target: str, **settings: Any) -> None:
        found.append((target, settings))

    with monkeypatch.context() as patch:
        patch.setattr(inspecting, "inspect", note)
        if not quickly:
            patch.setattr(quick, "parse_inspect", lambda _words: None)
        assert main(["inspect", *words]) == 0
    return found


@pytest.mark.parametrize(
    "words",
    [
        ("dir:x",),
        ("--json", "dir:x"),
        ("docker-archive:x.tar", "--platform", "linux/arm64", "--all-layers"),
        ("--platform=linux/arm64", f"registry:{IMAGE}", "--insecure", "--json"),
        (f"registry:{IMAGE}", "--all-platforms"),
    ],
)
def test_both_ways_inspect_the_same(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    assert quick.parse_inspect(words) is not None
    quickly = _inspected(monkeypatch, *words, quickly=True)
    assert quickly == _inspected(monkeypatch, *words, quickly=False)
    assert len(quickly) == 1


def test_an_inspection_prints_the_same_either_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("nothing to any model")
    target = f"dir:{tmp_path}"
    assert main(["inspect", target]) == 0
    quickly = capsys.readouterr()
    assert main(["inspect", f"{target}/missing"]) == 22
    missing = capsys.readouterr()

    monkeypatch.setattr(quick, "parse_inspect", lambda _words: None)
    assert main(["inspect", target]) == 0
    assert capsys.readouterr() == quickly
    assert main(["inspect", f"{target}/missing"]) == 22
    assert capsys.readouterr() == missing
    assert "models    none" in quickly.out
    assert "missing" in missing.err


def test_looking_into_a_directory_loads_no_library_that_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to any model")
    code = (
        "import sys; from lading.cli import main;"
        f"status = main(['inspect', 'dir:{tmp_path}']);"
        "print(status, *{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    status, *loaded = ran.stderr.split()

    assert status == "0"
    slow = {"typer", "pydantic", "docker", "requests", "http", "jsonschema", "cryptography"}
    assert not slow & set(loaded)


def test_the_table_of_bom_is_its_declaration() -> None:
    parameters = inspect.signature(_bom, eval_str=True).parameters
    defaults, flags = {}, {}
    for name, parameter in parameters.items():
        if name == "target":
            continue
        info = parameter.annotation.__metadata__[0]
        said = [str(flag) for flag in (info.default, *(info.param_decls or ()))]
        own = [flag for flag in said if flag.startswith("-")]
        (long,) = (flag for flag in own if flag.startswith("--"))
        defaults[long.removeprefix("--")] = parameter.default
        flags[long] = own

    assert defaults == quick.BOM
    assert [short for own in flags.values() for short in own if short[1] != "-"] == ["-o"]
    assert flags["--output"] == ["--output", "-o"]
    answer = inspect.signature(writing.bom).parameters
    assert {name.replace("_", "-") for name in answer} == {*quick.BOM, "target"}


@pytest.mark.parametrize(
    "words",
    [
        ("dir:x",),
        ("dir:x", "-o", "bom.json", "--json"),
        ("--output=bom.xml", "--format", "xml", "dir:x", "--spec-version=1.7"),
        (f"registry:{IMAGE}", "--all-platforms", "--insecure", "--output", "boms"),
        (IMAGE, "--platform", "linux/arm64"),
    ],
)
def test_both_ways_write_the_same(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    found: list[Any] = []
    monkeypatch.setattr(writing, "bom", lambda *target, **given: found.append((target, given)))
    assert quick.parse_bom(words) is not None
    assert main(["bom", *words]) == 0
    monkeypatch.setattr(quick, "parse_bom", lambda _words: None)
    assert main(["bom", *words]) == 0

    assert len(found) == 2
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "words", [("-obom.json", "dir:x"), ("dir:x", "-o"), ("dir:x", "-o", "-"), ("-h",), ()]
)
def test_other_lines_of_bom_are_left_to_the_declared_options(words: tuple[str, ...]) -> None:
    assert quick.parse_bom(words) is None


def test_a_bom_is_the_same_either_way(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    (tmp_path / "notes.txt").write_text("nothing to any model")
    assert main(["bom", f"dir:{tmp_path}"]) == 0
    quickly = capfdbinary.readouterr().out
    assert main(["bom", f"dir:{tmp_path}", "--format", "yaml"]) == 2

    monkeypatch.setattr(quick, "parse_bom", lambda _words: None)
    assert main(["bom", f"dir:{tmp_path}"]) == 0
    assert capfdbinary.readouterr().out == quickly
    assert quickly.startswith(b'{"$schema"')
