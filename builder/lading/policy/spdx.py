"""What a licence expression amounts to under a list of allowed and denied licences.

SPDX 2.3, annex D: ``OR`` lets the user choose, so the best alternative counts; ``AND`` applies
both, so the worst counts; ``WITH`` adds an exception, which a list may name or leave out. Model
cards have names that no list of SPDX knows; they are compared as they stand, without case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Licensing", "Standing", "is_rail"]

_TOKEN: Final = re.compile(r"\(|\)|[^\s()]+")
_SAYS_NOTHING: Final = frozenset({"", "none", "noassertion", "other", "unknown", "unlicensed"})
_RAIL: Final = re.compile(r"(?:^|[-_. ])(?:open)?rail(?:\+\+)?(?:$|[-_. ])", re.IGNORECASE)
_DEEPEST: Final = 64


class Standing(IntEnum):
    """How a licence stands; ordered, so that ``min`` is AND and ``max`` is OR."""

    DENIED = 0
    UNKNOWN = 1
    UNLISTED = 2
    ALLOWED = 3


def is_rail(name: str) -> bool:
    """Say whether a licence is of the Responsible AI family, which restricts what for it is used.

    ``openrail``, ``creativeml-openrail-m``, ``bigscience-bloom-rail-1.0``, ``openrail++`` …
    """
    return _RAIL.search(name.removeprefix("LicenseRef-")) is not None


@dataclass(frozen=True, slots=True)
class Licensing:
    """The lists. ``allow`` and ``deny`` are names or patterns; ``rail`` is allow, deny or None.

    Denying wins over allowing. With no ``allow`` list, what is not denied is allowed.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    rail: str | None = None

    def judge(self, licenses: Iterable[str]) -> Standing:
        """Return how several licences stand that all apply; none at all is UNKNOWN."""
        return min((self._expression(one) for one in licenses), default=Standing.UNKNOWN)

    def _expression(self, text: str) -> Standing:
        whole = self._name(text)
        if whole in (Standing.ALLOWED, Standing.DENIED) or not _is_compound(text):
            return whole
        try:
            tokens = _TOKEN.findall(text)
            standing, rest = self._any(tokens, 0)
        except ValueError:
            return Standing.UNKNOWN
        return standing if rest == len(tokens) else Standing.UNKNOWN

    def _any(self, tokens: list[str], at: int, depth: int = 0) -> tuple[Standing, int]:
        best, at = self._all(tokens, at, depth)
        while at < len(tokens) and tokens[at].upper() == "OR":
            other, at = self._all(tokens, at + 1, depth)
            best = max(best, other)
        return best, at

    def _all(self, tokens: list[str], at: int, depth: int) -> tuple[Standing, int]:
        worst, at = self._one(tokens, at, depth)
        while at < len(tokens) and tokens[at].upper() == "AND":
            other, at = self._one(tokens, at + 1, depth)
            worst = min(worst, other)
        return worst, at

    def _one(self, tokens: list[str], at: int, depth: int) -> tuple[Standing, int]:
        if at >= len(tokens) or depth > _DEEPEST:
            raise ValueError("no licence expression")
        word = tokens[at]
        if word == "(":
            inner, at = self._any(tokens, at + 1, depth + 1)
            if at >= len(tokens) or tokens[at] != ")":
                raise ValueError("a parenthesis is open")
            return inner, at + 1
        if word == ")" or word.upper() in ("AND", "OR", "WITH"):
            raise ValueError("no licence expression")
        if at + 1 < len(tokens) and tokens[at + 1].upper() == "WITH":
            if at + 2 >= len(tokens):
                raise ValueError("no exception")
            return self._with_exception(word, tokens[at + 2]), at + 3
        return self._name(word), at + 1

    def _with_exception(self, name: str, exception: str) -> Standing:
        """An exception grants more than the licence: listing either form allows it."""
        exact = self._name(f"{name} WITH {exception}")
        plain = self._name(name)
        return exact if exact in (Standing.ALLOWED, Standing.DENIED) else plain

    def _name(self, name: str) -> Standing:
        key = name.strip().lower()
        if key in _SAYS_NOTHING:
            return Standing.UNKNOWN
        rail = self.rail if is_rail(name) else None
        if rail == "deny" or _listed(key, self.deny):
            return Standing.DENIED
        if rail == "allow" or not self.allow or _listed(key, self.allow):
            return Standing.ALLOWED
        return Standing.UNLISTED


def _is_compound(text: str) -> bool:
    return any(token.upper() in ("AND", "OR", "WITH", "(") for token in _TOKEN.findall(text))


def _listed(key: str, patterns: Iterable[str]) -> bool:
    """``LicenseRef-`` is how BOMs write names without SPDX; lists may leave it out."""
    names = (key, key.removeprefix("licenseref-"))
    return any(fnmatchcase(name, pattern.lower()) for pattern in patterns for name in names)
