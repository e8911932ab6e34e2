"""Thinc's models, as spaCy pipelines keep them: MessagePack of nodes, attributes, parameters.

``Model.to_bytes`` of explosion/thinc writes a map of ``nodes``, ``attrs``, ``params`` and
``shims``; arrays in it are msgpack-numpy's maps with ``nd``, ``type``, ``kind``, ``shape``,
``data``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["START", "parse"]

FORMAT: Final = "spacy"
#: A map of four entries, the first of which is called "nodes".
START: Final = b"\x84\xa5nodes"


def parse(source: Source, report: Report) -> None:  # noqa: ARG001 - only its digest counts
    """Note a component's weights."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "spacy", "")
