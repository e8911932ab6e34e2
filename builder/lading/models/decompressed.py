"""What each decompressor is to a reader: a source that is bounded, and errs for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.models.stream import Malformed, Source

if TYPE_CHECKING:
    from lading.models.report import Report

__all__ = ["Decompressed"]


class Decompressed(Source):
    """What is compressed in ``parent``; all of a file together is no more than its report allows.

    Subclasses give pieces. After an error there is nothing but that error: whoever peeks takes what
    came before it, and must not find the end of the data when reading on.
    """

    def __init__(self, parent: Source, report: Report) -> None:
        super().__init__()
        self._parent = parent
        self._report = report
        self._broken: Malformed | None = None

    def _piece(self) -> bytes:
        """Return what comes next, ``b""`` at the end.

        Raises:
            Malformed: it cannot be decompressed.
        """
        raise NotImplementedError

    def _fill(self) -> bytes:
        if self._broken is not None:
            raise self._broken
        try:
            piece = self._piece()
            self._report.inflatable -= len(piece)
            if self._report.inflatable < 0:
                raise Malformed("the compressed data grows past every bound")
        except Malformed as error:
            self._broken = error
            raise
        return piece
