"""``WWW-Authenticate`` (RFC 9110, 11.6.1): a list of schemes, each with parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lading_oci.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Challenge", "parse_challenges"]

_PIECE = re.compile(
    r"[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)"  # a scheme, or a parameter's name
    r'(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]*))?'  # a parameter's value
)


class Challenge(NamedTuple):
    """One scheme in lower case and its parameters, names in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(values: Iterable[str]) -> list[Challenge]:
    """Return the challenges of all header values; what cannot be read is left out."""
    found: list[tuple[str, dict[str, str]]] = []
    for value in values:
        position = 0
        value = value[: LIMITS.challenges]
        first = len(found)
        while match := _PIECE.match(value, position):
            position = match.end()
            name, text = match.group(1).lower(), match.group(2)
            if text is None:
                found.append((name, {}))
            elif len(found) > first:
                found[-1][1].setdefault(name, _unquote(text))
    return [Challenge(scheme, parameters) for scheme, parameters in found]


def _unquote(text: str) -> str:
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text
