"""JSON that is signed or about to be trusted: one document has exactly one meaning.

RFC 8259 leaves open what repeated keys, huge numbers and lone surrogates mean, so two readers of
one signed document can disagree (RFC 7493, I-JSON, names the same dangers). This reader refuses
all of them, and bounds size and depth before anything is built.
"""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate
from typing import Any, Final

from lading.errors import InputError
from lading.limits import LIMITS

__all__ = ["StrictJsonError", "canonical_bytes", "is_strict_value", "parse_object"]

_MAX_NUMBER_TEXT: Final = 64  # characters; float64 and uint64 need at most 24
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**64 - 1
_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_NOT_BRACKETS: Final = bytes(c for c in range(256) if c not in b"[]{}")
_STEP: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")


class StrictJsonError(InputError):
    """A document that is not strict JSON; ``what`` says why."""


def parse_object(data: bytes, *, limit: int, depth: int = LIMITS.json_depth) -> dict[str, Any]:
    """Return the one JSON object that ``data`` is, at most ``limit`` bytes of UTF-8.

    Refused: a larger or deeper document, another encoding, a byte order mark, anything but an
    object at the top, bytes after it, a key twice in one object, NaN and Infinity, integers
    outside -2^63..2^64-1, floats outside binary64, escapes of lone surrogates.

    Raises:
        StrictJsonError: any of these.
    """
    if len(data) > limit:
        raise StrictJsonError(
            "the JSON document is too large", got=f"{len(data)} bytes", wanted=f"at most {limit}"
        )
    if _deepest(data) > depth:
        raise StrictJsonError(
            "the JSON document is nested too deeply", wanted=f"at most {depth} deep"
        )
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except UnicodeDecodeError as e:
        raise StrictJsonError("the document is not UTF-8", got=f"byte {e.start}") from e
    except json.JSONDecodeError as e:
        raise StrictJsonError(f"the document is not JSON: {e.msg}", got=f"character {e.pos}") from e
    except RecursionError as e:  # unreachable by the depth check; never a traceback all the same
        raise StrictJsonError("the JSON document is nested too deeply") from e
    if not isinstance(value, dict):
        raise StrictJsonError("the JSON document is not an object", got=type(value).__name__)
    if _SURROGATE.search(data):
        _refuse_lone_surrogates(value)
    return value


#: The value that was strict last, and where.
_last: list[tuple[bytes, int, int]] = []


def is_strict_value(value: bytes, *, limit: int, depth: int) -> bool:
    """Say whether ``value`` can stand for one value, so deep in a document of that many bytes.

    What passed last is not read again.
    """
    # bytes cannot change
    if not _last or _last[0][0] is not value or _last[0][1:] != (limit, depth):
        try:
            found = parse_object(
                b'{"":%s}' % value, limit=limit, depth=LIMITS.json_depth - depth + 1
            )
        except StrictJsonError:
            return False
        if len(found) != 1:
            return False
        _last[:] = [(value, limit, depth)]
    return True


def canonical_bytes(value: dict[str, Any]) -> bytes:
    """Return the compact UTF-8 form with sorted keys, so that equal documents are equal bytes.

    Raises:
        StrictJsonError: the value has NaN, Infinity, a lone surrogate or a type JSON has not.
    """
    try:
        text = json.dumps(
            value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
        )
        return text.encode("utf-8")
    except (ValueError, TypeError, RecursionError) as e:
        raise StrictJsonError(f"the document cannot be written as JSON: {e}") from e


def _deepest(data: bytes) -> int:
    """Return the deepest nesting of brackets outside strings, without recursion.

    Up to the first byte that JSON forbids this agrees with any JSON reader; what comes after that
    byte is never read, so a wrong count there does no harm.
    """
    if b"\\" in data:
        data = _ESCAPE.sub(b"", data)
    outside = b"".join(data.split(b'"')[::2])
    steps = outside.translate(_STEP, _NOT_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b")), default=0)


def _integer(text: str) -> int:
    if len(text) > _MAX_NUMBER_TEXT or not _INT_MIN <= (value := int(text)) <= _INT_MAX:
        raise StrictJsonError("an integer is out of bounds", got=_excerpt(text), wanted="64 bits")
    return value


def _float(text: str) -> float:
    if len(text) > _MAX_NUMBER_TEXT or not math.isfinite(value := float(text)):
        raise StrictJsonError("a number is out of bounds", got=_excerpt(text), wanted="binary64")
    return value


def _constant(text: str) -> float:
    raise StrictJsonError("the document has a number that JSON has not", got=text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise StrictJsonError("a key stands twice in one object", got=_excerpt(repr(twice)))
    return value


def _refuse_lone_surrogates(value: dict[str, Any]) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as e:
        raise StrictJsonError("a string has half a surrogate pair") from e


def _excerpt(text: str) -> str:
    return text if len(text) <= _MAX_NUMBER_TEXT else f"{text[:_MAX_NUMBER_TEXT]}…"


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
