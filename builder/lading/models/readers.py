"""Readers that are more than one format's ``parse``.

A reader takes ``(source, report)``. It returns False when, after all, the file is not a model's;
it raises ``Malformed`` when the file is one and cannot be read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from lading.inventory import Role, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats import archives
from lading.models.pickles.names import judge
from lading.models.pickles.scan import describe, hides_pickle, scan_all
from lading.models.report import Report
from lading.models.stream import CHUNK, Malformed, Source
from lading.models.suffixes import without_compressor
from lading.models.unpack import unpacked

if TYPE_CHECKING:
    from lading.models.pickles.values import Global

__all__ = [
    "RAW",
    "Reader",
    "compressed_pickle",
    "disguised",
    "hidden_pickle",
    "is_binary",
    "joblib",
    "later",
    "likely_pickle",
    "old_pickle",
    "packed",
    "pickle",
    "raw",
    "raw_pickle",
    "searched",
    "unknown",
]

Reader: TypeAlias = Callable[[Source, Report], bool | None]

#: A walk that breaks within these bytes, without any import, was none.
_BROKEN_AT_ONCE: Final = 64
#: Control characters that no text has.
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
#: The kind of files without a format.
RAW: Final = "raw"


def pickle(source: Source, report: Report) -> None:
    """Walk the pickles of a file that is named like one, or begins as one."""
    report.format = "pickle"
    describe(scan_all(source, report), report)


def is_binary(head: bytes) -> bool:
    """Whether the bytes are no text in any encoding: ``.pt`` is also the suffix of texts."""
    return _CONTROL.search(head) is not None


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
    text = not is_binary(source.peek(LIMITS.sniff_bytes))
    called: list[Global] = []
    report.format = "pickle"
    try:
        describe(scan_all(source, report, lambda one, _: called.append(one)), report)
    except Malformed:
        # Lines of a text may pass for an import, but not for one of these, nor for a call.
        if _harms(report, called):
            raise
    else:
        trailing = any(one.id == "pickle-trailing-data" for one in report.findings)
        if _harms(report, called) or not (text and trailing):
            return True  # and lines of a text may end with what ends a pickle
    report.forget()
    return searched(source, report)


def _harms(report: Report, called: list[Global]) -> bool:
    """Whether loading imports what no data needs, or calls what nobody knows to be harmless."""
    if report.verdict is Verdict.DANGEROUS:
        return True
    return any(judge(one.module, one.name) is not Verdict.SAFE for one in called)


def hidden_pickle(otherwise: Reader | None) -> Reader:
    """Return a reader of what nothing promises to be a pickle, and an unpickler may get through.

    ``otherwise`` reads what is none.
    """

    def read(source: Source, report: Report) -> bool | None:
        if hides_pickle(source.peek(CHUNK), math.inf if source.size is None else source.size):
            if _hidden_pickle(source, report):
                return True
            report.forget()
            sought = otherwise in (None, raw, searched)
            if not sought or (otherwise is not None and archives.ends_as_archive(source)):
                raise Malformed("what an unpickler passes over in it, another loader may read")
            return False
        return False if otherwise is None else otherwise(source, report)

    return read


def _hidden_pickle(source: Source, report: Report) -> bool:
    report.format = "pickle"
    try:
        seen = scan_all(source, report)
    except Malformed:
        if report.verdict is Verdict.DANGEROUS:
            raise
        return False
    describe(seen, report)
    return bool(seen.globals or seen.unresolved)


def disguised(reader: Reader) -> Reader:
    """Return a reader of a file that is one thing by content, and a pickle by name and content."""

    def read(source: Source, report: Report) -> bool | None:
        text = "its name promises a pickle, and its bytes are one too: what loading runs is unknown"
        report.find("disguised-pickle", text)
        return reader(source, report)

    return read


def joblib(source: Source, report: Report) -> None:
    """Walk the pickles that were compressed, as joblib does it."""
    report.format = "joblib"
    pickle(source, report)
    report.format = "joblib"


def compressed_pickle(source: Source, report: Report) -> None:
    """Walk pickles in a compressed stream, as joblib writes them."""
    report.format = "joblib"
    inner = unpacked(source, report)
    if inner is None:
        raise Malformed("neither a pickle nor compressed")
    for _ in range(1, LIMITS.archive_nesting):
        inner = unpacked(inner, report) or inner
    joblib(inner, report)
    _nothing_follows(source, report)


def _nothing_follows(source: Source, report: Report) -> None:
    if not source.at_end():
        what = "pickle" if report.format == "joblib" else "packed"
        report.find(f"{what}-trailing-data", "bytes follow the compressed data")


def packed(reader: Reader) -> Reader:
    """Return a reader of a file that is compressed; ``reader`` reads what is in it."""

    def read(source: Source, report: Report) -> bool | None:
        report.format = "unknown"
        inner = unpacked(source, report)
        if inner is None:
            raise Malformed("it is not compressed")
        report.bare = without_compressor(report.bare)
        found = reader(inner, report)
        if report.role is not Role.WEIGHTS and report.format == "unknown":
            report.format = None
        if found is not False and report.role is not Role.DATA:
            inner.drain()
            _nothing_follows(source, report)
        return found

    return read


def later(choose: Callable[[bytes], Reader | None]) -> Reader:
    """Return a reader that is chosen when more than the first bytes of the file are at hand."""

    def read(source: Source, report: Report) -> bool | None:
        reader = choose(source.peek(CHUNK))
        return False if reader is None else reader(source, report)

    return read


def unknown(source: Source, report: Report) -> None:
    """Report what is named like torch's or NumPy's files and is none: they would unpickle it."""
    report.format = "unknown"
    found = scan_all(source, report)
    report.format = "pickle"
    describe(found, report)


def searched(source: Source, report: Report) -> bool:
    """Look for an archive behind the first bytes, as loaders do from the end of a file."""
    return archives.parse(source, report, searched=True)


def raw(source: Source, report: Report) -> None:
    """Note a file without any format: a model beside it may say that its tensors are there."""
    if not searched(source, report):
        report.forget()
        report.role = Role.OTHER
        report.fact(v.KIND, RAW, "")


def raw_pickle(source: Source, report: Report) -> None:
    """Walk bytes without a mark that an unpickler may get through; else they are raw tensors."""
    try:
        pickle(source, report)
    except Malformed:
        if report.findings:
            raise
        report.format = None
        raw(source, report)
