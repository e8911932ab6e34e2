"""The pages about policies say what the code says. ``UPDATE_DOCS=1`` writes their tables anew."""

from __future__ import annotations

import dataclasses
import os
import re

import pytest

import parts
from lading.policy.atlas import MITIGATIONS, NOT_COVERED, TECHNIQUES
from lading.policy.options import key_of
from lading.policy.rules import RULES
from lading.reports import FORMATS
from lading.reports.text import GARAK, PICKLESCAN

DOCS = parts.ROOT / "docs"


def rules_table() -> str:
    lines = []
    for name, kind in RULES.items():
        serves = ", ".join(kind.serves) or "what its `atlas` says"
        when = "" if kind.usually == "always" else " Judged at deploy."
        lines += [f"**`{name}`** {(kind.__doc__ or '').strip()}{when} ATLAS: {serves}.", ""]
        for one in dataclasses.fields(kind):
            if "kind" not in one.metadata:
                continue
            needed = " (required)" if one.default is dataclasses.MISSING else ""
            lines.append(f"- `{key_of(one)}`{needed}: {one.metadata['doc']}")
            inner = one.metadata["kind"].record
            for each in dataclasses.fields(inner) if inner else ():
                lines.append(f"  - `{key_of(each)}`: {each.metadata['doc']}")
        lines.append("")
    return "\n".join(lines)


def atlas_table() -> str:
    lines = []
    for name, one in MITIGATIONS.items():
        rules = ", ".join(f"`{rule}`" for rule, kind in RULES.items() if name in kind.serves)
        techniques = "; ".join(f"{each} {TECHNIQUES[each]}" for each in one.techniques)
        lines += [
            f"## {name} {one.name}",
            "",
            f"- Answers: {techniques}.",
            f"- Evidence: {one.evidence}",
            f"- Rules: {rules or 'none of its own; `reports` can require such a report'}.",
            f"- Leaves: {one.limits}",
            "",
        ]
    lines += ["## Not covered", ""]
    lines += [f"- {name} {TECHNIQUES[name]}: {why}" for name, why in NOT_COVERED.items()]
    return "\n".join([*lines, ""])


@pytest.mark.parametrize(
    ("page", "mark", "made"),
    [("policy.md", "rules", rules_table), ("atlas.md", "atlas", atlas_table)],
)
def test_tables_are_made_from_the_code(page: str, mark: str, made) -> None:  # type: ignore[no-untyped-def]
    path = DOCS / page
    text = path.read_text()
    found = re.search(rf"(<!-- {mark}: .*? -->\n)(.*?)(<!-- end of {mark} -->)", text, re.DOTALL)
    assert found
    wanted = f"\n{made()}\n".replace("\n\n\n", "\n\n")
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(text[: found.start(2)] + wanted + text[found.end(2) :])
        return

    assert found[2] == wanted


def test_every_kind_of_report_is_on_its_page_with_its_type() -> None:
    text = (DOCS / "reports.md").read_text()

    for one in (*FORMATS, GARAK, PICKLESCAN):
        assert f"`{one.predicate_type}`" in text
        assert one.kind in text
