"""Licences as the strict schema wants them: ``id``, ``expression`` or ``name``.

An SPDX identifier becomes ``license.id`` in SPDX's own case; a compound expression
``expression``; anything else ``license.name``, verbatim. Version 1.6 does not allow an expression
beside other licences: there, several that all have SPDX form become one expression joined by
``AND`` (all of them apply), otherwise the expression is written as a name. Version 1.7 takes them
side by side. CycloneDX 1.6 and 1.7, ``licenseChoice``.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from lading.bom.schemas import spdx_identifiers
from lading.bom.text import cut, label
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["licenses"]


def licenses(
    declared: Iterable[str], *, spec_version: str, acknowledgement: str | None = None
) -> list[dict[str, Any]]:
    """Return the ``licenses`` array for what was declared; empty when nothing was.

    ``acknowledgement`` is the schema's word: ``declared`` or ``concluded``.
    """
    found = sorted({_normalise(one) for one in declared} - {("name", "")})
    kinds = {kind for kind, _ in found}
    if spec_version == "1.6" and "expression" in kinds and len(found) > 1:
        if "name" in kinds:
            found = sorted((("name" if k == "expression" else k), text) for k, text in found)
        else:
            found = [("expression", _join(text for _, text in found))]
    return [_choice(kind, text, acknowledgement) for kind, text in found]


def _join(parts: Iterable[str]) -> str:
    return " AND ".join(f"({part})" if " OR " in part else part for part in parts)


def _choice(kind: str, text: str, acknowledgement: str | None) -> dict[str, Any]:
    extra = {} if acknowledgement is None else {"acknowledgement": acknowledgement}
    if kind == "expression":
        return {"expression": text, **extra}
    return {"license": {kind: text, **extra}}


@lru_cache(maxsize=8192)
def _normalise(declared: str) -> tuple[str, str]:
    """Return what kind of licence a text is, and the text to write."""
    text = label(declared)
    if not text or len(text) > LIMITS.bom_license_expression:
        return "name", cut(text)
    identifier = _by_lower_case().get(text.lower())
    if identifier is not None:
        return "id", identifier
    expression = _expression(text)
    return ("name", text) if expression is None else ("expression", expression)


def _expression(text: str) -> str | None:
    """Return the normal form of an SPDX expression, or None when the text is none."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    if not text.isascii():
        return None
    try:
        return str(canonicalize_license_expression(text))
    except (InvalidLicenseExpression, MemoryError, RecursionError):  # parentheses without end
        return None


@cache
def _by_lower_case() -> dict[str, str]:
    return {identifier.lower(): identifier for identifier in spdx_identifiers()}
