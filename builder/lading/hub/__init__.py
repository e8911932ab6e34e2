"""Where models and data sets come from: a directory, a file, a git repository, a hub.

:func:`parse_target` reads ``dir:``, ``file:``, ``git:``, ``hf:`` and ``hf-dataset:``;
:func:`open_source` lists what is there as a :class:`Source`: every file by name and size, with
its SHA-256 where the place already knows it. :mod:`lading.hub.oms` is the signed list. Nothing
that is read is executed, and nothing here knows of images, signatures or BOMs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.hub.interface import Listed, Scope, Source, Stream

if TYPE_CHECKING:
    from lading.hub.open import open_source
    from lading.hub.targets import PREFIXES, Target, parse_target

__all__ = [
    "PREFIXES",
    "Listed",
    "Scope",
    "Source",
    "Stream",
    "Target",
    "open_source",
    "parse_target",
]


def __getattr__(name: str) -> Any:
    """Import what opens sources when it is first wanted: signed lists are read without it."""
    if name == "open_source":
        from lading.hub.open import open_source

        return open_source
    if name in __all__:
        from lading.hub import targets

        return getattr(targets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
