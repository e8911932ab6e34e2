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
    from collections.abc import Iterable, Iterator

__all__ = ["Licensing", "Standing", "is_rail"]

_TOKEN: Final = re.compile(r"\(|\)|[^\s()]+")
_SAYS_NOTHING: Final = frozenset({"", "none", "noassertion", "other", "unknown", "unlicensed"})
_RAIL: Final = re.compile(r"(?:^|[-_. ])(?:open)?rail(?:\+\+)?(?:$|[-_. ])", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\s,;/|&()]+")
_GNU: Final = re.compile(r"(?P<name>(?:[al]?gpl|gfdl)-\d\.\d)(?P<which>|\+|-only|-or-later)")
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
        if not _is_compound(text):
            return self._name(text)
        whole = text.strip().lower()  # a pattern may not reach across an operator, a name may
        for names, standing in ((self.deny, Standing.DENIED), (self.allow, Standing.ALLOWED)):
            if whole in (name.lower() for name in names):
                return standing
        try:
            tokens = _TOKEN.findall(text)
            standing, rest = self._any(tokens, 0)
            if rest == len(tokens):
                return standing
        except ValueError:
            pass
        return Standing.DENIED if self._names_denied(text) else Standing.UNKNOWN

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
        """An exception grants more than the licence: listing either form allows, or denies, it."""
        exact = f"{name} WITH {exception}".lower()
        plain = self._name(name)
        if plain is Standing.DENIED or _listed(exact, self.deny):
            return Standing.DENIED
        return Standing.ALLOWED if _listed(exact, self.allow) else plain

    def _name(self, name: str) -> Standing:
        key = name.strip().lower()
        if key in _SAYS_NOTHING:
            return Standing.UNKNOWN
        if self._names_denied(name):
            return Standing.DENIED
        allowed = self.rail == "allow" and is_rail(name)
        if allowed or not self.allow or _listed(key, self.allow):
            return Standing.ALLOWED
        return Standing.UNLISTED

    def _names_denied(self, text: str) -> bool:
        """Whether a text, or a word in it, is denied: ``MIT, GPL-3.0`` is no one's identifier."""
        words = {text.strip(), *_WORD.findall(text)}
        return any(
            _listed(one.lower(), self.deny) or (self.rail == "deny" and is_rail(one))
            for one in words
        )


def _is_compound(text: str) -> bool:
    return any(token.upper() in ("AND", "OR", "WITH", "(") for token in _TOKEN.findall(text))


def _listed(key: str, patterns: Iterable[str]) -> bool:
    """``LicenseRef-`` is how BOMs write names without SPDX; lists may leave it out."""
    names = {key, key.removeprefix("licenseref-"), *_also_written(key)}
    return any(fnmatchcase(name, pattern.lower()) for pattern in patterns for name in names)


def _also_written(key: str) -> Iterator[str]:
    """Yield the other identifier of a GNU licence: SPDX renamed ``GPL-3.0`` and ``GPL-3.0+``."""
    found = _GNU.fullmatch(key)
    if found is None:
        return
    for pair in (("", "-only"), ("+", "-or-later")):
        if found["which"] in pair:
            yield from (f"{found['name']}{which}" for which in pair)
