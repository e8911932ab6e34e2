"""Reports that are no JSON, rewritten as such: JUnit XML, garak's JSON lines, picklescan's text.

What is attested names the original by its SHA-256, so that whoever has it can compare.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from lading.attest.predicates import GARAK as GARAK_TYPE
from lading.attest.predicates import PICKLESCAN as PICKLESCAN_TYPE
from lading.attest.predicates import TEST_RESULT
from lading.errors import InputError
from lading.reports.interface import Format, Summary, invalid, moment, objects

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

__all__ = ["GARAK", "PICKLESCAN", "convert"]

_MOST_TESTS: Final = 200_000
_PICKLESCAN: Final = re.compile(
    r"-+ SCAN SUMMARY -+\s+Scanned files: (\d+)\s+Infected files: (\d+)\s+"
    r"(?:Suspicious globals: (\d+)\s+)?Dangerous globals: (\d+)"
)


def convert(data: bytes, name: str) -> tuple[str, dict[str, Any]] | None:
    """Return the predicate type and predicate of a report in text, None when it is none we know.

    Raises:
        InputError: it is one, and broken.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    start = text.lstrip()[:4096]
    if start.startswith("<"):
        return TEST_RESULT, _junit(text, data, name)
    if '"entry_type"' in start:
        return GARAK_TYPE, _garak(text, data, name)
    if found := _PICKLESCAN.search(text):
        names = ("scanned", "infected", "suspicious", "dangerous")
        counts = {one: int(value or 0) for one, value in zip(names, found.groups(), strict=True)}
        return PICKLESCAN_TYPE, {"report": _descriptor(data, name), "summary": counts}
    return None


def _descriptor(data: bytes, name: str) -> dict[str, Any]:
    """The original as an in-toto resource descriptor."""
    return {"name": name, "digest": {"sha256": hashlib.sha256(data).hexdigest()}}


def _junit(text: str, data: bytes, name: str) -> dict[str, Any]:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise invalid("JUnit", "it declares a document type")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - no entities without a DOCTYPE
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise invalid("JUnit", "it is not XML", got=error) from None
    cases = list(root.iter("testcase"))
    if root.tag not in ("testsuites", "testsuite") or not 0 < len(cases) <= _MOST_TESTS:
        raise invalid("JUnit", "it has no test cases", got=f"<{root.tag}>")
    failed = [_test(one) for one in cases if _has(one, "failure", "error")]
    skipped = [_test(one) for one in cases if _has(one, "skipped")]
    passed = [_test(one) for one in cases if not _has(one, "failure", "error", "skipped")]
    _check_counts(root, cases)
    source = _descriptor(data, name) | {"annotations": {"skippedTests": skipped}}
    return {
        "result": "FAILED" if failed else "PASSED",
        "configuration": [source],
        "passedTests": passed,
        "warnedTests": [],
        "failedTests": failed,
    }


def _check_counts(root: Element, cases: list[Element]) -> None:
    """Refuse a report whose suites count failures that no test case has: it was cut short."""
    leaves = [one for one in root.iter("testsuite") if one.find("testsuite") is None]
    for suite, inner in ((root, cases), *((one, one.findall("testcase")) for one in leaves)):
        listed = sum(child.tag in ("failure", "error") for one in inner for child in one)
        told = [suite.get(name, "0") for name in ("failures", "errors")]
        if not all(one.isdecimal() for one in told) or sum(map(int, told)) > listed:
            raise invalid("JUnit", "it counts more failures than it lists", got=", ".join(told))


def _has(case: Element, *tags: str) -> bool:
    return any(case.find(tag) is not None for tag in tags)


def _test(case: Element) -> str:
    parts = (case.get("classname"), case.get("name"))
    return "::".join(part for part in parts if part)[:1024] or "unnamed"


def _garak(text: str, data: bytes, name: str) -> dict[str, Any]:
    """Keep setup and evaluations; the attempts (prompts and answers) stay in the original."""
    version, started, completed = None, None, False
    evaluations = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            raise invalid("garak", "a line is not JSON", where=f"line {number}") from None
        kind = entry.get("entry_type") if isinstance(entry, dict) else None
        if kind == "init":
            version, started = entry.get("garak_version"), entry.get("start_time")
        elif kind == "completion":
            completed = True
        elif kind == "eval":
            evaluations.append(_evaluation(entry, number))
    if not evaluations:
        raise invalid("garak", "it evaluated nothing")
    return {
        "report": _descriptor(data, name),
        "version": str(version or "unknown"),
        "started": started,
        "completed": completed,
        "evaluations": evaluations,
    }


def _evaluation(entry: Mapping[str, Any], number: int) -> dict[str, Any]:
    total = entry.get("total", entry.get("total_evaluated"))
    passed = entry.get("passed")
    for value in (total, passed):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise invalid("garak", "an evaluation has no counts", where=f"line {number}")
    if passed > total:
        raise invalid("garak", "more passed than were tried", where=f"line {number}")
    return {
        "probe": str(entry.get("probe")),
        "detector": str(entry.get("detector")),
        "passed": passed,
        "total": total,
    }


def _summarise_garak(document: Mapping[str, Any]) -> Summary:
    found = objects(document, "evaluations", "garak")
    try:
        totals = [(int(one["passed"]), int(one["total"])) for one in found]
    except (KeyError, TypeError, ValueError) as error:
        raise invalid("garak", "an evaluation has no counts") from error
    if any(not 0 <= passed <= total for passed, total in totals):
        raise invalid("garak", "more passed than were tried")
    if not totals:
        raise InputError("the garak report evaluated nothing")
    counts = {
        "evaluations": len(totals),
        "attempts": sum(total for _, total in totals),
        "failed": sum(total - passed for passed, total in totals),
        "pass_rate": min((passed / total for passed, total in totals if total), default=0.0),
        "completed": int(document.get("completed") is True),
    }
    time = moment(document.get("started"))
    return Summary("garak", f"garak {document.get('version')}", counts, time=time)


def _summarise_picklescan(document: Mapping[str, Any]) -> Summary:
    counts = document.get("summary")
    if not isinstance(counts, dict) or not all(type(one) is int for one in counts.values()):
        raise invalid("picklescan", "its summary is missing")
    return Summary("picklescan", "picklescan", dict(counts))


GARAK = Format("garak", GARAK_TYPE, lambda document: "evaluations" in document, _summarise_garak)
PICKLESCAN = Format(
    "picklescan",
    PICKLESCAN_TYPE,
    lambda document: "report" in document and "summary" in document,
    _summarise_picklescan,
)
