"""The one byte form of a document: compact UTF-8 JSON with sorted keys."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from lading.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["encode", "encode_value"]

_SURROGATE = re.compile("[\ud800-\udfff]")


def encode(document: Mapping[str, Any]) -> bytes:
    r"""Return the document as canonical bytes: equal documents give equal bytes.

    Object keys are sorted (CycloneDX gives their order no meaning), arrays keep theirs. A lone
    surrogate, which no UTF-8 can carry, is written as the text ``\xNN`` or ``\uNNNN``.

    Raises:
        InputError: the document holds what JSON cannot carry.
    """
    return encode_value(document)


def encode_value(value: Any) -> bytes:
    """Return any value of a document as :func:`encode` writes it.

    Raises:
        InputError: as :func:`encode`.
    """
    try:
        text = json.dumps(
            value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError("the document cannot be written as JSON", got=str(error)) from error
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(_escape, text).encode()


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    byte = 0xDC80 <= code <= 0xDCFF
    return f"\\\\x{code - 0xDC00:02x}" if byte else f"\\\\u{code:04x}"
