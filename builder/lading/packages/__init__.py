"""Packages of an image: Python distributions by our own reader, everything else by syft.

``collect`` is offered every regular file of every layer and keeps the few that package readers
need. When the layers are merged, ``python_distributions`` reads the Python ones among them;
``os_packages`` writes the others into a small private tree and runs syft on that, so that syft
never sees (or unpacks, or hashes) the image.
"""

from __future__ import annotations

from lading.packages.collect import File, collect
from lading.packages.os_packages import SyftResult, os_packages
from lading.packages.python import PythonResult, python_distributions
from lading.packages.syft_find import Syft, find_syft

__all__ = [
    "SCANNER_VERSION",
    "File",
    "PythonResult",
    "Syft",
    "SyftResult",
    "collect",
    "find_syft",
    "os_packages",
    "python_distributions",
]

# Part of the key under which a layer's findings are cached: raise it whenever ``collect`` keeps
# other files, or other parts of them, than before.
SCANNER_VERSION = "1"
