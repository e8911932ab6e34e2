"""What a file is to a machine-learning model, read from its own bytes.

:func:`examine` looks at one file: it decides by content, with the suffix only as a hint, reads
the bytes once while hashing them, and says what the header tells and whether loading the file
can run code. :func:`group` joins the files of an image to models and data sets. Nothing is
executed or unpickled, no machine-learning framework is imported, and nothing here knows where
bytes come from. The names of facts are in :mod:`lading.models.vocabulary`.
"""

from __future__ import annotations

from typing import Final

from lading.models.examine import examine
from lading.models.grouping import Grouped, group, moved
from lading.models.stream import FileStream

__all__ = ["SCANNER_VERSION", "FileStream", "Grouped", "examine", "group", "moved"]

#: Findings of another version are not those of this one: caches are keyed by it.
SCANNER_VERSION: Final = "18"
