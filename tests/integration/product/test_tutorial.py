"""The tutorial, run as it stands: every command of the page, and every refusal with its reason."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import parts
from support import hub_server

if TYPE_CHECKING:
    from support.engines import DockerEngine
    from support.registries import Registry

PAGE = parts.ROOT / "docs" / "tutorial.md"
MODEL = parts.ROOT / "examples" / "ml-service" / "models" / "ticket-router-tiny"
_BLOCK = re.compile(r"^```(sh|refused (\d+) ([^\n]+))\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of commands; the last one is refused where ``status`` is not 0."""

    commands: str
    status: int = 0
    reason: str = ""


def blocks() -> list[Block]:
    found = _BLOCK.findall(PAGE.read_text())
    return [Block(commands, int(status or 0), reason) for _, status, reason, commands in found]


@pytest.fixture
def env(
    docker_engine: DockerEngine, registry_referrers: Registry, tmp_path: Path
) -> dict[str, str]:
    tools = os.pathsep.join((str(Path(sys.executable).parent), str(parts.require("oras").parent)))
    return {
        **docker_engine.env,
        "PATH": os.pathsep.join((tools, docker_engine.env["PATH"])),
        # by name: oras speaks plain HTTP to no other host unasked
        "REGISTRY": f"{registry_referrers.host.replace('127.0.0.1', 'localhost')}/tutorial",
        "HOME": str(tmp_path / "home"),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "DOCKER_BUILDKIT": "0",
    }


def _run(block: Block, env: dict[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-eu", "-c", block.commands],
        env=env,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_tutorial_does_what_it_says(env: dict[str, str], tmp_path: Path) -> None:
    directory = tmp_path / "project"
    directory.mkdir()
    with hub_server.serve() as hub:
        files = {one.name: one.read_bytes() for one in MODEL.iterdir()}
        hub.add("acme/ticket-router-tiny").commit(files)
        for block in blocks():
            ran = _run(block, {**env, "HF_ENDPOINT": hub.url}, directory)
            said = f"{block.commands}\n{ran.stdout}\n{ran.stderr}"
            assert "Traceback" not in ran.stderr, said
            assert ran.returncode == block.status, said
            assert block.reason in " ".join((ran.stdout + ran.stderr).split()), said
    weights = hashlib.sha256(files["model.safetensors"]).hexdigest()
    assert hub.fetched().count(weights) == 1  # by `hf download`, and not to attest it


def test_the_page_has_all_steps_and_attacks() -> None:
    """A block that no longer matches the pattern would go untested in silence."""
    page = PAGE.read_text()

    assert page.count("```") == 2 * (len(blocks()) + 1)  # one block is for readers only
    assert len([one for one in blocks() if one.status]) == 8
    for step in ("attest hf:", "verify dir:", "build", "attach", "policy seal", "verify $REGISTRY"):
        assert any(f"lading {step}" in one.commands for one in blocks() if not one.status), step
