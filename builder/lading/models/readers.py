"""Readers that are more than one format's ``parse``.

A reader takes ``(source, report)``. It returns False when, after all, the file is not a model's;
it raises ``Malformed`` when the file is one and cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from lading.inventory import Role
from lading.models import vocabulary as v
from lading.models.companions.read import read_anonymous, read_named
from lading.models.pickles.scan import describe, scan_all
from lading.models.report import Report
from lading.models.stream import Malformed, Source
from lading.models.unpack import unpacked

__all__ = [
    "Reader",
    "cached",
    "companion",
    "compressed_pickle",
    "likely_pickle",
    "old_pickle",
    "pickle",
    "unknown_torch",
]

Reader: TypeAlias = Callable[[Source, Report], bool | None]

#: A walk that breaks within these bytes, without any import, was none.
_BROKEN_AT_ONCE: Final = 64
_COMMIT: Final = re.compile(rb"[0-9a-f]{40}\s*\Z")


def pickle(source: Source, report: Report) -> None:
    """Walk the pickles of a file that is named like one, or begins as one."""
    report.format = "pickle"
    describe(scan_all(source, report), report)


def likely_pickle(source: Source, report: Report) -> bool:
    """Walk what has a pickle's first two bytes and another name.

    Other files have those bytes too: what breaks at once, and has imported nothing, is none.
    """
    try:
        pickle(source, report)
    except Malformed:
        if report.findings or source.offset > _BROKEN_AT_ONCE:
            raise
        return False
    return True


def old_pickle(source: Source, report: Report) -> bool:
    """Walk what looks like a pickle of protocol 0 or 1; a text may look so at its start."""
    try:
        pickle(source, report)
    except Malformed:
        if report.findings:
            raise  # it imports something before it breaks: no text does
        return False
    return True


def compressed_pickle(source: Source, report: Report) -> None:
    """Walk pickles in a compressed stream, as joblib writes them."""
    inner = unpacked(source, report)
    if inner is None:
        raise Malformed("neither a pickle nor compressed")
    pickle(inner, report)
    report.format = "joblib"
    if not source.at_end():
        report.find("pickle-trailing-data", "bytes follow the compressed data")


def unknown_torch(source: Source, report: Report) -> None:  # noqa: ARG001 - nothing can be read
    """Report what is named like torch's files and is none that can be looked into."""
    report.format = "unknown"
    raise Malformed("its content is of no known format, so what loading it does is unknown")


def companion(role: Role, kind: str | None) -> Reader:
    """Return a reader of one kind of companion."""

    def read(source: Source, report: Report) -> bool:
        return read_named(source, report, role, kind)

    return read


def cached(source: Source, report: Report) -> bool:
    """Read a file of a Hugging Face cache that is no weights: a blob, or a ref."""
    if "/refs/" not in report.path:
        return read_anonymous(source, report)
    found = _COMMIT.match(source.read(64))
    report.role = Role.OTHER
    report.fact(v.KIND, "ref", "")
    report.fact(v.COMMIT, found.group().strip().decode() if found else None, "")
    return found is not None
