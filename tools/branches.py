"""Say how much of a room's branches a coverage run took; fail below a bound.

``branches.py BOUND ROOM...`` reads ``.coverage`` (``make coverage`` writes it). Each room is held
by itself, and by its branches alone: lines, of which there are more, would hide what is missing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main(bound: float, rooms: list[str]) -> int:
    """Print one line a room; 0 when every room reaches ``bound`` per cent."""
    low = [room for room in rooms if _percent(room) < bound]
    if low:
        print(f"below {bound:g} % of branches: {', '.join(low)}", file=sys.stderr)
    return 1 if low else 0


def _percent(room: str) -> float:
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "coverage.json"
        command = [sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)]
        subprocess.run([*command, f"--include=*/lading/{room}/*"], check=True)
        totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    taken, branches = totals["covered_branches"], totals["num_branches"]
    lines = totals["percent_statements_covered"]
    percent: float = 100 * taken / branches if branches else 0.0
    print(f"{room}: {taken} of {branches} branches ({percent:.1f} %), {lines:.1f} % of statements")
    return percent


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
