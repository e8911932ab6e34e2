"""SARIF 2.1.0: static analysis (OASIS, ``sarif-v2.1.0``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.reports.interface import Format, Summary, count, invalid, moment, objects
from lading.reports.types import SARIF as TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

__all__ = ["SARIF"]

_LEVELS = ("error", "warning", "note", "none")


def _recognises(document: Mapping[str, Any]) -> bool:
    return "runs" in document and str(document.get("version", "")).startswith("2.")


def _summarise(document: Mapping[str, Any]) -> Summary:
    if document.get("version") != "2.1.0":
        raise invalid("SARIF", "version 2.1.0 is wanted", got=document.get("version"))
    runs = objects(document, "runs", "SARIF")
    if not runs:
        raise invalid("SARIF", "it has no run: nothing was analysed")
    levels = [level for run in runs for level in _levels(run)]
    tools = sorted({_tool(run) for run in runs})
    return Summary(
        "sarif", ", ".join(tools), count(levels, (*_LEVELS, "suppressed")), time=_time(runs)
    )


def _time(runs: list[Mapping[str, Any]]) -> datetime | None:
    """Return when the first of the analyses ended, None unless all say it."""
    times = [
        moment(one.get("endTimeUtc"))
        for run in runs
        for one in objects(run, "invocations", "SARIF") or [{}]
    ]
    return None if None in times else min(time for time in times if time)


def _tool(run: Mapping[str, Any]) -> str:
    tool = run.get("tool")
    driver = tool.get("driver") if isinstance(tool, dict) else None
    name = driver.get("name") if isinstance(driver, dict) else None
    if not isinstance(name, str) or not name:
        raise invalid("SARIF", "a run does not name its tool")
    return name


def _levels(run: Mapping[str, Any]) -> Iterator[str]:
    """Yield each result's level: its own, else its rule's, else ``warning`` (§3.27.10)."""
    driver = run["tool"]["driver"] if _tool(run) else {}
    rules = objects(driver, "rules", "SARIF")
    by_id = {str(rule.get("id")): _default_level(rule) for rule in rules}
    results = objects(run, "results", "SARIF")
    for result in results:
        if not isinstance(result.get("message"), dict):
            raise invalid("SARIF", "a result has no message")
        if objects(result, "suppressions", "SARIF"):
            yield "suppressed"
            continue
        if str(result.get("kind", "fail")) != "fail":
            yield "none"
            continue
        level = result.get("level")
        if level is None:
            index = result.get("ruleIndex")
            if isinstance(index, int) and 0 <= index < len(rules):
                level = _default_level(rules[index])
            else:
                level = by_id.get(str(result.get("ruleId")), "warning")
        if level not in _LEVELS:
            raise invalid("SARIF", "a result has an unknown level", got=level)
        yield level


def _default_level(rule: Mapping[str, Any]) -> str:
    configuration = rule.get("defaultConfiguration")
    level = configuration.get("level") if isinstance(configuration, dict) else None
    return level if isinstance(level, str) else "warning"


SARIF = Format("sarif", TYPE, _recognises, _summarise)
