"""Files → models and data sets.

A model is more than a file. Files are first *placed* where links make them appear (a Hugging Face
cache keeps nameless blobs behind named links), then given to the directory that *owns* them (a
snapshot, a pipeline, a directory with a configuration, or just their own), then *assembled* into
models, and models of the same bytes are *merged* into one with several occurrences.
"""

from __future__ import annotations

from lading.models.grouping.group import Grouped, group
from lading.models.grouping.place import moved

__all__ = ["Grouped", "group", "moved"]
