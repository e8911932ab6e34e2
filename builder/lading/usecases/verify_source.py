"""Use case: are these the files that a trusted signer listed?

Steps, in this order; the first that answers decides:

1. The files that count are hashed: all, or those that were asked for.
2. Signed lists are looked for: beside the files (``model.sig``, or the file that was named), at
   the anchor of the root digest, and in the store's catalogue, those of the same name first.
3. A list counts when its signature by a trusted signer holds, and its files give its subject.
4. It must name exactly the files that are there, each with its digest: a yes, by the newest such.
5. Otherwise the list that is nearest says what is changed, missing or extra: a no.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lading.errors import InputError, NoAttestation, UsageError, VerificationError
from lading.hub.interface import Scope, is_ignored
from lading.limits import LIMITS
from lading.root_digest import root_digest
from lading.usecases.source_files import hash_files
from lading.usecases.sources import Held, about, catalogue, check_flood, hold
from lading.usecases.verify import VerifiedAttestation
from lading_oci.errors import FactsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from lading.attest.interface import Verifier
    from lading.attest.verify import Candidate
    from lading.hub.interface import Listed, Source
    from lading.hub.oms import Manifest
    from lading.usecases.source_files import Progress
    from lading_oci.interface import Repository

__all__ = ["ContentError", "Difference", "SourceVerification", "Wanted", "verify_source"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be verified.

    ``names`` are single files (none: all that ``scope`` takes); ``expected`` is the name, source
    or Hub repository that the list must be of.

    Raises:
        UsageError: ``expected`` is empty.
    """

    scope: Scope = field(default_factory=Scope)
    names: tuple[str, ...] = ()
    expected: str | None = None
    max_age: timedelta | None = None

    def __post_init__(self) -> None:
        if self.expected == "":  # a variable that is not set must not mean "anything"
            raise UsageError("What the files must be is empty", hint="Leave --as out, or name it")

    @property
    def is_whole(self) -> bool:
        """Whether every file counts."""
        return self.scope.is_whole and not self.names

    def takes(self, path: str) -> bool:
        """Whether a file counts."""
        return path in self.names if self.names else self.scope.takes(path)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as it was listed; each sorted."""

    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing or self.extra)

    def __str__(self) -> str:
        parts = []
        for what in ("changed", "missing", "extra"):
            paths = getattr(self, what)
            if paths:
                shown = ", ".join(paths[: LIMITS.differences_told])
                more = len(paths) - LIMITS.differences_told
                parts.append(f"{what}: {shown}" + (f" and {more} more" if more > 0 else ""))
        return "; ".join(parts)

    def to_json(self) -> dict[str, list[str]]:
        """Return JSON data."""
        return {name: list(getattr(self, name)) for name in self.__slots__}


class ContentError(VerificationError):
    """The files are not those of the nearest signed list; ``difference`` says which."""

    def __init__(self, where: str, difference: Difference, held: Held) -> None:
        super().__init__(
            "The files are not those that were attested",
            code="content",
            where=where,
            got=str(difference),
            wanted=f"{held.manifest.origin.uri or held.manifest.name}, as listed by "
            f"{held.evidence.signer}",
        )
        self.difference = difference


@dataclass(frozen=True, slots=True)
class SourceVerification:
    """A yes: these files are listed by a trusted signer. A no is an exception.

    ``files`` maps each path that was verified to its SHA-256; ``whole`` says whether that is all
    that the list names. ``unread`` are those whose digest the source's metadata gave, as a Hub's
    or a repository's that was asked from afar: their bytes are not here to be verified.
    """

    target: str
    manifest: Manifest
    files: Mapping[str, str]
    whole: bool
    attestation: VerifiedAttestation
    unread: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the ``verify`` document of a source."""
        origin = self.manifest.origin
        return {
            "target": self.target,
            "digest": self.manifest.root,
            "verified": True,
            "name": self.manifest.name,
            "source": origin.uri,
            "commit": origin.commit,
            "license": origin.license,
            "whole": self.whole,
            "files": dict(self.files),
            "unread": list(self.unread),
            "attestations": [self.attestation.to_json()],
            "difference": None,
            "error": None,
        }


def verify_source(
    source: Source,
    *,
    target: str,
    wanted: Wanted,
    beside: Iterable[Candidate] = (),
    store: Repository | None,
    verifier: Verifier,
    progress: Progress,
) -> SourceVerification:
    """Return the evidence that covers the files, or raise.

    Args:
        source: what lies there.
        target: as the user wrote it.
        wanted: which of it, and as what.
        beside: signed lists that came with it.
        store: where others are kept; None to look nowhere else.
        verifier: who is trusted.
        progress: told how many bytes were read.

    Raises:
        ContentError: the files are not those of any list; the nearest one's differences.
        VerificationError: lists about them exist, and none holds.
        NoAttestation: there is no list about them.
        InputError: a file cannot be read.
        OciError: the store did not answer as needed.
    """
    local = _Local(source, wanted, progress)
    search = _Search(local, wanted, verifier)
    for candidate in beside:
        search.add(candidate, "beside the files")
    if not search.exact and store is not None:
        _look_in(store, search, local)
    return _answer(search, local, target)


def _look_in(store: Repository, search: _Search, local: _Local) -> None:
    if local.root is not None:
        for candidate in about(store, local.root):
            search.add(candidate, store.name)
    if search.exact:
        return
    others: list[Candidate] = []
    for hints, candidate in catalogue(store):
        if hints.name in (local.source.name, search.wanted.expected):
            search.add(candidate, store.name)
        elif search.wanted.expected or hints.may_have(local.digests.values()):
            others.append(candidate)
    if not search.exact:
        check_flood(len(others), LIMITS.attestations_read, store.name)
        for candidate in others:
            search.add(candidate, store.name, about_other=True)


