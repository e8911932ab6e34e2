"""Protect AI's modelscan (``modelscan -r json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.attest.predicates import MODELSCAN as TYPE
from lading.reports.interface import Format, Summary, count, invalid, moment, objects

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MODELSCAN"]

_SEVERITIES = ("low", "medium", "high", "critical")


def _recognises(document: Mapping[str, Any]) -> bool:
    summary = document.get("summary")
    return isinstance(summary, dict) and "modelscan_version" in summary


def _summarise(document: Mapping[str, Any]) -> Summary:
    summary = document["summary"]
    issues = objects(document, "issues", "modelscan")
    words = [str(one.get("severity", "")).lower() for one in issues]
    if not set(words) <= set(_SEVERITIES):
        raise invalid("modelscan", "an issue has an unknown severity")
    if summary.get("total_issues") != len(issues):
        raise invalid("modelscan", "it does not list as many issues as it counts")
    scanned, skipped = summary.get("scanned"), summary.get("skipped")
    counts = count(words, _SEVERITIES)
    counts["errors"] = len(objects(document, "errors", "modelscan"))
    counts["scanned"] = _whole(scanned, "total_scanned")
    counts["skipped"] = _whole(skipped, "total_skipped")
    return Summary(
        "modelscan",
        f"modelscan {summary['modelscan_version']}",
        counts,
        time=moment(summary.get("timestamp")),
    )


def _whole(parent: object, key: str) -> int:
    value = parent.get(key, 0) if isinstance(parent, dict) else 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise invalid("modelscan", f"{key} is no count", got=value)
    return value


MODELSCAN = Format("modelscan", TYPE, _recognises, _summarise)
