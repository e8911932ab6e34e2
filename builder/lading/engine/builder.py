"""Run the real ``docker build`` and learn what it made, without touching its words or output."""

from __future__ import annotations

import contextlib
import os
import subprocess

from lading.errors import EngineError
from lading.limits import LIMITS
from lading.programs import docker_config, on_path, private_directory
from lading.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from lading.engine.argv import BuildCommand

__all__ = ["BuildResult", "Builder", "docker_cli", "find_builder", "id_in", "run_build"]

_PLUGIN_DIRECTORIES = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


@record
class Builder:
    """Who builds: ``classic`` (the engine's own), or buildx with a driver (``docker`` …)."""

    buildx: bool
    driver: str = "docker"

    @property
    def in_engine(self) -> bool:
        """Whether the image lands in the engine's own store."""
        return not self.buildx or self.driver == "docker"


@record
class BuildResult:
    """How the build ended. ``image_id`` is empty when docker did not say one.

    ``provenance`` is the predicate that buildx writes about its build, None from older ones.
    """

    status: int
    image_id: str = ""
    manifest_digest: str | None = None
    provenance: Any = None


def docker_cli() -> str:
    """Return the path of the docker command line.

    Raises:
        EngineError: it is not on PATH.
    """
    found = on_path("docker")
    if found is None:
        raise EngineError(
            "The docker command was not found",
            where="PATH",
            hint="Install Docker (on Debian: apt-get install docker.io) and try again.",
        )
    return found


def find_builder(command: BuildCommand) -> Builder:
    """Say which builder docker will use for ``command``, as docker itself decides it.

    buildx is asked only where there is a choice: when a builder is named, or was ever made. Asking
    takes as long as building one line anew.

    Raises:
        EngineError: docker is not installed.
    """
    docker = docker_cli()
    if os.environ.get("DOCKER_BUILDKIT") in {"0", "false"} or not _has_buildx():
        return Builder(buildx=False)
    named = command.last("builder") or os.environ.get("BUILDX_BUILDER")
    if not named and not _has_builders():
        return Builder(buildx=True)
    arguments = [docker, "buildx", "inspect", *([named] if named else [])]
    shown = subprocess.run(arguments, capture_output=True, text=True, check=False)
    driver = "docker"
    for line in shown.stdout.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "Driver":
            driver = value.strip()
            break
    return Builder(buildx=True, driver=driver)


def _has_builders() -> bool:
    """Say whether ``docker buildx create`` made builders besides docker's own; buildx keeps them.

    One that is chosen by ``docker buildx use`` is among them, whatever was chosen for which engine.
    """
    place = os.environ.get("BUILDX_CONFIG") or f"{docker_config()}/buildx"
    try:
        with os.scandir(f"{place}/instances") as made:
            return any(made)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # buildx knows better


def _has_buildx() -> bool:
    config = docker_config()
    places = [f"{config}/cli-plugins", *_PLUGIN_DIRECTORIES]
    if any(os.path.exists(f"{place}/docker-buildx") for place in places):
        return True
    extra = []
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        with open(f"{config}/config.json", encoding="utf-8") as file:
            text = file.read()
        import json  # not for those who have no such file

        extra = [os.fspath(place) for place in json.loads(text)["cliPluginsExtraDirs"]]
    return any(os.path.exists(f"{place}/docker-buildx") for place in extra)


def run_build(
    command: BuildCommand,
    words: Sequence[str],
    builder: Builder,
    meanwhile: Callable[[str], object] = lambda _: None,
    *,
    image: bool = True,
) -> BuildResult:
    """Run ``docker build`` with ``words``; standard streams are docker's own.

    ``meanwhile`` is called when docker was started, with the file that docker will write the
    image's ID to, and must not take as long as docker.

    An ``--iidfile`` (and with buildx a ``--metadata-file``) is put in front unless the user has
    one: docker's only way to say what it built. Where no ``image`` is to come nothing is added.

    Raises:
        EngineError: docker cannot be started.
    """
    if not image:
        return BuildResult(_run([docker_cli(), "build", *words], lambda: None))
    with private_directory("lading-build-") as private:
        iidfile = command.last("iidfile") or f"{private}/iid"
        metadata = command.last("metadata-file") or f"{private}/metadata.json"
        # buildx takes no file for the image's ID beside these; it is in the metadata, too
        refused = builder.buildx and command.outputs & {"local", "tar"}
        extra = [] if command.last("iidfile") or refused else ["--iidfile", iidfile]
        if builder.buildx and not command.last("metadata-file"):
            extra += ["--metadata-file", metadata]
        arguments = [docker_cli(), "build", *extra, *words]
        status = _run(arguments, lambda: meanwhile(iidfile))
        if status != 0:
            return BuildResult(status)
        told = _metadata(metadata) if builder.buildx else {}
        digest, config = (
            value if isinstance(value := told.get(f"containerimage.{name}"), str) else None
            for name in ("digest", "config.digest")
        )
        return BuildResult(
            0,
            id_in(iidfile) or config or "",
            digest,
            told.get("buildx.build.provenance"),
        )


def _run(arguments: list[str], meanwhile: Callable[[], object]) -> int:
    try:
        process = subprocess.Popen(arguments)
    except OSError as error:
        raise EngineError(
            "docker could not be started", where=arguments[0], got=str(error)
        ) from error
    try:
        meanwhile()
    except SystemExit:
        process.terminate()
        raise
    finally:
        status = _ended(process)
    return status if status >= 0 else 128 - status


def _ended(process: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # docker got the same signal from the terminal and ends in its own way
        except SystemExit:  # that signal is ours alone
            process.terminate()
            process.wait()
            raise


def id_in(path: str | os.PathLike[str]) -> str:
    """Return what docker wrote into an ``--iidfile``, so far; nothing when there is none."""
    try:
        with open(path, "rb") as file:
            return file.read(LIMITS.companion_json).decode("ascii", "replace").strip()
    except OSError:
        return ""


def _metadata(path: str) -> dict[str, Any]:
    import json

    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(LIMITS.companion_json))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