def _answer(search: _Search, local: _Local, target: str) -> SourceVerification:
    if search.exact:
        held, files = max(search.exact, key=lambda one: (one[0].time, one[0].evidence.digest))
        whole = files.keys() == held.manifest.files.keys()
        unread = tuple(sorted(files.keys() & local.unread))
        return SourceVerification(target, held.manifest, files, whole, _attestation(held), unread)
    if search.found:
        difference, held = min(search.found, key=lambda one: _distance(one[0], one[1]))
        raise ContentError(target, difference, held)
    if search.refused:
        raise search.refused[0]
    raise NoAttestation(
        "There is no signed list of these files",
        where=target,
        got=local.root,
        wanted=f"a list of {search.wanted.expected}" if search.wanted.expected else None,
        hint="Attest them with `lading attest`, or say where the evidence is with --evidence or "
        "--signature",
    )


def _distance(difference: Difference, held: Held) -> tuple[int, float]:
    count = len(difference.changed) + len(difference.missing) + len(difference.extra)
    return count, -held.time.timestamp() if held.time.year > 1 else 0.0


def _attestation(held: Held) -> VerifiedAttestation:
    evidence = held.evidence
    return VerifiedAttestation(
        predicate_type=evidence.statement.predicate_type,
        digest=evidence.digest,
        signer=str(evidence.signer),
        time=evidence.time or evidence.claimed_time,
        time_trusted=evidence.time is not None,
        source=f"{held.place}@{evidence.source}",
        log_index=evidence.log_index,
    )


class _Local:
    """The files that are there, hashed."""

    def __init__(self, source: Source, wanted: Wanted, progress: Progress) -> None:
        self.source = source
        self.is_file = source.uri.startswith("file:")
        files: list[Listed] = [one for one in source.files if wanted.takes(one.path)]
        self.digests = hash_files(files, progress)
        self.odd = {path for path in source.odd if wanted.takes(path)}
        self.root = None
        if wanted.is_whole:
            plain = {p: one for p, one in self.digests.items() if not is_ignored(p)}
            self.root = root_digest(plain.items())
        self.unread = {one.path for one in files if one.open is None}
        nothing = not self.digests and not wanted.names
        if nothing and (wanted.expected is None or not wanted.scope.is_whole):
            raise InputError("There is no file to verify", where=source.uri)


class _Search:
    """Lists that hold, and how far the files are from them."""

    def __init__(self, local: _Local, wanted: Wanted, verifier: Verifier) -> None:
        self._local, self.wanted, self._verifier = local, wanted, verifier
        self.exact: list[tuple[Held, dict[str, str]]] = []
        self.found: list[tuple[Difference, Held]] = []
        self.refused: list[FactsError] = []

    def add(self, candidate: Candidate, place: str, *, about_other: bool = False) -> None:
        """Judge one candidate.

        ``about_other`` is one with another name: it counts when it has a file in common, or is
        expected.
        """
        try:
            held = hold(candidate, self._verifier, place, max_age=self.wanted.max_age)
        except FactsError as error:
            if not about_other:
                self.refused.append(error)
            return
        if held is None:
            return
        files, difference = self._compare(held.manifest)
        if not self._is_expected(held.manifest):
            if files and not difference:
                self.refused.insert(0, self._another(held))
        elif files and not difference:
            self.exact.append((held, files))
        elif not about_other or self.wanted.expected or self._in_common(held.manifest):
            self.found.append((difference, held))

    def _is_expected(self, manifest: Manifest) -> bool:
        expected, origin = self.wanted.expected, manifest.origin
        if expected is None:
            return True
        uri = origin.uri or ""
        names = {manifest.name, uri, uri.rpartition("@")[0], origin.repository, manifest.root}
        return expected in names

    def _another(self, held: Held) -> VerificationError:
        return VerificationError(
            "The files are those of another source than the expected one",
            code="source",
            where=self._local.source.uri,
            got=held.manifest.origin.uri or held.manifest.name,
            wanted=self.wanted.expected,
        )

    def _in_common(self, manifest: Manifest) -> bool:
        return not set(self._local.digests.values()).isdisjoint(manifest.files.values())

    def _compare(self, manifest: Manifest) -> tuple[dict[str, str], Difference]:
        if self._local.is_file:
            return self._compare_file(manifest)
        signed = {p: one for p, one in manifest.files.items() if self.wanted.takes(p)}
        there = {
            path: sha256
            for path, sha256 in self._local.digests.items()
            if path in signed or not is_ignored(path, manifest.ignored)
        }
        odd = {path for path in self._local.odd if not is_ignored(path, manifest.ignored)}
        asked = set(self.wanted.names)
        difference = Difference(
            changed=tuple(
                sorted(path for path in signed.keys() & there.keys() if signed[path] != there[path])
            ),
            missing=tuple(sorted((signed.keys() | asked) - there.keys() - odd)),
            extra=tuple(sorted((there.keys() | odd) - signed.keys())),
        )
        return there, difference

    def _compare_file(self, manifest: Manifest) -> tuple[dict[str, str], Difference]:
        """Compare a file on its own with the files of its name, wherever in the list they are."""
        ((name, sha256),) = self._local.digests.items()
        named = [path for path in manifest.files if path.rpartition("/")[2] == name]
        same = [path for path in named if manifest.files[path] == sha256]
        if same:
            return {same[0]: sha256}, Difference()
        if named:
            return {}, Difference(changed=(named[0],))
        return {}, Difference(extra=(name,))
