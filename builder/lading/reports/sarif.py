"""SARIF 2.1.0: static analysis (OASIS, ``sarif-v2.1.0``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from lading.attest.predicates import SARIF as TYPE
from lading.reports.interface import Format, Summary, count, invalid, moment, objects

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
    tools = sorted({_tool(run) for run in runs})
    levels = [level for run in runs for level in _levels(run)]
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
    """Yield each result's level: its own, else its rule's, else ``warning`` (§3.27.10).

    An invocation that says it did not succeed (§3.20.14) is an ``error``: it may have seen nothing.
    """
    for one in objects(run, "invocations", "SARIF"):
        if one.get("executionSuccessful") is False:
            yield "error"
    results = objects(run, "results", "SARIF")
    for result in results:
        if not isinstance(result.get("message"), dict):
            raise invalid("SARIF", "a result has no message")
        if _is_suppressed(result):
            yield "suppressed"
            continue
        if str(result.get("kind", "fail")) != "fail":
            yield "none"
            continue
        level = result.get("level")
        if level is None:
            level = _level_of_rule(result, run)
        if level not in _LEVELS:
            raise invalid("SARIF", "a result has an unknown level", got=level)
        yield level


def _is_suppressed(result: Mapping[str, Any]) -> bool:
    """Whether it is dismissed: what is under review or rejected dismisses nothing (§3.27.23)."""
    found = objects(result, "suppressions", "SARIF")
    return bool(found) and all(one.get("status", "accepted") == "accepted" for one in found)


def _level_of_rule(result: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """Return the level of the rule that a result names, in the tool's driver or an extension.

    ``ruleId`` and ``ruleIndex`` may stand in ``rule`` (§3.27.7); its ``toolComponent`` says which
    part of the tool has it, the driver by default (§3.52).
    """
    tool, reference = run["tool"], result.get("rule")
    reference = reference if isinstance(reference, dict) else {}
    named = reference.get("toolComponent")
    index = named.get("index") if isinstance(named, dict) else None
    extensions = objects(tool, "extensions", "SARIF")
    part = extensions[index] if _is_index(index, extensions) else tool["driver"]
    rules = objects(part, "rules", "SARIF")
    at = reference.get("index", result.get("ruleIndex"))
    if _is_index(at, rules):
        return _default_level(rules[at])
    name = str(reference.get("id", result.get("ruleId")))
    for each in (part, tool["driver"], *extensions):
        for rule in objects(each, "rules", "SARIF"):
            if str(rule.get("id")) == name:
                return _default_level(rule)
    return "warning"


def _is_index(value: object, items: list[Mapping[str, Any]]) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < len(items)


def _default_level(rule: Mapping[str, Any]) -> str:
    configuration = rule.get("defaultConfiguration")
    level = configuration.get("level") if isinstance(configuration, dict) else None
    return level if isinstance(level, str) else "warning"


SARIF = Format("sarif", TYPE, _recognises, _summarise)
