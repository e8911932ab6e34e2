"""``tools/branches.py``: each room by itself, by its branches alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[3] / "tools" / "branches.py"
HALF = "def f(a):\n    if a:\n        return 1\n    return 2\n\n\nf(1)\n" + "x = 1\n" * 40
WHOLE = "for one in (0, 1):\n    if one:\n        x = 1\n"


def test_lines_do_not_hide_branches(tmp_path: Path) -> None:
    for room, text in (("models", WHOLE), ("image", HALF)):
        (tmp_path / "lading" / room).mkdir(parents=True)
        (tmp_path / "lading" / room / "a.py").write_text(text, encoding="utf-8")
    main = tmp_path / "main.py"
    main.write_text(
        "import runpy\nfor room in ('models', 'image'):\n"
        "    runpy.run_path(f'lading/{room}/a.py')\n",
        encoding="utf-8",
    )
    env = {**os.environ, "COVERAGE_FILE": str(tmp_path / ".coverage")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("-m", "coverage", "run", "--branch", str(main)).returncode == 0
    good, bad = run(str(TOOL), "95", "models"), run(str(TOOL), "95", "models", "image")
    assert (good.returncode, bad.returncode) == (0, 1), good.stderr + bad.stderr
    assert "models: 4 of 4 branches (100.0 %)" in good.stdout
    assert "image: 1 of 2 branches (50.0 %)" in bad.stdout
    assert bad.stderr == "below 95 % of branches: image\n"
