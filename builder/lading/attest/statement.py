"""in-toto statements: which predicate holds of which digests.

Specification: in-toto Attestation Framework v1, ``spec/v1/statement.md`` and ``digest_set.md``.
The reader is stricter: no unknown fields, no empty predicate, digests of known algorithms must be
lower-case hex of the algorithm's length.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lading.attest.strict_json import (
    StrictJsonError,
    canonical_bytes,
    is_strict_value,
    parse_object,
)
from lading.errors import InputError, VerificationError
from lading.limits import LIMITS
from lading.records import record
from lading.spliced import Spliced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "STATEMENT_TYPE",
    "STATEMENT_TYPE_V0_1",
    "Statement",
    "Subject",
    "build_statement",
    "check_statement",
    "parse_statement",
]

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
STATEMENT_TYPE_V0_1: Final = "https://in-toto.io/Statement/v0.1"

# cosign 3.1 still writes v0.1, whose fields and meaning are the same; we write v1 only.
_ACCEPTED_TYPES: Final = (STATEMENT_TYPE, STATEMENT_TYPE_V0_1)
_FIELDS: Final = frozenset({"_type", "subject", "predicateType", "predicate"})
_SUBJECT_FIELDS: Final = frozenset({"name", "digest"})
_HEX_LENGTH: Final = {
    "md5": 32,
    "sha1": 40,
    "gitCommit": 40,
    "sha224": 56,
    "sha256": 64,
    "sha384": 96,
    "sha512": 128,
    "sha3_256": 64,
    "sha3_384": 96,
    "sha3_512": 128,
}
_LOWER_HEX: Final = re.compile(r"[0-9a-f]+")
_ALGORITHM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./+-]{0,63}")
#: The statement that passed last.
_last: list[bytes | None] = [None]
_MAX_TEXT: Final = 4096  # characters of a subject name, predicate type or foreign digest


@record
class Subject:
    """A named artifact; ``digest`` maps algorithm (``sha256``) to hex."""

    name: str
    digest: Mapping[str, str]


@record
class Statement:
    """A statement as it was signed. ``predicate`` is a JSON object and never empty."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, Any]

    @property
    def sha256(self) -> frozenset[str]:
        """The subjects' digests as ``sha256:<hex>``; other algorithms never identify a subject."""
        found = (subject.digest.get("sha256") for subject in self.subjects)
        return frozenset(f"sha256:{value}" for value in found if value is not None)


def build_statement(
    subjects: Sequence[Subject], predicate_type: str, predicate: bytes | Mapping[str, Any]
) -> bytes:
    """Return the statement's bytes: compact, keys in specification order, subjects sorted.

    ``predicate`` as bytes is embedded as it stands, so that a BOM keeps its own byte order; it
    must be one strict JSON object. Equal input gives equal bytes.

    Raises:
        InputError: the result would not pass :func:`parse_statement`.
    """
    try:
        body = predicate if isinstance(predicate, bytes) else canonical_bytes(dict(predicate))
        ordered = sorted(subjects, key=lambda s: (s.name, sorted(s.digest.items())))
        listed = b",".join(
            canonical_bytes({"name": s.name, "digest": dict(s.digest)}) for s in ordered
        )
        head = canonical_bytes({"predicateType": predicate_type})[1:-1]
        before = b'{"_type":"%s","subject":[%s],%s,"predicate":' % (
            STATEMENT_TYPE.encode(),
            listed,
            head,
        )
        content = before + body.strip() + b"}"
        if isinstance(body, Spliced) and _passes(before, body, len(content)):
            _last[0] = content
        else:
            _passed(content)
    except VerificationError as e:
        raise InputError(
            f"the statement cannot be built: {e.what}", got=e.got, wanted=e.wanted
        ) from e
    return content


def check_statement(content: bytes) -> None:
    """Return when :func:`parse_statement` would; what passed last is not read again.

    Whoever signs checks what he is given, and is mostly given what was checked when it was built.

    Raises:
        VerificationError: as :func:`parse_statement`.
    """
    if content is not _last[0]:  # bytes cannot change, so the same object is the same statement
        _passed(content)


