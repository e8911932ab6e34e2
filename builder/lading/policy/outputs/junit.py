"""A verdict as JUnit XML: one test case for each rule."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from lading.inventory import Level
from lading.policy.outputs.table import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.policy.verdict import RuleResult, Verdict

__all__ = ["junit"]


def junit(verdict: Verdict) -> str:
    """Return the document; a violated rule of level warning passes, with its text as output."""
    failures = sum(not one.passed and one.level is Level.ERROR for one in verdict.results)
    skipped = sum(one.deferred for one in verdict.results)
    counts = f'tests="{len(verdict.results)}" failures="{failures}" skipped="{skipped}" errors="0"'
    name = quoteattr(printable(f"lading policy {verdict.policy.uri}"))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {counts}>",
        f"  <testsuite name={name} {counts}>",
        *(line for one in verdict.results for line in _case(one, verdict.subject)),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _case(one: RuleResult, subject: str) -> Iterator[str]:
    names = f"classname={quoteattr(printable(subject))} name={quoteattr(one.rule)}"
    text = "\n".join(printable(each.message) for each in one.violations)
    if one.more:
        text += f"\nand {one.more} more"
    if one.deferred:
        yield f'    <testcase {names}><skipped message="judged at deploy"/></testcase>'
    elif one.passed:
        yield f"    <testcase {names}/>"
    elif one.level is Level.ERROR:
        first = quoteattr(printable(one.violations[0].message))
        yield f"    <testcase {names}><failure message={first}>{escape(text)}</failure></testcase>"
    else:
        yield f"    <testcase {names}><system-out>{escape(text)}</system-out></testcase>"
