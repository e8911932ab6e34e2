"""Documents that are made from the code say what the code says. ``UPDATE_DOCS=1`` writes them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from lading.cli import VERBS
from lading.config import _TABLES
from lading.engine.argv import OWN_OPTIONS
from lading.exit_codes import DESCRIPTIONS, ExitCode
from support.cli_reference import verbs_page

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def test_the_page_of_exit_statuses_is_the_code() -> None:
    text = (DOCS / "exit-codes.md").read_text()
    assert set(DESCRIPTIONS) == {one for name, one in vars(ExitCode).items() if name.isupper()}
    rows = [line for line in text.splitlines() if line.startswith("| ") and line[2].isdigit()]

    assert rows == [f"| {code} | {said} |" for code, said in sorted(DESCRIPTIONS.items())]


def test_the_reference_of_verbs_is_the_code() -> None:
    path = DOCS / "reference.md"
    text = path.read_text()
    found = re.search(r"(<!-- verbs: .*? -->\n)(.*?)(<!-- end of verbs -->)", text, re.DOTALL)
    assert found
    wanted = f"\n{verbs_page()}\n"
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(text[: found.start(2)] + wanted + text[found.end(2) :])
        return

    assert found[2] == wanted


@pytest.mark.parametrize("table", sorted(_TABLES))
def test_every_setting_of_the_file_is_in_the_reference(table: str) -> None:
    text = (DOCS / "reference.md").read_text()
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `[{table}]` |")]
    assert re.findall(r"`([a-z-]+)`", row) == list(_TABLES[table])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_shown_has_a_verb_and_options_that_there_are(page: Path) -> None:
    """Of docker's own options, which ``lading build`` takes, nothing is said here."""
    known = {*re.findall(r"--[a-z][a-z-]+", verbs_page()), "--json", "--help", "--version"}
    known |= {f"--{name}" for name in OWN_OPTIONS} | {"--push", "--install-completion"}
    text = page.read_text().replace("\\\n", " ")
    inline = re.findall(r"`lading ([a-z]+)([^`]*)`", text)
    blocks = "".join(re.findall(r"^```.*?\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    for verb, rest in inline + re.findall(
        r"^(?:\$ )?lading ([a-z]+)([^\n#&|]*)", blocks, re.MULTILINE
    ):
        assert verb in VERBS, f"lading {verb}{rest}"
        assert {*re.findall(r"(?<![\w-])--[a-z][a-z-]+", rest)} <= known, f"lading {verb}{rest}"


def test_the_list_of_decisions_has_them_all() -> None:
    rows = []
    for page in sorted((DOCS / "decisions").glob("0*.md")):
        title = page.read_text().splitlines()[0].partition(". ")[2]
        rows.append(f"{int(page.name[:4])}. [{title}]({page.name})")
    assert (DOCS / "decisions" / "README.md").read_text().splitlines()[4:] == rows
