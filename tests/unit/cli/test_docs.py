"""Documents that are made from the code say what the code says."""

from pathlib import Path

from lading.exit_codes import DESCRIPTIONS, ExitCode

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_exit_statuses_is_the_code() -> None:
    text = (DOCS / "exit-codes.md").read_text()
    assert set(DESCRIPTIONS) == {one for name, one in vars(ExitCode).items() if name.isupper()}
    rows = [line for line in text.splitlines() if line.startswith("| ") and line[2].isdigit()]

    assert rows == [f"| {code} | {said} |" for code, said in sorted(DESCRIPTIONS.items())]
