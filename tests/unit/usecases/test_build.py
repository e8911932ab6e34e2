"""A build: what it is made from is seen before docker starts, beside what else comes before."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from lading.engine.argv import parse_build
from lading.errors import UsageError
from lading.usecases import build as build_module
from lading.usecases.build import build

if TYPE_CHECKING:
    from pathlib import Path

DOCKER = """\
#!/bin/sh
echo "FROM changed" >"{context}/Dockerfile"
while [ "$1" != --iidfile ]; do shift; done
echo sha256:{id} >"$2"
"""


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build context, and a docker that changes it as soon as it is started."""
    programs, context = tmp_path / "bin", tmp_path / "context"
    for directory in (programs, context):
        directory.mkdir()
    (context / "Dockerfile").write_text("FROM alpine:3\n")
    (programs / "docker").write_text(DOCKER.format(context=context, id="a" * 64))
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    return context


def test_the_sources_are_those_before_docker_started(context: Path) -> None:
    built = build(parse_build([str(context)]), before=lambda: None)

    assert (context / "Dockerfile").read_text() == "FROM changed\n"
    assert built.image_id == "sha256:" + "a" * 64
    assert built.record is not None
    (base,) = built.record.sources.bases
    assert base.written == "alpine:3"


def test_what_is_done_meanwhile_begins_when_docker_was_started(context: Path) -> None:
    """Nothing that loads must stand in docker's way; what fails there does not leave docker."""
    started, ended = context / "Dockerfile", context / "ended"
    docker = context.parent / "bin" / "docker"
    docker.write_text(f"{docker.read_text()}sleep 0.5\ntouch '{ended}'\n")

    def meanwhile(_: object) -> None:
        deadline = time.monotonic() + 10
        while started.read_text() != "FROM changed\n":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        raise UsageError("a mistake of ours")

    with pytest.raises(UsageError, match="a mistake of ours"):
        build(parse_build([str(context)]), before=lambda: None, meanwhile=meanwhile)
    assert ended.exists()


def test_they_are_looked_at_beside_what_comes_before(
    context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=10)
    real = build_module.read_sources

    def looking(*arguments: object) -> object:
        both.wait()
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(build_module, "read_sources", looking)
    assert build(parse_build([str(context)]), before=lambda: both.wait() and None).status == 0


def test_docker_is_not_started_when_something_before_it_fails(
    context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise UsageError("no such key")

    with pytest.raises(UsageError, match="no such key"):
        build(parse_build([str(context)]), before=refused)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(build_module, "read_sources", broken)
    with pytest.raises(ZeroDivisionError):
        build(parse_build([str(context)]), before=lambda: None)

    assert (context / "Dockerfile").read_text() == "FROM alpine:3\n"
    assert "sources" not in [thread.name for thread in threading.enumerate()]


BUILDX = """\
#!/bin/sh
echo "$@" >>"{log}"
while [ $# -gt 0 ]; do
    case $1 in
    --metadata-file) echo '{{"containerimage.config.digest": "sha256:{id}"}}' >"$2" ;;
    --iidfile) echo "local and tar exporters are incompatible with image ID file" >&2; exit 1 ;;
    esac
    shift
done
"""


@pytest.fixture
def buildx(context: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker with buildx that writes files, and so refuses a file for the ID; its words."""
    log = context.parent / "asked"
    plugins = context.parent / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").touch()
    (context.parent / "bin" / "docker").write_text(BUILDX.format(log=log, id="b" * 64))
    monkeypatch.setenv("DOCKER_CONFIG", str(context.parent / "config"))
    for name in ("DOCKER_BUILDKIT", "BUILDX_BUILDER", "BUILDX_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return log


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "out"],
        ["--output=type=tar,dest=o.tar"],
        ["-o", "type=oci,dest=o.tar"],
        ["-o", "-"],
        ["--check"],
        ["--call", "outline"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_where_no_image_is_to_come_docker_gets_its_own_words_alone(
    words: list[str], context: Path, buildx: Path
) -> None:
    def refuse() -> None:
        raise UsageError("nothing needs a signer")

    built = build(parse_build([*words, str(context)]), before=refuse)

    assert (built.status, built.place) == (0, None)
    assert buildx.read_text() == f"build {' '.join(words)} {context}\n"


def test_files_and_an_image_at_once(context: Path, buildx: Path) -> None:
    words = ["-o", "type=local,dest=out", "-o", "type=docker", str(context)]
    built = build(parse_build(words), before=lambda: None)

    assert built.place == "engine"
    assert built.image_id == "sha256:" + "b" * 64
    assert "--iidfile" not in buildx.read_text()


@pytest.mark.parametrize("own", [["--policy-file", "p.yaml"], ["--require-attested-models"]])
def test_what_leaves_no_image_is_not_built_as_if_it_were_judged(
    own: list[str], context: Path, buildx: Path
) -> None:
    with pytest.raises(UsageError, match="judges an image"):
        build(parse_build([*own, "-o", "out", str(context)]), before=lambda: None)
    assert not buildx.exists()
