"""Which builder docker will use: docker's own where no other was ever made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lading.engine import builder
from lading.engine.argv import parse_build
from lading.engine.builder import Builder, find_builder

if TYPE_CHECKING:
    from pathlib import Path

DOCKER = """\
#!/bin/sh
echo "$@" >>"{log}"
echo "Name: other"
echo "Driver: docker-container"
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker with buildx, which says that another builder is chosen; what it was asked."""
    log = tmp_path / "asked"
    log.touch()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER.format(log=log))
    (programs / "docker").chmod(0o755)
    plugins = tmp_path / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").touch()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    for name in ("DOCKER_BUILDKIT", "BUILDX_BUILDER", "BUILDX_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return log


def test_without_a_builder_that_was_made_it_is_dockers_own(asked: Path, tmp_path: Path) -> None:
    command = parse_build(["."])

    assert find_builder(command) == Builder(buildx=True, driver="docker")
    (tmp_path / "config" / "buildx" / "instances").mkdir(parents=True)
    assert find_builder(command) == Builder(buildx=True, driver="docker")
    assert asked.read_text() == ""


@pytest.mark.parametrize("place", ["config/buildx", "elsewhere"])
def test_where_builders_were_made_buildx_says_which_is_chosen(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / place / "instances").mkdir(parents=True)
    (tmp_path / place / "instances" / "other").write_text("{}")
    if place == "elsewhere":
        monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path / place))

    assert find_builder(parse_build(["."])) == Builder(buildx=True, driver="docker-container")
    assert asked.read_text() == "buildx inspect\n"


def test_a_builder_that_is_named_is_asked_about(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_builder(parse_build(["--builder", "other", "."])).driver == "docker-container"
    monkeypatch.setenv("BUILDX_BUILDER", "another")
    assert find_builder(parse_build(["."])).driver == "docker-container"
    assert asked.read_text() == "buildx inspect other\nbuildx inspect another\n"


@pytest.mark.parametrize("said", ['{"auths": {}}', "[]", "no JSON", '{"cliPluginsExtraDirs": 1}'])
def test_plugins_are_looked_for_whatever_dockers_settings_say(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """Most settings name no further directories of plugins."""
    del asked
    (tmp_path / "config" / "cli-plugins" / "docker-buildx").unlink()
    monkeypatch.setattr(builder, "_PLUGIN_DIRECTORIES", ())
    settings = tmp_path / "config" / "config.json"
    settings.write_text(said)
    assert find_builder(parse_build(["."])) == Builder(buildx=False)

    more = tmp_path / "more"
    more.mkdir()
    (more / "docker-buildx").touch()
    settings.write_text(json.dumps({"cliPluginsExtraDirs": [str(more)]}))
    assert find_builder(parse_build(["."])) == Builder(buildx=True)
