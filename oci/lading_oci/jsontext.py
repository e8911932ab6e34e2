"""Strict reading of untrusted JSON: one object, in one meaning, of a bounded size."""

from __future__ import annotations

import json
import re
from typing import Any

from lading_oci.errors import LimitExceeded, MalformedError
from lading_oci.limits import LIMITS

__all__ = ["parse_object"]

_ESCAPED = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_object(
    content: bytes, *, limit: int = LIMITS.manifest, where: str | None = None
) -> dict[str, Any]:
    """Parse one JSON object strictly.

    Refused: anything but an object, duplicate keys, NaN and infinities, bytes that are not
    UTF-8, lone surrogates, nesting deeper than ``LIMITS.json_depth``.

    Raises:
        LimitExceeded: more than ``limit`` bytes.
        MalformedError: not such an object.
    """
    if len(content) > limit:
        raise LimitExceeded(
            "a JSON document is too large",
            where=where,
            got=f"{len(content)} bytes",
            wanted=f"at most {limit} bytes",
        )
    try:
        value = json.loads(
            content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
        if _ESCAPED.search(content):  # nothing else makes half a pair out of UTF-8
            json.dumps(value, ensure_ascii=False).encode()
        _check_depth(value)
    except (ValueError, RecursionError) as error:
        raise MalformedError(
            "this is not a well-formed JSON document", where=where, got=str(error)[:200]
        ) from None
    if not isinstance(value, dict):
        raise MalformedError("this JSON document is not an object", where=where)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_depth(value: object) -> None:
    """Refuse anything at a depth below ``LIMITS.json_depth``; iterative on purpose."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(LIMITS.json_depth - 1):
        if not level:
            return
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    if any(level):
        raise ValueError("nested too deeply")
