"""A container whose making was broken off is removed: nothing of ours is left in an engine."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import parts
from lading.engine.client import Engine
from lading.errors import EngineError
from support.engine_proxy import Break, between

if TYPE_CHECKING:
    from pathlib import Path

    from support.engines import DockerEngine


def ours(docker_engine: DockerEngine) -> set[str]:
    """Return the names of all containers that lading made."""
    told = docker_engine.docker(
        "ps", "--all", "--filter=label=dev.lading.purpose=read", "--format={{.Names}}"
    )
    return set(told.split())


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_a_signal_before_the_answer_is_read(
    kind: type[BaseException],
    docker_engine: DockerEngine,
    base_image: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = ours(docker_engine)
    with Engine.connect(docker_engine.env) as engine:
        ask = engine._ask

        def broken_off(path: str, *more: Any) -> Any:
            answer = ask(path, *more)
            if "/containers/create" in path:
                assert json.loads(answer[1])["Id"]
                raise kind
            return answer

        monkeypatch.setattr(engine, "_ask", broken_off)
        with pytest.raises(kind):
            engine.create_container(base_image)
    assert ours(docker_engine) - before == set()


@pytest.mark.parametrize("fate", [Break.CUT, Break.LOST])
def test_an_answer_that_is_cut(
    fate: Break, docker_engine: DockerEngine, base_image: str, tmp_path: Path
) -> None:
    before = ours(docker_engine)
    with between(docker_engine.env["DOCKER_HOST"], tmp_path) as proxy:
        proxy.breaks["/containers/create"] = fate
        with (
            Engine.connect({**docker_engine.env, "DOCKER_HOST": proxy.host}) as engine,
            pytest.raises(EngineError),
        ):
            engine.create_container(base_image)
    assert ours(docker_engine) - before == set()


def test_one_that_was_made_is_told_and_removed_once(
    docker_engine: DockerEngine, base_image: str
) -> None:
    with Engine.connect(docker_engine.env) as engine:
        made = engine.create_container(base_image)
        told = subprocess.run(
            [str(parts.require("docker")), "inspect", "--format={{.Name}}", made],
            env=docker_engine.env,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert told.startswith("/lading-")
        assert engine.remove_container(made) is True
        assert engine.remove_container(made) is False
