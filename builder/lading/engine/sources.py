"""What a build is made from, looked at before it starts: context, commit, Dockerfile, bases."""

from __future__ import annotations

import os

from lading.engine.git import Commit, commit_of
from lading.limits import LIMITS
from lading.records import changed, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.engine.argv import BuildCommand
    from lading.engine.dockerfile import BaseImage

__all__ = ["BuildSources", "SourcesRead", "describe_sources", "read_sources"]


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


@record
class SourcesRead:
    """What there was when docker started: all but the digest and the bases of ``dockerfile``."""

    sources: BuildSources
    dockerfile: bytes | None = None


def read_sources(command: BuildCommand) -> SourcesRead:
    """Read what may be another thing when docker has started; what it means can wait."""
    place = command.arguments[-1] if command.arguments else ""
    if place == "-":
        return SourcesRead(BuildSources("stdin", unread="the context came through standard input"))
    if not place or not os.path.isdir(place):
        return SourcesRead(BuildSources("url", unread="the context is not a local directory"))
    commit = commit_of(place)
    given = command.last("file")
    if given == "-":
        why = "the Dockerfile came through standard input"
        return SourcesRead(BuildSources("directory", commit, unread=why))
    content = _content(given or os.path.join(place, "Dockerfile"))
    if isinstance(content, str):
        return SourcesRead(BuildSources("directory", commit, given or "Dockerfile", unread=content))
    return SourcesRead(BuildSources("directory", commit, given or "Dockerfile"), content)


def describe_sources(
    found: SourcesRead, command: BuildCommand, environ: Mapping[str, str]
) -> BuildSources:
    """Say what was read, and which images a Dockerfile builds on."""
    if found.dockerfile is None:
        return found.sources
    import hashlib

    from lading.engine.dockerfile import base_images

    return changed(
        found.sources,
        dockerfile_sha256=hashlib.sha256(found.dockerfile).hexdigest(),
        bases=tuple(
            base_images(
                found.dockerfile.decode("utf-8", "replace"),
                build_args=_build_args(command, environ),
                target=command.last("target"),
                contexts=dict(
                    value.partition("=")[::2] for value in command.options.get("build-context", ())
                ),
            )
        ),
    )


def _content(path: str) -> bytes | str:
    """Return a Dockerfile's bytes, or why there are none."""
    if os.path.exists(path) and not os.path.isfile(path):
        # what is read from a pipe (`-f <(…)`) would be missing for docker
        return "the Dockerfile is not a regular file"
    try:
        with open(path, "rb") as file:
            content = file.read(LIMITS.dockerfile + 1)
    except OSError as error:
        return f"the Dockerfile cannot be read: {error.strerror}"
    if len(content) > LIMITS.dockerfile:
        return f"the Dockerfile has more than {LIMITS.dockerfile:,} bytes"
    return content


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
