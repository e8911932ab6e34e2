"""Vulnerabilities that scans found, less those that VEX documents say do not matter here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import parse_qsl, unquote

from lading.policy.evidence import CLOCK_SKEW, Missing
from lading.policy.options import (
    DATE,
    DURATION,
    FLAG,
    TEXT,
    choice,
    choices,
    duration_text,
    listed,
    option,
    record,
)
from lading.policy.reported import newest_reports
from lading.policy.rules.interface import Complaint, Rule
from lading.reports.interface import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, timedelta

    from lading.policy.evidence import Evidence
    from lading.reports.interface import VexStatement, Vulnerability

__all__ = ["Accepted", "Vulnerabilities"]

_DISMISSED: Final = frozenset({"not_affected", "fixed"})


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A vulnerability that is accepted, why, and until when."""

    id: str = option(TEXT, "CVE-…, GHSA-… or another identifier.")
    reason: str = option(TEXT, "Why it is accepted.")
    until: date | None = option(DATE, "The last day on which it is.", default=None)


@dataclass(frozen=True, kw_only=True)
class Vulnerabilities(Rule):
    """How bad the known vulnerabilities may be."""

    name: ClassVar[str] = "vulnerabilities"
    usually: ClassVar[str] = "deploy"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0016",)

    deny: str = option(choice(SEVERITIES), "This severity and worse are refused.")
    unknown: str = option(
        choice(("allow", "deny")),
        "Those that nobody rated: deny (default) or allow.",
        default="deny",
    )
    ignore_unfixed: bool = option(
        FLAG, "Leave out what has no fix yet; CycloneDX does not say, and stays.", default=False
    )
    vex: bool = option(FLAG, "Apply signed VEX documents (default).", default=True)
    accept: tuple[Accepted, ...] = option(
        listed(record(Accepted)), "Single ones that are accepted.", default=()
    )
    max_age: timedelta | None = option(DURATION, "Older scans do not count.", default=None)
    scanners: tuple[str, ...] = option(
        choices(("trivy", "grype", "cyclonedx-vdr")), "Only these; all by default.", default=()
    )

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield every vulnerability that is left; no scan at all is a no."""
        reports = [one for one in newest_reports(evidence) if self._counts(one.summary.kind)]
        scans = [one for one in reports if one.summary.vulnerabilities is not None]
        if self.max_age is not None:
            scans = [one for one in scans if one.age is not None and one.age <= self.max_age]
        if not scans:
            age = f" of the last {duration_text(self.max_age)}" if self.max_age else ""
            raise Missing(f"there is no scan for vulnerabilities{age}")
        statements = [
            statement
            for one in newest_reports(evidence)
            for statement in (one.summary.statements if self.vex else ())
        ]
        seen = set()
        for scan in scans:
            for one in scan.summary.vulnerabilities or ():
                key = (one.ids[0], one.purl or one.package)
                if key not in seen and self._refuses(one, evidence, statements):
                    seen.add(key)
                    fix = f", fixed in {one.fixed_in}" if one.fixed_in else ""
                    text = f"{one.ids[0]} ({one.severity}) in {one.package}{fix}"
                    yield Complaint(text, one.purl or one.package)

    def _counts(self, kind: str) -> bool:
        return not self.scanners or kind in self.scanners

    def _refuses(
        self, one: Vulnerability, evidence: Evidence, statements: Iterable[VexStatement]
    ) -> bool:
        if one.severity == "unknown":
            if self.unknown == "allow":
                return False
        elif SEVERITIES.index(one.severity) < SEVERITIES.index(self.deny):
            return False
        if self.ignore_unfixed and one.fix_known and one.fixed_in is None:
            return False
        today = evidence.now.date()
        if any(
            accepted.id in one.ids and (accepted.until is None or today <= accepted.until)
            for accepted in self.accept
        ):
            return False
        return _status(one, evidence, statements) not in _DISMISSED


def _status(
    one: Vulnerability, evidence: Evidence, statements: Iterable[VexStatement]
) -> str | None:
    """Return what the newest statement about it says; at equal times the worse one counts.

    What dismisses it in the future does not yet: it would silence whatever is said until then.
    """
    about = [
        statement
        for statement in statements
        if set(statement.ids) & set(one.ids)
        and _concerns(statement, one, evidence)
        and not (statement.status in _DISMISSED and _said(statement) > evidence.now + CLOCK_SKEW)
    ]
    if not about:
        return None
    latest = max(_said(statement) for statement in about)
    found = {statement.status for statement in about if _said(statement) == latest}
    return next((status for status in sorted(found) if status not in _DISMISSED), min(found))


def _said(statement: VexStatement) -> datetime:
    """Return when it was said; what says no time was said before all else."""
    return statement.time or datetime.min.replace(tzinfo=UTC)


def _concerns(statement: VexStatement, one: Vulnerability, evidence: Evidence) -> bool:
    """Whether the statement is about this package, alone or as a part of this image."""
    if any(_same_package(product, one.purl) for product in statement.products):
        return True
    if statement.products and not any(_is_image(name, evidence) for name in statement.products):
        return False
    return not statement.parts or any(_same_package(part, one.purl) for part in statement.parts)


def _is_image(product: str, evidence: Evidence) -> bool:
    """Whether a product names this image by its digest."""
    return evidence.digest in unquote(product)


def _same_package(pattern: str, purl: str | None) -> bool:
    """Whether a purl names a package; one without a version names every version.

    What it says of architecture, distribution and the like must be so.
    """
    if purl is None or not pattern.startswith("pkg:"):
        return False
    wanted, found = (one.partition("#")[0].partition("?") for one in (pattern, purl))
    if not set(parse_qsl(wanted[2])) <= set(parse_qsl(found[2])):
        return False
    return _same_bare(unquote(wanted[0]), unquote(found[0]))


def _same_bare(wanted: str, found: str) -> bool:
    if wanted == found:
        return True
    return "@" not in wanted.rpartition("/")[2] and found.rpartition("@")[0] == wanted
