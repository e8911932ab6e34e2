"""A bounded, strict reading of JSON: one document has one meaning.

No key twice in one object, no NaN, no half surrogate pairs (RFC 7493, I-JSON), no nesting without
end.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from lading.errors import InputError, LimitError
from lading.limits import LIMITS

__all__ = ["check_depth", "load_object"]

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def load_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object in ``data``.

    Raises:
        LimitError: larger than ``LIMITS.bom_document`` or nested deeper than ``LIMITS.json_depth``.
        InputError: not UTF-8, not JSON, not an object, an object with a key twice, or a string
            that is no Unicode.
    """
    if len(data) > LIMITS.bom_document:
        raise LimitError(
            "the document is too large", got=str(len(data)), wanted=f"<= {LIMITS.bom_document}"
        )
    try:
        text = data.decode("utf-8-sig")
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        if _SURROGATE_ESCAPE.search(text):  # pairs are fine, halves are not
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise LimitError("the document is nested too deeply") from None
    except ValueError as error:
        raise InputError("the document is not strict JSON", got=str(error)[:200]) from error
    if not isinstance(document, dict):
        raise InputError("the document is no JSON object", got=type(document).__name__)
    check_depth(document)
    return document


def check_depth(document: Any) -> None:
    """Refuse a document that is nested deeper than ``LIMITS.json_depth``.

    Raises:
        LimitError: it is.
    """
    level = [document]
    for _ in range(LIMITS.json_depth):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise LimitError("the document is nested too deeply", wanted=f"<= {LIMITS.json_depth}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counted = Counter(name for name, _ in pairs)
        twice = counted.most_common(1)[0][0]
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
