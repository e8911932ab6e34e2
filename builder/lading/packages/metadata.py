"""Core metadata of a Python distribution: the few header fields that are used, read leniently.

Format: https://packaging.python.org/specifications/core-metadata/ (an e-mail header block, then a
description). ``email.parser`` costs most of a scan's time on hundreds of files and keeps the
description; this reader stops at the first empty line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Headers", "normalise", "parse_headers", "valid_name", "valid_version"]

#: A line of blanks is none of the end's: a licence that was pasted into its field has such lines.
HEADERS_END = re.compile(rb"\r?\n\r?\n|\r\r")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_~-]{0,99}")
_RUNS = re.compile(r"[-_.]+")

_MANY = frozenset({"requires-dist", "provides-extra", "classifier", "project-url", "license-file"})
_ONE = frozenset(
    {
        "metadata-version",
        "name",
        "version",
        "summary",
        "home-page",
        "author",
        "author-email",
        "maintainer",
        "maintainer-email",
        "license",
        "license-expression",
        "requires-python",
    }
)
_HEADER_BYTES = 4 * 1024 * 1024
_VALUE_LENGTH = 32 * 1024
_VALUES = 10_000

Headers = dict[str, list[str]]


def parse_headers(content: bytes) -> Headers:
    """Return the known header fields by lower-case name, each with its values in order.

    Never fails: bytes that are not UTF-8 are replaced, lines without a colon are passed over,
    values and their number are bounded.
    """
    end = HEADERS_END.search(content, 0, _HEADER_BYTES)
    text = content[: end.start() if end else _HEADER_BYTES].decode("utf-8", "replace")
    headers: Headers = {}
    values: list[str] | None = None
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            if values and len(values[-1]) < _VALUE_LENGTH:
                values[-1] += "\n" + line.strip()[:_VALUE_LENGTH]
            continue
        key, colon, value = line.partition(":")
        values = _slot(headers, key.strip().lower()) if colon else None
        if values is not None:
            values.append(value.strip()[:_VALUE_LENGTH])
    return headers


def _slot(headers: Headers, key: str) -> list[str] | None:
    """Return the list that the next value of ``key`` goes to; None when it is not wanted."""
    if key in _MANY:
        values = headers.setdefault(key, [])
        return values if len(values) < _VALUES else None
    if key in _ONE and key not in headers:
        return headers.setdefault(key, [])
    return None


def first(headers: Mapping[str, list[str]], key: str) -> str | None:
    """Return the first value of ``key`` if it says anything."""
    for value in headers.get(key, ()):
        if value and value.upper() != "UNKNOWN":
            return value
    return None


def normalise(name: str) -> str:
    """Return the comparable form of a project name (PEP 503)."""
    return _RUNS.sub("-", name).lower()


def valid_name(name: str) -> bool:
    """Return whether ``name`` can be the name of a project (PEP 508)."""
    return _NAME.fullmatch(name) is not None


def valid_version(version: str) -> bool:
    """Return whether ``version`` is printable, short and without separators of its own.

    Looser than PEP 440, because legacy versions (``2004d``) are installed in the wild.
    """
    return _VERSION.fullmatch(version) is not None
