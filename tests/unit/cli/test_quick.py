"""The quick way into `verify` and the declared one are one and the same question."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from lading.cli import _SOURCES, main, options, quick, verifying
from lading.cli.asking import ASKED
from lading.cli.verify import _verify
from lading.hub.targets import PREFIXES

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
