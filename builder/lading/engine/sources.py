"""What a build is made from, looked at before it starts: context, commit, Dockerfile, bases."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from lading.engine.dockerfile import BaseImage, base_images
from lading.engine.git import Commit, commit_of
from lading.limits import LIMITS
from lading.records import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.engine.argv import BuildCommand

__all__ = ["BuildSources", "look_at_sources"]


@record
class BuildSources:
    """A build's context and Dockerfile, as far as they can be read beforehand.

    ``context`` is ``directory``, ``url`` or ``stdin``. ``dockerfile`` is the Dockerfile's path as
    docker takes it and ``dockerfile_sha256`` its digest in hex; without one, ``unread`` says why.
    """

    context: str
    commit: Commit | None = None
    dockerfile: str | None = None
    dockerfile_sha256: str | None = None
    bases: tuple[BaseImage, ...] = ()
    unread: str | None = None


def look_at_sources(command: BuildCommand, environ: Mapping[str, str]) -> BuildSources:
    """Look at what ``command`` will build from; whatever cannot be read is left open, never wrong.

    docker itself complains about a context or a Dockerfile that is not there.
    """
    place = command.arguments[-1] if command.arguments else ""
    directory = Path(place)
    if place == "-":
        return BuildSources("stdin", unread="the context came through standard input")
    if not place or not directory.is_dir():
        return BuildSources("url", unread="the context is not a local directory")
    commit = commit_of(directory)
    given = command.last("file")
    if given == "-":
        why = "the Dockerfile came through standard input"
        return BuildSources("directory", commit, unread=why)
    path = Path(given) if given else directory / "Dockerfile"
    if path.exists() and not path.is_file():
        # what is read from a pipe (`-f <(…)`) would be missing for docker
        why = "the Dockerfile is not a regular file"
        return BuildSources("directory", commit, given or "Dockerfile", unread=why)
    try:
        with path.open("rb") as file:
            content = file.read(LIMITS.dockerfile + 1)
    except OSError as error:
        why = f"the Dockerfile cannot be read: {error.strerror}"
        return BuildSources("directory", commit, given or "Dockerfile", unread=why)
    if len(content) > LIMITS.dockerfile:
        why = f"the Dockerfile has more than {LIMITS.dockerfile:,} bytes"
        return BuildSources("directory", commit, given or "Dockerfile", unread=why)
    return BuildSources(
        context="directory",
        commit=commit,
        dockerfile=given or "Dockerfile",
        dockerfile_sha256=hashlib.sha256(content).hexdigest(),
        bases=tuple(
            base_images(
                content.decode("utf-8", "replace"),
                build_args=_build_args(command, environ),
                target=command.last("target"),
                contexts=dict(
                    value.partition("=")[::2] for value in command.options.get("build-context", ())
                ),
            )
        ),
    )


def _build_args(command: BuildCommand, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the build arguments that have values; a bare name takes the environment's."""
    found = {}
    for text in command.options.get("build-arg", ()):
        name, given, value = text.partition("=")
        if given:
            found[name] = value
        elif name in environ:
            found[name] = environ[name]
    return found
