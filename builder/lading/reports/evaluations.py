"""Measurements: ``lm-eval`` results, in-toto test results, and any JSON with numbers in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lading.attest.predicates import LM_EVAL as LM_EVAL_TYPE
from lading.attest.predicates import TEST_RESULT as TEST_RESULT_TYPE
from lading.reports.interface import Format, Summary, invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["LM_EVAL", "TEST_RESULT", "numbers_of"]

_RESULTS: Final = ("PASSED", "WARNED", "FAILED")
_MOST_NUMBERS: Final = 10_000
_DEEPEST: Final = 8
_LATEST: Final = 253_402_300_799.0  # the last second of the year 9999


def _lm_eval(document: Mapping[str, Any]) -> Summary:
    """Read the results file; ``acc,none`` of ``hellaswag`` becomes ``hellaswag.acc``."""
    counts: dict[str, float] = {}
    results = document["results"]
    for task, metrics in results.items():
        if not isinstance(metrics, dict):
            raise invalid("lm-eval", "a task has no metrics", got=task)
        for name, value in metrics.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                metric, _, applied = name.partition(",")
                suffix = f",{applied}" if applied not in ("", "none") else ""
                counts[f"{task}.{metric}{suffix}"] = value
    if not counts:
        raise invalid("lm-eval", "it measured nothing")
    date = document.get("date")
    time = datetime.fromtimestamp(date, UTC) if isinstance(date, float) and date < _LATEST else None
    return Summary("lm-eval", "lm-eval", counts, time=time)


def _is_lm_eval(document: Mapping[str, Any]) -> bool:
    return (
        isinstance(document.get("results"), dict)
        and "versions" in document
        and ("n-shot" in document or "config" in document)
    )


def _test_result(document: Mapping[str, Any]) -> Summary:
    """Read the predicate of in-toto's ``test-result`` v0.1."""
    if document.get("result") not in _RESULTS:
        raise invalid("test-result", "an unknown result", got=document.get("result"))
    configuration = document.get("configuration")
    if not isinstance(configuration, list) or not configuration:
        raise invalid("test-result", "it does not say its configuration")
    counts: dict[str, float] = {}
    for name in ("passed", "warned", "failed"):
        listed = document.get(f"{name}Tests", [])
        if not isinstance(listed, list):
            raise invalid("test-result", f"{name}Tests is no list")
        counts[name] = len(listed)
    if document["result"] == "FAILED":
        counts["failed"] = max(1, counts["failed"])
    first = configuration[0]
    tool = first.get("name") if isinstance(first, dict) else None
    return Summary("test-result", str(tool or "tests"), counts)


def numbers_of(document: Mapping[str, Any]) -> dict[str, float]:
    """Return every number of a document by its path, dots between the keys."""
    found: dict[str, float] = {}
    for path, value in _leaves(document, (), 0):
        if len(found) < _MOST_NUMBERS:
            found[".".join(path)] = value
    return found


def _leaves(
    value: object, path: tuple[str, ...], depth: int
) -> Iterator[tuple[tuple[str, ...], float]]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value
    elif isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)), depth + 1)


LM_EVAL = Format("lm-eval", LM_EVAL_TYPE, _is_lm_eval, _lm_eval)
TEST_RESULT = Format(
    "test-result",
    TEST_RESULT_TYPE,
    lambda document: document.get("result") in _RESULTS and "configuration" in document,
    _test_result,
)
