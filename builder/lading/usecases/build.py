"""Use case: ``docker build``, then look inside what came out, and attest it.

Nothing of docker's is changed: its words, its streams, its exit status. The one exception is
``--push`` where the image lands in the engine first: there lading holds the push back until the
image has been inspected and its BOM validated, and pushes then (docs/decisions/0003).
"""

from __future__ import annotations

import os
import threading
import time

from lading.engine.builder import find_builder, run_build
from lading.engine.sources import read_sources
from lading.errors import EngineError, UsageError
from lading.records import record
from lading_oci.errors import ReferenceInvalid
from lading_oci.references import Reference, parse_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lading.engine.argv import BuildCommand
    from lading.engine.builder import Builder, BuildResult
    from lading.engine.sources import BuildSources, SourcesRead
    from lading.usecases.buildkit import Material

__all__ = ["BuildRecord", "Built", "build", "name_of"]


@record
class BuildRecord:
    """How a build went, for its provenance; the times are UTC."""

    command: BuildCommand
    builder: Builder
    sources: BuildSources
    started: datetime
    finished: datetime
    materials: tuple[Material, ...] = ()  # what BuildKit said that it used


@record
class Built:
    """A finished ``docker build``.

    ``place`` says where the image is: ``engine``, ``registry`` (already pushed by a remote
    builder), or None when there is no image to look at (``why`` says why not).
    """

    status: int
    image_id: str
    references: tuple[Reference, ...]
    place: str | None
    push: bool = False
    why: str = ""
    manifest_digest: str | None = None
    record: BuildRecord | None = None  # with every image there is to look at

    @property
    def name(self) -> str:
        """The first name the user gave it, else its ID."""
        return self.references[0].familiar() if self.references else self.image_id


def name_of(command: BuildCommand) -> str | None:
    """Return what :attr:`Built.name` will be, None where that is an ID.

    Raises:
        UsageError: a tag is no reference.
    """
    return _reference(command.tags[0]).familiar() if command.tags else None


def build(
    command: BuildCommand,
    before: Callable[[], object],
    meanwhile: Callable[[str], object] = lambda _: None,
) -> Built:
    """Run docker's build; ``before`` is called once it is clear that an image is to come.

    ``meanwhile`` is called when docker builds that image, with the file that its ID will be in.

    Raises:
        UsageError: ``--push`` without a name to push to, a tag that is no reference, or a policy
            for what is no image.
        EngineError: docker is missing, or built something and did not say what.
    """
    builder = find_builder(command)
    place, why = _place(command, builder.in_engine)
    if place is None:
        _refuse_unjudged(command, why)
        status = run_build(command, command.words, builder, image=False).status
        return Built(status, "", (), None, why="" if status else why)
    references = tuple(_reference(tag) for tag in command.tags)
    push = command.switch("push")
    if push and not references:
        raise UsageError("--push needs a name to push to", hint="Add -t REGISTRY/REPOSITORY:TAG.")
    with _Looking(command) as looking:
        before()
    hold_push = push and builder.in_engine
    words = command.without_push() if hold_push else command.words
    started = time.time()
    result = run_build(command, words, builder, meanwhile)
    if result.status != 0:
        return Built(result.status, "", references, None)
    if place == "engine" and not result.image_id:
        raise EngineError(
            "docker built an image and did not say which",
            hint="Give it a name with -t, and attest it with `lading attest NAME`.",
        )
    finished = time.time()
    from lading.usecases.buildkit import materials  # docker need not wait for it

    record = BuildRecord(
        command,
        builder,
        looking.sources(),
        _moment(started),
        _moment(finished),
        materials(result.provenance),
    )
    return _built(result, record, references, place, push=hold_push)


def _refuse_unjudged(command: BuildCommand, why: str) -> None:
    """Refuse a build that was to be judged and makes nothing to judge."""
    for name in ("policy-file", "require-attested-models"):
        if why and name in command.own:
            raise UsageError(
                f"--{name} judges an image, and this build leaves none to look at",
                got=why.replace("docker wrote", "docker would write"),
                hint=f"Have an image made (--push, --load, no --output), or leave out --{name}.",
            )


def _moment(seconds: float) -> datetime:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC)


class _Looking:
    """Looks at what a build is made from, beside what else comes before it: git takes its time.

    Raises, when it is left, what looking raised.
    """

    def __init__(self, command: BuildCommand) -> None:
        self._command = command
        self._found: list[SourcesRead] = []
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._look, args=(command,), name="sources")

    def __enter__(self) -> _Looking:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._thread.join()
        if self._failed and kind is None:
            raise self._failed[0]

    def _look(self, command: BuildCommand) -> None:
        try:
            self._found.append(read_sources(command))
        except BaseException as error:  # noqa: BLE001 - raised where it is asked for
            self._failed.append(error)

    def sources(self) -> BuildSources:
        """Return what was seen."""
        from lading.engine.sources import describe_sources

        return describe_sources(self._found[0], self._command, os.environ)


def _built(
    result: BuildResult,
    record: BuildRecord,
    references: tuple[Reference, ...],
    place: str,
    *,
    push: bool,
) -> Built:
    return Built(0, result.image_id, references, place, push, "", result.manifest_digest, record)


def _reference(tag: str) -> Reference:
    """Parse a ``-t`` as docker does, ``latest`` filled in."""
    try:
        reference = parse_reference(tag)
    except ReferenceInvalid as error:
        raise UsageError(
            f"-t {tag} is not an image name", got=error.got, wanted=error.wanted, hint=error.hint
        ) from error
    return reference if reference.tag else reference.with_tag("latest")


def _place(command: BuildCommand, in_engine: bool) -> tuple[str | None, str]:
    """Say where docker will put the image, from its own options, or why there will be none."""
    if command.wants_help or command.builds_nothing:
        return None, ""
    outputs = command.outputs
    if not in_engine:
        if command.switch("push") or "registry" in outputs:
            return "registry", ""
        if command.switch("load") or "docker" in outputs:
            return "engine", ""
        return None, "the builder kept the result in its cache; use --push or --load"
    if not outputs or outputs & {"docker", "image"}:
        return "engine", ""
    if "registry" in outputs:
        return "registry", ""
    return None, f"docker wrote the result as {', '.join(sorted(outputs))}, not as an image"
