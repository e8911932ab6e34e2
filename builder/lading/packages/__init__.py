"""Packages of an image: Python distributions by our own reader, everything else by syft.

``collect`` is offered every regular file of every layer and keeps the few that package readers
need. When the layers are merged, ``python_distributions`` reads the Python ones among them;
``os_packages`` writes the others into a small private tree and runs syft on that, so that syft
never sees (or unpacks, or hashes) the image. ``merge_packages`` makes one list of both.

Files that changed after a distribution was installed are found with ``verify.py``: a scanner
digests the files that ``may_be_installed`` names, keeps what a ``Ledger`` does not settle for each
layer, and ``python_distributions`` compares that when the layers are merged.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from lading.packages.capture import File, collect
    from lading.packages.merge import merge_packages
    from lading.packages.others import SyftResult, os_packages
    from lading.packages.python import PythonResult, python_distributions
    from lading.packages.shippers import shippers_of
    from lading.packages.syft_find import Syft, find_syft
    from lading.packages.verify import (
        Changes,
        Ledger,
        Trace,
        Traces,
        listed_elsewhere,
        may_be_installed,
    )

__all__ = [
    "SCANNER_VERSION",
    "Changes",
    "File",
    "Ledger",
    "PythonResult",
    "Syft",
    "SyftResult",
    "Trace",
    "Traces",
    "Written",
    "collect",
    "find_syft",
    "in_site",
    "listed_elsewhere",
    "may_be_installed",
    "merge_packages",
    "os_packages",
    "python_distributions",
    "shippers_of",
]

# Part of the key under which a layer's findings are cached: raise it whenever ``collect`` keeps
# other files, or other parts of them, than before.
SCANNER_VERSION = "3"

#: Where each name is: finding syft must not load the readers, which take longer than it does.
_MODULES: Final = {
    **dict.fromkeys(("File", "collect"), "capture"),
    **dict.fromkeys(("PythonResult", "python_distributions"), "python"),
    **dict.fromkeys(("Syft", "find_syft"), "syft_find"),
    **dict.fromkeys(("SyftResult", "os_packages"), "others"),
    "merge_packages": "merge",
    "shippers_of": "shippers",
    **dict.fromkeys(
        [
            "Changes",
            "Ledger",
            "Trace",
            "Traces",
            "Written",
            "in_site",
            "listed_elsewhere",
            "may_be_installed",
        ],
        "verify",
    ),
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first wanted."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
