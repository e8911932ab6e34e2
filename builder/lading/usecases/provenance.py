"""Use case: what a build was made from, how and by whom, as a SLSA provenance predicate.

A base image's digest is stated only where somebody knows it: the Dockerfile that pins it,
BuildKit that resolved it, or the engine that has it under that name with a registry's digest and,
for the base of the built stage, with the image's own lowest layers. Otherwise its name stands
alone, with the reason.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from lading import __version__
from lading.attest.provenance import Dependency, build_provenance, builder_identity
from lading.engine.redact import public_command, public_url
from lading.usecases.buildkit import IN_TOTO
from lading_oci.errors import ReferenceInvalid
from lading_oci.references import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lading.engine.dockerfile import BaseImage
    from lading.engine.git import Commit
    from lading.engine.probe import EngineImage
    from lading.inventory import ImageFacts
    from lading.usecases.build import BuildRecord
    from lading.usecases.buildkit import BuildkitAttestation, Material
    from lading_oci.references import Reference

__all__ = ["make_provenance"]

_DOCKER_PURL: Final = re.compile(r"pkg:docker/([^@?#]+)(?:@([^?#]+))?")


def make_provenance(
    record: BuildRecord,
    images: Sequence[ImageFacts],
    *,
    engine: Callable[[str], EngineImage | None],
    engine_version: str | None = None,
    attested: Sequence[BuildkitAttestation] = (),
) -> dict[str, Any]:
    """Return the predicate of a build that made ``images`` (several of a multi-platform one).

    ``engine`` tells what the engine has under a name; ``attested`` is what BuildKit attested.

    Raises:
        EngineError: the engine answers, and not to the question.
    """
    sources = record.sources
    known = (*record.materials, *(one for found in attested for one in found.materials))
    lowest = [layer.diff_id for layer in images[0].layers] if images else []
    bases = _Bases(known, engine if record.builder.in_engine else _no_engine, lowest)
    dependencies = [*_context(record), *(bases.resolve(base) for base in sources.bases)]
    builder, invocation = builder_identity(os.environ)
    how = {
        "builder": record.builder.driver if record.builder.buildx else "classic",
        "engine": engine_version,
    }
    parameters: dict[str, Any] = {
        "command": public_command(record.command),
        "context": sources.context,
        "dockerfile": sources.dockerfile,
    }
    made = build_provenance(
        parameters={name: value for name, value in parameters.items() if value},
        internal={name: value for name, value in how.items() if value},
        dependencies=dependencies,
        builder=builder,
        versions={"lading": __version__},
        invocation=invocation,
        started=record.started,
        finished=record.finished,
        byproducts=[_byproduct(one) for one in attested],
    )
    return {name: _carriable(value) for name, value in made.items()}


def _carriable(value: Any) -> Any:
    """Return JSON data with the bytes that are not UTF-8, of paths say, escaped."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {name: _carriable(one) for name, one in value.items()}
    return list(map(_carriable, value)) if isinstance(value, (list, tuple)) else value


def _no_engine(_name: str) -> None:
    """A builder with a cache of its own takes nothing from the engine."""


def _context(record: BuildRecord) -> Iterable[Dependency]:
    sources = record.sources
    if sources.commit is not None:
        yield _commit(sources.commit)
    elif sources.context == "url":
        place = record.command.arguments[-1] if record.command.arguments else ""
        yield Dependency(
            "context", public_url(place), annotations={"unresolved": "docker fetched it by itself"}
        )
    else:
        why = "git tells no commit of it" if sources.context == "directory" else "standard input"
        yield Dependency("context", annotations={"unresolved": why})
    if sources.dockerfile_sha256:
        yield Dependency(
            sources.dockerfile or "Dockerfile", digest={"sha256": sources.dockerfile_sha256}
        )
    if sources.unread:
        yield Dependency(
            sources.dockerfile or "Dockerfile", annotations={"unresolved": sources.unread}
        )


def _commit(commit: Commit) -> Dependency:
    state: dict[str, Any] = {
        "dirty": None if commit.changed is None else commit.changed > 0,
        "changed": commit.changed,
        "ignored": commit.ignored,
    }
    if commit.changed is None:
        state = {"dirty": "unknown"}
    if commit.path:
        state["path"] = commit.path
    url = commit.remote if commit.remote and "://" in commit.remote else None
    uri = f"git+{url}@{commit.commit}" if url else None
    return Dependency("context", uri, {"gitCommit": commit.commit}, annotations=state)


@dataclass(frozen=True, slots=True)
class _Bases:
    """Settles base images; ``lowest`` are the built image's diff IDs."""

    known: tuple[Material, ...]
    engine: Callable[[str], EngineImage | None]
    lowest: Sequence[str]

    def resolve(self, base: BaseImage) -> Dependency:
        """Return the base image with its digest where somebody knows it."""
        if base.name is None:
            return _unresolved(base.written, "its name holds a variable without a certain value")
        try:
            reference = parse_reference(base.name)
        except ReferenceInvalid:
            return _unresolved(base.written, "its name is no image reference")
        name = reference.familiar() if reference.tag else base.name
        if reference.digest:
            return _resolved(name, reference, reference.digest, "the Dockerfile")
        digest = self._by_buildkit(reference)
        if digest is not None:
            return _resolved(name, reference, digest, "BuildKit")
        return self._by_engine(name, reference, final=base.final)

    def _by_buildkit(self, reference: Reference) -> str | None:
        for material in self.known:
            purl = _DOCKER_PURL.match(material.uri)
            if purl is None or "sha256" not in material.digest:
                continue
            try:
                found = parse_reference(unquote(purl[1]))
            except ReferenceInvalid:
                continue
            if (found.name, unquote(purl[2] or "latest")) == (reference.name, reference.target):
                return f"sha256:{material.digest['sha256']}"
        return None

    def _by_engine(self, name: str, reference: Reference, *, final: bool) -> Dependency:
        image = self.engine(reference.familiar())
        if image is None:
            return _unresolved(name, "the builder did not tell its digest")
        if final and list(image.layers) != list(self.lowest[: len(image.layers)]):
            return _unresolved(name, "the engine's image of this name is not below this one")
        own = [one for one in map(parse_reference, image.repo_digests) if one.digest]
        digests = {one.digest for one in own if one.name == reference.name}
        if len(digests) != 1:
            why = "the engine knows no one digest of a registry"
            return _unresolved(name, why, **{"engine-image-id": image.image_id})
        (digest,) = digests
        return _resolved(name, reference, digest or "", "the engine, after the build")


def _resolved(name: str, reference: Reference, digest: str, by: str) -> Dependency:
    algorithm, _, hexadecimal = digest.partition(":")
    place = quote(reference.name, safe="/:")
    tag = f"&tag={quote(reference.tag)}" if reference.tag else ""
    uri = f"pkg:oci/{reference.name.rpartition('/')[2]}@{quote(digest, safe='')}"
    return Dependency(
        name,
        f"{uri}?repository_url={place}{tag}",
        {algorithm: hexadecimal},
        annotations={"resolved-by": by},
    )


def _unresolved(name: str, why: str, **more: str) -> Dependency:
    return Dependency(name, annotations={"unresolved": why, **more})


def _byproduct(one: BuildkitAttestation) -> Dependency:
    algorithm, _, hexadecimal = one.blob.digest.partition(":")
    return Dependency(
        "BuildKit attestation",
        digest={algorithm: hexadecimal},
        media_type=IN_TOTO,
        annotations={"predicate-type": one.predicate_type, "image": one.about, "signed": False},
    )
