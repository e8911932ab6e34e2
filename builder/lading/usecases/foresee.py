"""Use case: foresee what an image has inside that is being built, from the last one of its name.

A rebuild after a change of code has the contents of the build before. They are read, and a BOM is
made of them, while docker builds; what comes out later as the very same is not made again
(``kept.contents_of``, ``bom.write``, ``attest.build_statement``). The image alone decides what it
has inside: a guess that was wrong has cost time beside docker, and nothing else.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from lading.inventory import ImageFacts, Inspection, LayerFacts, Platform
from lading.usecases import kept
from lading.usecases.attest import bom_statement, image_subjects, make_bom

if TYPE_CHECKING:
    from lading.usecases.inspect import ScanCache

__all__ = ["VERSION", "Foreseeing", "rehearse"]

#: Of what is kept about names.
VERSION = "last-of-name-1"
_DIGEST = "sha256:" + "0" * 64


class Foreseeing:
    """Whole contents (``results``), with those of the last image of a name read ahead.

    A :class:`~lading.usecases.inspect.ScanCache` like ``results``; ``names`` keeps which contents
    an image of a name had.
    """

    def __init__(self, name: str, results: ScanCache, names: ScanCache) -> None:
        self._name = "sha256:" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        self._results = results
        self._names = names
        self._ahead: dict[str, dict[str, Any]] = {}

    def read(self) -> Inspection | None:
        """Read ahead, and return an inspection of nobody's image; None when nothing is known.

        Raises:
            KeyError, TypeError, ValueError: what was kept is something else.
        """
        key = str((self._names.get(self._name) or {}).get("key"))
        data = self._results.get(key)
        if data is None:
            return None
        self._ahead[key] = data
        return Inspection("rehearsal", _nobodys(), **kept.contents_of(data))

    def get(self, key: str) -> dict[str, Any] | None:
        """Return contents, those that were read ahead for nothing."""
        return self._ahead.get(key) or self._results.get(key)

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Keep contents."""
        self._results.put(key, value)

    def remember(self, key: str) -> None:
        """Keep that the image has the contents of ``key``."""
        if key not in self._ahead:
            self._names.put(self._name, {"key": key})


def rehearse(inspection: Inspection) -> None:
    """Make the BOM and the statement of an inspection, so that neither is new when it counts.

    Raises:
        InputError: they cannot be made.
    """
    bom_statement(image_subjects("rehearsal", inspection.image), make_bom(inspection))


def _nobodys() -> ImageFacts:
    return ImageFacts("rehearsal", Platform("linux", "amd64"), _DIGEST, (LayerFacts(_DIGEST, 0),))
