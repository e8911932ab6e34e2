"""Vulnerabilities assessed: OpenVEX 0.2.0, and CycloneDX documents with vulnerabilities.

A CycloneDX document is a VDR (it discloses vulnerabilities) or a VEX (it assesses them, in
``analysis``), and often both; it is read as both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from lading.attest.predicates import CYCLONEDX_VEX as CYCLONEDX_TYPE
from lading.attest.predicates import OPENVEX as OPENVEX_TYPE
from lading.bom.schemas import SPEC_VERSIONS
from lading.bom.validate import validate
from lading.reports.interface import (
    SEVERITIES,
    Format,
    Summary,
    VexStatement,
    Vulnerability,
    count,
    invalid,
    moment,
    objects,
    severity,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

__all__ = ["CYCLONEDX_VEX", "OPENVEX"]

_STATUSES: Final = ("not_affected", "affected", "fixed", "under_investigation")
_CONTEXT: Final = "https://openvex.dev/ns"

#: CycloneDX ``analysis.state`` → status.
_STATES: Final = {
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "exploitable": "affected",
    "in_triage": "under_investigation",
    "false_positive": "not_affected",
    "not_affected": "not_affected",
}


def _openvex(document: Mapping[str, Any]) -> Summary:
    found = tuple(
        statement
        for raw in objects(document, "statements", "OpenVEX")
        for statement in [_statement(raw, moment(document.get("timestamp")))]
    )
    if not found:
        raise invalid("OpenVEX", "it has no statements")
    author = document.get("author")
    if not isinstance(author, str) or not author:
        raise invalid("OpenVEX", "it does not say its author")
    counts = count([one.status for one in found], _STATUSES)
    time = moment(document.get("last_updated") or document.get("timestamp"))
    return Summary("openvex", author, counts, statements=found, time=time)


def _statement(raw: Mapping[str, Any], document_time: datetime | None) -> VexStatement:
    status = raw.get("status")
    if status not in _STATUSES:
        raise invalid("OpenVEX", "a statement has an unknown status", got=status)
    if status == "not_affected" and not (raw.get("justification") or raw.get("impact_statement")):
        raise invalid("OpenVEX", "a statement says not_affected and not why")
    products = objects(raw, "products", "OpenVEX")
    parts = [part for one in products for part in objects(one, "subcomponents", "OpenVEX")]
    return VexStatement(
        ids=_openvex_ids(raw.get("vulnerability")),
        status=str(status),
        products=tuple(name for one in products for name in _identifiers(one)),
        parts=tuple(name for one in parts for name in _identifiers(one)),
        time=moment(raw.get("timestamp")) or document_time,
    )


def _openvex_ids(raw: object) -> tuple[str, ...]:
    if isinstance(raw, str):  # before 0.2.0
        raw = {"name": raw}
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
        raise invalid("OpenVEX", "a statement names no vulnerability")
    aliases = raw.get("aliases")
    return (raw["name"], *(str(one) for one in (aliases if isinstance(aliases, list) else ())))


def _identifiers(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield every way in which a product or component is named."""
    named = raw.get("identifiers")
    purl = named.get("purl") if isinstance(named, dict) else None
    found = {one for one in (raw.get("@id"), purl) if isinstance(one, str) and one}
    if not found:
        raise invalid("OpenVEX", "a product has no identifier")
    yield from sorted(found)


def _cyclonedx(document: Mapping[str, Any]) -> Summary:
    if document.get("specVersion") in SPEC_VERSIONS:
        validate(document)
    kind = "CycloneDX"
    if document.get("bomFormat") != "CycloneDX":
        raise invalid(kind, "bomFormat is not CycloneDX")
    purls = dict(_purls(document))
    found, statements = [], []
    raw_vulnerabilities = objects(document, "vulnerabilities", kind)
    metadata = document.get("metadata")
    document_time = moment(metadata.get("timestamp")) if isinstance(metadata, dict) else None
    for raw in raw_vulnerabilities:
        identifier = raw.get("id")
        if not isinstance(identifier, str) or not identifier:
            raise invalid(kind, "a vulnerability has no id")
        references = [str(one.get("id")) for one in objects(raw, "references", kind)]
        ids = (identifier, *(one for one in references if one != "None"))
        analysis = raw.get("analysis")
        state = analysis.get("state") if isinstance(analysis, dict) else None
        status = None
        if state is not None:
            status = _STATES.get(str(state))
            if status is None:
                raise invalid(kind, "an analysis has an unknown state", got=state)
        affected = [_affected(one, purls) for one in objects(raw, "affects", kind)]
        if status is not None:
            said = analysis.get("lastUpdated") if isinstance(analysis, dict) else None
            time = moment(said) or document_time
            statements.append(VexStatement(ids, status, tuple(affected), time=time))
        ratings = [severity(one.get("severity")) for one in objects(raw, "ratings", kind)]
        worst = max(ratings, key=SEVERITIES.index, default="unknown")
        for ref in affected or ["the subject"]:
            purl = ref if ref.startswith("pkg:") else None
            found.append(Vulnerability(ids, worst, ref, purl, fix_known=False, status=status))
    counts = count([one.severity for one in found], SEVERITIES)
    discloses = bool(document.get("components")) or any(
        not isinstance(one.get("analysis"), dict) for one in raw_vulnerabilities
    )
    return Summary(
        "cyclonedx-vdr" if discloses else "cyclonedx-vex",
        _tool(document),
        counts,
        vulnerabilities=tuple(found) if discloses else None,
        statements=tuple(statements),
        time=document_time,
    )


def _purls(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    waiting = objects(document, "components", "CycloneDX")
    while waiting:
        one = waiting.pop()
        if isinstance(one.get("bom-ref"), str) and isinstance(one.get("purl"), str):
            yield one["bom-ref"], one["purl"]
        waiting = waiting + objects(one, "components", "CycloneDX")


def _affected(raw: Mapping[str, Any], purls: Mapping[str, str]) -> str:
    """Return the purl that a reference means: a bom-ref, or ``urn:cdx:SERIAL/1#BOM-REF``."""
    ref = raw.get("ref")
    if not isinstance(ref, str) or not ref:
        raise invalid("CycloneDX", "what a vulnerability affects is not named")
    if ref.startswith("urn:cdx:"):
        ref = unquote(ref.partition("#")[2])
    return purls.get(ref, ref)


def _tool(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    tools = metadata.get("tools") if isinstance(metadata, dict) else None
    if isinstance(tools, dict):
        tools = tools.get("components")
    listed = tools if isinstance(tools, list) else []
    names = [str(one.get("name")) for one in listed if isinstance(one, dict)]
    return ", ".join(sorted(names)) or "CycloneDX"


OPENVEX = Format(
    "openvex",
    OPENVEX_TYPE,
    lambda document: str(document.get("@context", "")).startswith(_CONTEXT),
    _openvex,
)
CYCLONEDX_VEX = Format(
    "cyclonedx",
    CYCLONEDX_TYPE,
    lambda document: document.get("bomFormat") == "CycloneDX" and "vulnerabilities" in document,
    _cyclonedx,
)
