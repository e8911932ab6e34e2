"""What is loaded while docker builds is there, and is what a build needs."""

from __future__ import annotations

import subprocess
import sys

from lading.cli import warm


def test_everything_on_the_list_gets_loaded_beside_the_caller() -> None:
    code = (
        "import sys; from lading.cli.warm import NEEDED, warm_up;"
        "warm_up().join(); print(sorted(set(NEEDED) - set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert ran.stdout.strip() == "[]"
    assert ran.stderr == ""
    assert "lading.usecases.inspect" in warm.NEEDED
