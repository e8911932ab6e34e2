"""Reports among the evidence: the newest of each tool, read again from what was verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lading.attest.predicates import (
    CYCLONEDX,
    CYCLONEDX_VEX,
    OMS_SIGNATURE,
    OPENVEX,
    SLSA_PROVENANCE_V1,
    SLSA_VSA_V1,
    SPDX_DOCUMENT,
)
from lading.policy.evidence import CLOCK_SKEW
from lading.reports import summarise

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from lading.policy.evidence import Attested, Evidence
    from lading.reports import Summary

__all__ = ["Reported", "newest_reports"]

_NO_REPORTS = frozenset({CYCLONEDX, OMS_SIGNATURE, SLSA_PROVENANCE_V1, SLSA_VSA_V1, SPDX_DOCUMENT})
#: Statements of several documents hold together; the newest of two scans replaces the other.
_ALL_HOLD = frozenset({OPENVEX, CYCLONEDX_VEX})


@dataclass(frozen=True, slots=True)
class Reported:
    """A report and its attestation.

    ``age`` counts from when it was made or signed, whichever is earlier; None: nobody knows, or
    somebody says that it is of the future.
    """

    attested: Attested
    summary: Summary
    age: timedelta | None


def newest_reports(evidence: Evidence) -> tuple[Reported, ...]:
    """Return the newest report of each tool, and every VEX document.

    Raises:
        InputError: a verified report is not what its type says; somebody else's tool signed it.
    """
    found: dict[object, Reported] = {}
    types = {one.predicate_type for one in evidence.attestations} - _NO_REPORTS
    for predicate_type in sorted(types):
        for one in evidence.of_type(predicate_type):
            summary = summarise(predicate_type, one.predicate)
            key: object = (predicate_type, summary.tool)
            if predicate_type in _ALL_HOLD:
                key = one.digest
            times = [time for time in (one.time, summary.time) if time]
            found.setdefault(key, Reported(one, summary, _age(evidence, times)))
    return tuple(found.values())


def _age(evidence: Evidence, times: Iterable[datetime]) -> timedelta | None:
    earliest = min(times, default=None)
    if earliest is None or earliest > evidence.now + CLOCK_SKEW:
        return None
    return evidence.now - earliest
