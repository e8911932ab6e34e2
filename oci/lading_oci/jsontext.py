"""Strict reading of untrusted JSON: one object, in one meaning, of a bounded size."""

from __future__ import annotations

import json
from typing import Any

from lading_oci.errors import LimitExceeded, MalformedError
from lading_oci.limits import LIMITS

__all__ = ["parse_object"]


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
        _check_tree(value)
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


def _check_tree(value: object) -> None:
    """Refuse deep nesting and strings that cannot be encoded; iterative on purpose."""
    level: list[object] = [value]
    depth = 0
    while level:
        depth += 1
        if depth > LIMITS.json_depth:
            raise ValueError("nested too deeply")
        below: list[object] = []
        for item in level:
            if isinstance(item, str):
                item.encode()
            elif isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below
