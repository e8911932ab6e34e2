"""Third-party reports as evidence: recognised, validated, summarised.

:func:`read_report` takes a file's bytes into what is attested; :func:`summarise` reads a verified
predicate again, for policies. Nothing here signs or stores. ``docs/reports.md`` lists the kinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.attest.predicates import CYCLONEDX, OMS_SIGNATURE, SLSA_VSA_V1, resolve
from lading.attest.predicates import CYCLONEDX_VEX as CYCLONEDX_VEX_TYPE
from lading.attest.strict_json import canonical_bytes, parse_object
from lading.errors import InputError, UsageError
from lading.limits import LIMITS
from lading.reports.evaluations import LM_EVAL, TEST_RESULT, numbers_of
from lading.reports.interface import Format, Report, Summary
from lading.reports.modelscan import MODELSCAN
from lading.reports.sarif import SARIF
from lading.reports.scanners import GRYPE, TRIVY
from lading.reports.text import GARAK, PICKLESCAN, convert
from lading.reports.vex import CYCLONEDX_VEX, OPENVEX

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FORMATS", "Report", "Summary", "read_report", "summarise"]

#: In the order in which they are tried; each is sure of what it recognises.
FORMATS: Final[tuple[Format, ...]] = (
    SARIF,
    OPENVEX,
    CYCLONEDX_VEX,
    TRIVY,
    GRYPE,
    MODELSCAN,
    LM_EVAL,
    TEST_RESULT,
)
_NO_REPORTS: Final = frozenset({CYCLONEDX, OMS_SIGNATURE, SLSA_VSA_V1})
_BY_TYPE: Final = {one.predicate_type: one for one in (*FORMATS, GARAK, PICKLESCAN)}


def read_report(data: bytes, name: str, *, kind: str | None = None) -> Report:
    """Return the report in ``data``; ``kind`` is a short name or predicate type, else detected.

    Raises:
        LimitError, InputError: too large, broken, or of no kind that is known.
        UsageError: ``kind`` is neither known nor a URI.
    """
    if len(data) > LIMITS.report:
        raise InputError(
            "The report is too large to be attested",
            where=name,
            got=f"{len(data):,} bytes",
            wanted=f"at most {LIMITS.report:,}",
            hint="Attach a summary of it, or split it.",
        )
    wanted = None if kind is None else _predicate_type(kind)
    converted = convert(data, name)
    if converted is not None:
        found, document = converted
    else:
        document = _parse(data, name)
        found = _detect(document) or ""
    if wanted is not None and converted is None and wanted not in _BY_TYPE:
        found = wanted  # anything that is JSON may be attested under a type of one's own
    if wanted is not None and found != wanted:
        raise InputError(
            "The report is not of the type that it is attached as",
            where=name,
            got=found or "JSON of an unknown kind",
            wanted=wanted,
        )
    if not found:
        raise InputError(
            "The kind of the report is not known",
            where=name,
            wanted=", ".join(one.kind for one in _BY_TYPE.values()) + ", junit",
            hint="Say what it is with --type URI: any JSON object may be attached.",
        )
    try:
        summary = summarise(found, document)
    except InputError as error:
        error.where = error.where or name
        raise
    content = data if converted is None else canonical_bytes(document)
    return Report(summary.kind, found, content, summary)


def summarise(predicate_type: str, predicate: Mapping[str, Any]) -> Summary:
    """Return what a report says; of an unknown type, the numbers in it.

    Raises:
        InputError: it is not what its type says.
    """
    known = _BY_TYPE.get(predicate_type)
    if known is None:
        return Summary("other", predicate_type, numbers_of(predicate))
    if not known.recognises(predicate):
        raise InputError(f"the report is no {known.kind} report", where=predicate_type)
    return known.summarise(predicate)


def _predicate_type(kind: str) -> str:
    found = resolve(kind)
    if found in _NO_REPORTS:
        raise UsageError(
            "This type is no report's: what has it is made by lading itself",
            got=found,
            hint="`lading attest` makes BOM and signed lists, `lading policy seal` a seal.",
        )
    if ":" not in found:
        raise UsageError(
            "--type is neither a kind of report nor a URI",
            got=kind,
            wanted=", ".join(sorted(one.kind for one in _BY_TYPE.values())) + ", junit, or a URI",
        )
    return found


def _parse(data: bytes, name: str) -> dict[str, Any]:
    try:
        return parse_object(data.removeprefix(b"\xef\xbb\xbf"), limit=LIMITS.report)
    except InputError as error:
        error.where = name
        raise


def _detect(document: Mapping[str, Any]) -> str | None:
    for one in FORMATS:
        if one.recognises(document):
            return one.predicate_type
    if document.get("bomFormat") == "CycloneDX":
        raise InputError(
            "A BOM is no report",
            got="a CycloneDX document without vulnerabilities",
            wanted=f"a VEX or VDR ({CYCLONEDX_VEX_TYPE})",
            hint="`lading attest IMAGE` makes and signs the BOM.",
        )
    return None
