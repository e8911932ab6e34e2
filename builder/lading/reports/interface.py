"""What a report says, whoever wrote it: the values that policies and people look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lading.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "SEVERITIES",
    "Format",
    "Report",
    "Summary",
    "VexStatement",
    "Vulnerability",
    "count",
    "invalid",
    "moment",
    "objects",
    "severity",
]

#: Severities, least first; scanners' other words are mapped to these.
SEVERITIES: Final = ("unknown", "negligible", "low", "medium", "high", "critical")
_SAME: Final = {"none": "negligible", "info": "negligible", "informational": "negligible",
                "important": "high", "moderate": "medium"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability of one package. ``ids`` has its aliases too, its own name first.

    ``fixed_in`` is None where there is no fix, or, unless ``fix_known``, nothing says of one.
    """

    ids: tuple[str, ...]
    severity: str
    package: str
    purl: str | None
    fixed_in: str | None = None
    fix_known: bool = True
    status: str | None = None  # a VEX status that the report itself carries


@dataclass(frozen=True, slots=True)
class VexStatement:
    """What a VEX document says of vulnerabilities in products.

    ``status`` is ``not_affected``, ``affected``, ``fixed`` or ``under_investigation``;
    ``products`` are identifiers (purls), ``parts`` those of subcomponents. No products: the
    subject of the attestation. ``time`` is when it was said, None when nobody says so.
    """

    ids: tuple[str, ...]
    status: str
    products: tuple[str, ...]
    parts: tuple[str, ...] = ()
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A report in numbers. ``counts`` has the names that ``docs/reports.md`` lists per kind."""

    kind: str
    tool: str
    counts: Mapping[str, float] = field(default_factory=dict)
    vulnerabilities: tuple[Vulnerability, ...] | None = None  # None: it is no scan for them
    statements: tuple[VexStatement, ...] = ()
    time: datetime | None = None  # when it was made, as it says itself
    about: frozenset[str] = frozenset()  # digests of the image it is about, where it says so

    def to_json(self) -> dict[str, Any]:
        """Return JSON data for ``attach``'s document."""
        time = self.time.isoformat() if self.time else None
        return {"kind": self.kind, "tool": self.tool, "time": time, "counts": dict(self.counts)}


@dataclass(frozen=True, slots=True)
class Report:
    """A valid report, as it is attested."""

    kind: str
    predicate_type: str
    predicate: bytes
    summary: Summary


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of report in JSON. ``summarise`` validates, and raises InputError."""

    kind: str
    predicate_type: str
    recognises: Callable[[Mapping[str, Any]], bool]
    summarise: Callable[[Mapping[str, Any]], Summary]


def severity(word: object) -> str:
    """Return one of SEVERITIES for a scanner's word."""
    known = str(word or "unknown").lower()
    known = _SAME.get(known, known)
    return known if known in SEVERITIES else "unknown"


def moment(text: object) -> datetime | None:
    """Return a time as reports write it, UTC where they leave the zone out; None for no time."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if found is None:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def count(words: tuple[str, ...] | list[str], names: tuple[str, ...]) -> dict[str, float]:
    """Return how often each of ``names`` is among ``words``; all of them, so that 0 is said."""
    return {name: words.count(name) for name in names}


def invalid(kind: str, what: str, *, got: object = None, where: str | None = None) -> InputError:
    """Return the error that a report is not what it seems to be."""
    shown = None if got is None else str(got)[:160]
    return InputError(f"the {kind} report is not valid: {what}", where=where, got=shown)


def objects(parent: Mapping[str, Any], key: str, kind: str) -> list[Mapping[str, Any]]:
    """Return a list of objects; null and absent are an empty one.

    Raises:
        InputError: it is something else.
    """
    value = parent.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise invalid(kind, f"{key} is no list of objects", got=type(value).__name__)
    return list(value)
