"""CSV, TSV and JSON Lines: texts that are data sets only by their size and place.

Nothing in the bytes says so: a directory or file name must, and the first line must look right.
"""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Final

from lading.inventory import Role
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.report import printable

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["parse_csv", "parse_lines", "promising"]

#: Bytes from which a table counts.
SMALLEST: Final = 1024 * 1024
_PLACE: Final = re.compile(
    r"(?:^|/)(?:data|datasets?|corpus|corpora|train(?:ing)?|eval(?:uation)?|raw|processed)/[^/]*\Z"
    r"|(?:^|/)datasets?/|(?:^|[/._-])(?:train|test|valid|validation|dev|eval|dataset|corpus)"
    r"(?:[._-][^/]*)?\.\w+\Z",
    re.IGNORECASE,
)
_COLUMNS: Final = 4096


def promising(path: str, size: int) -> bool:
    """Whether a table of this size, at this place, may be a data set."""
    return size >= SMALLEST and _PLACE.search(path) is not None


def parse_csv(source: Source, report: Report) -> bool:
    """Read the names of columns; False when the first lines are no table."""
    report.format = "tsv" if report.named.endswith(".tsv") else "csv"
    report.role = Role.DATA
    start = source.peek(LIMITS.text_line)
    lines = start.decode("utf-8", "replace").splitlines()[:8]
    comma = (
        "\t"
        if report.format == "tsv"
        else (";" if lines[0].count(";") > lines[0].count(",") else ",")
    )
    try:
        table = list(csv.reader(lines[:-1], delimiter=comma))
    except csv.Error:
        return False
    if b"\x00" in start or len(table) < 2 or not 2 <= len(table[0]) <= _COLUMNS:
        return False
    if len(table[1]) != len(table[0]):
        return False
    report.fact(v.COLUMNS, [printable(one) for one in table[0]], "line 1")
    return True


def parse_lines(source: Source, report: Report) -> bool:
    """Read the keys of the first object, and count the lines."""
    report.format = "jsonl"
    report.role = Role.DATA
    line, found, _ = source.peek(LIMITS.json_value).partition(b"\n")
    if not found:
        return False
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        return False
    if not isinstance(first, dict):
        return False
    rows, last = source.tally(b"\n")
    report.fact(v.COLUMNS, [printable(one) for one in first][:_COLUMNS], "line 1")
    report.fact(v.ROWS, rows + (last != b"\n"), "lines")
    return True