def _passes(before: bytes, predicate: Spliced, size: int) -> bool:
    """Say whether a statement passes by what is known of a part of its predicate.

    No means that the whole has to be read, which also tells what is wrong.
    """
    try:
        around = parse_statement(before + predicate.shell + b"}").predicate
    except VerificationError:
        return False
    return (
        size <= LIMITS.statement
        and around.get(predicate.name) == predicate.token
        and is_strict_value(predicate.part, limit=LIMITS.statement, depth=2)
    )


def _passed(content: bytes) -> None:
    parse_statement(content)
    _last[0] = content


def parse_statement(content: bytes) -> Statement:
    """Return the statement in ``content``.

    Raises:
        VerificationError: ``malformed``, or ``statement-type`` when it is another kind of
            statement.
    """
    try:
        fields = parse_object(content, limit=LIMITS.statement)
    except StrictJsonError as e:
        raise VerificationError(
            f"the statement is malformed: {e.what}", code="malformed", got=e.got, wanted=e.wanted
        ) from e
    if fields.get("_type") not in _ACCEPTED_TYPES:
        raise VerificationError(
            "the payload is not an in-toto statement",
            code="statement-type",
            got=str(fields.get("_type"))[:80],
            wanted=STATEMENT_TYPE,
        )
    _known(fields, _FIELDS, "statement")
    predicate = fields["predicate"]
    if not isinstance(predicate, dict) or not predicate:
        raise _malformed("the predicate is empty or not an object")
    return Statement(
        _subjects(fields["subject"]), _text(fields["predicateType"], "predicateType"), predicate
    )


def _subjects(value: object) -> tuple[Subject, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= LIMITS.statement_subjects:
        raise _malformed(
            "the statement has no subjects, or too many",
            wanted=f"1 to {LIMITS.statement_subjects}",
        )
    return tuple(_subject(item) for item in value)


def _subject(value: object) -> Subject:
    if not isinstance(value, dict):
        raise _malformed("a subject is not an object")
    if "name" not in value:  # optional in the specification's protobuf; an empty name says the same
        value = {"name": "", **value}
    _known(value, _SUBJECT_FIELDS, "subject")
    digest = value["digest"]
    if not isinstance(digest, dict) or not 1 <= len(digest) <= LIMITS.subject_digests:
        raise _malformed(
            "a subject has no digests, or too many", wanted=f"1 to {LIMITS.subject_digests}"
        )
    for algorithm, hexadecimal in digest.items():
        _check_digest(algorithm, hexadecimal)
    name = value["name"]
    if not isinstance(name, str) or len(name) > _MAX_TEXT:
        raise _malformed("a subject's name is not a text, or too long")
    return Subject(name, digest)


def _check_digest(algorithm: str, value: object) -> None:
    if not _ALGORITHM.fullmatch(algorithm) or not isinstance(value, str):
        raise _malformed("a subject's digest is not an algorithm and a text", got=algorithm[:80])
    length = _HEX_LENGTH.get(algorithm)
    fits = (
        0 < len(value) <= _MAX_TEXT
        if length is None
        else len(value) == length and _LOWER_HEX.fullmatch(value)
    )
    if not fits:
        raise _malformed(
            f"a subject's {algorithm} digest is not lower-case hex of its length", got=value[:160]
        )


def _known(fields: dict[str, Any], names: frozenset[str], what: str) -> None:
    if fields.keys() != names:
        raise _malformed(
            f"the {what} has missing or unknown fields",
            got=", ".join(sorted(fields))[:160],
            wanted=", ".join(sorted(names)),
        )


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
        raise _malformed(f"{what} is not a text")
    return value


def _malformed(
    what: str, *, got: str | None = None, wanted: str | None = None
) -> VerificationError:
    return VerificationError(what, code="malformed", got=got, wanted=wanted)
