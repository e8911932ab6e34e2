r"""Trust rules as they are written: ``[[trust]]`` in TOML, read strictly.

::

    [[trust]]
    images = ["registry.example/acme/**"]
    require = ["bom", "provenance"]
    max-age = "30d"

      [[trust.signers]]
      key = "release.pub"

      [[trust.signers]]
      identity-regexp = 'https://github\.com/acme/[^/]+/\.github/workflows/release\.yml@.+'
      issuer = "https://token.actions.githubusercontent.com"
      types = ["bom", "provenance", "seal"]

Whatever is unknown, of another type or contradictory is refused: a rule that says less than its
author thinks must not be believed. Paths are relative to the file.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from lading.attest.identities import TextRule
from lading.attest.predicates import SHORT_NAMES, resolve
from lading.config import beside, read_toml, unknown_name
from lading.errors import InputError, UsageError
from lading.limits import LIMITS
from lading.trust.rules import Pattern, TrustedSigner, TrustRule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["load_rules", "parse_age", "parse_rules"]

_RULE: Final[dict[str, type]] = {
    "images": list,
    "signers": list,
    "require": list,
    "max-age": str,
    "trusted-root": str,
    "policy": str,
    "only-valid": bool,
    "same-repository": bool,
}
_SIGNER: Final[dict[str, type]] = {
    "key": str,
    "identity": str,
    "identity-regexp": str,
    "issuer": str,
    "certificate-root": str,
    "certificate-chain": str,
    "types": list,
    "tlog": bool,
    "timestamp": bool,
}
_UNITS: Final = {"": "days", "d": "days", "h": "hours", "m": "minutes"}
_EVERYTHING: Final = "**"
_SHA256: Final = re.compile(r"sha256:([0-9a-f]{64})")


def load_rules(path: Path) -> tuple[TrustRule, ...]:
    """Return the rules in a file that has nothing else.

    Raises:
        InputError: unreadable, too large or not TOML.
        UsageError: as :func:`parse_rules`, or there are no rules.
    """
    data = read_toml(path)
    if data is None:
        raise InputError("The trust rules cannot be read", where=str(path), got="no such file")
    for name in data.keys() - {"trust"}:
        raise unknown_name(str(path), name, name, ["[[trust]]"])
    return parse_rules(data.get("trust"), path)


def parse_rules(value: Any, path: Path) -> tuple[TrustRule, ...]:
    """Return the rules of ``[[trust]]`` in ``path``.

    Raises:
        UsageError: something that is unknown, of another type, missing or contradictory.
    """
    if not isinstance(value, list) or not 1 <= len(value) <= LIMITS.trust_rules:
        raise UsageError(
            "There are no trust rules, or too many",
            where=str(path),
            wanted=f"1 to {LIMITS.trust_rules} of [[trust]]",
        )
    rules = tuple(_located(one, f"{path}, rule {at}", path) for at, one in enumerate(value, 1))
    _refuse_unreachable(rules)
    return rules


def parse_age(text: str, what: str) -> timedelta:
    """Return the duration in ``30d``, ``12h``, ``90m`` or ``30`` (days).

    Raises:
        UsageError: it is none; ``what`` names the option or setting.
    """
    found = re.fullmatch(r"(\d{1,6})([dhm]?)", text, re.ASCII)
    if found is None:
        raise UsageError(f"{what} is not a duration", got=text, wanted="30d, 12h, 90m or days")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


class _Table:
    """A TOML table of known names and types."""

    def __init__(self, value: Any, known: dict[str, type], where: str) -> None:
        if not isinstance(value, dict):
            raise UsageError("This is not a table", where=where, got=repr(value)[:160])
        self.where = where
        self._value: dict[str, Any] = value
        for name, item in value.items():
            if name not in known:
                raise unknown_name(where, name, name, known)
            texts = (
                known[name] is not list
                or name == "signers"
                or all(isinstance(one, str) and one for one in item if isinstance(item, list))
            )
            if not isinstance(item, known[name]) or not texts or item in ("", []):
                raise UsageError(
                    f"A setting is empty or has the wrong type: {name}",
                    where=where,
                    got=repr(item)[:160],
                )

    def __contains__(self, name: str) -> bool:
        return name in self._value

    def get(self, name: str) -> Any:
        return self._value.get(name)

    def path(self, name: str, file: Path) -> str | None:
        return beside(file, self._value[name]) if name in self._value else None

    def refuse(self, what: str, wanted: str | None = None) -> UsageError:
        return UsageError(what, where=self.where, wanted=wanted)


def _located(value: Any, where: str, path: Path) -> TrustRule:
    """Return one rule; what patterns and identities refuse says where it stands, too."""
    try:
        return _rule(_Table(value, _RULE, where), path)
    except UsageError as e:
        if e.where is not None:
            raise
        raise UsageError(e.what, where=where, got=e.got, wanted=e.wanted, hint=e.hint) from e


def _rule(table: _Table, path: Path) -> TrustRule:
    for name in ("images", "signers"):
        if name not in table:
            raise table.refuse(f"A trust rule has no {name}", f"{name} in [[trust]]")
    age = table.get("max-age")
    return TrustRule(
        patterns=tuple(Pattern(text) for text in table.get("images")),
        signers=tuple(
            _signer(_Table(one, _SIGNER, f"{table.where}, signer {at}"), path)
            for at, one in enumerate(table.get("signers"), 1)
        ),
        where=table.where,
        required=tuple(_type(name, table) for name in table.get("require") or ()),
        max_age=parse_age(age, "max-age") if age else None,
        trusted_root=table.path("trusted-root", path),
        policy=_policy(table),
        only_valid=bool(table.get("only-valid")),
        same_repository=bool(table.get("same-repository")),
    )


def _signer(table: _Table, path: Path) -> TrustedSigner:
    ways = [name for name in ("key", "identity", "identity-regexp") if name in table]
    if len(ways) != 1:
        raise table.refuse("A signer is one of key, identity and identity-regexp")
    authorities = [name for name in ("issuer", "certificate-root") if name in table]
    if len(authorities) != (0 if ways == ["key"] else 1):
        raise table.refuse(
            "An identity means nothing without who vouches for it, and a key needs nobody",
            "issuer or certificate-root with an identity, none with a key",
        )
    if ways != ["key"] and ("tlog" in table or "timestamp" in table):
        raise table.refuse("Only of a key's signature a log entry or a timestamp can be asked")
    if "certificate-chain" in table and "certificate-root" not in table:
        raise table.refuse("A certificate chain leads to no root", "certificate-root")
    types = table.get("types")
    return TrustedSigner(
        key=table.path("key", path),
        name=None if ways == ["key"] else _text(table, ways[0]),
        issuer=TextRule(table.get("issuer")) if "issuer" in table else None,
        certificate_root=table.path("certificate-root", path),
        certificate_chain=table.path("certificate-chain", path),
        types=frozenset(_type(name, table) for name in types) if types else None,
        log=bool(table.get("tlog")),
        timestamp=bool(table.get("timestamp")),
    )


def _text(table: _Table, way: str) -> TextRule:
    return TextRule(table.get(way), is_pattern=way == "identity-regexp")


def _type(name: str, table: _Table) -> str:
    """Return a predicate type; a word that is no URI must be one that we know."""
    if ":" not in name and name not in SHORT_NAMES:
        raise unknown_name(table.where, name, name, SHORT_NAMES)
    return resolve(name)


def _policy(table: _Table) -> str | None:
    text = table.get("policy")
    if text is None:
        return None
    found = _SHA256.fullmatch(text)
    if found is None:
        raise table.refuse("A policy is named by its digest", "sha256:<64 hex digits>")
    return found[1]


def _refuse_unreachable(rules: Sequence[TrustRule]) -> None:
    """The same pattern twice, or one after ``**``: it looks as if it counted, and never does."""
    seen: dict[str, str] = {}
    for rule in rules:
        if _EVERYTHING in seen:
            raise UsageError(
                "A trust rule comes after one about everything, and never counts",
                where=rule.where,
                wanted=f"it before {seen[_EVERYTHING]}",
            )
        for pattern in rule.patterns:
            if pattern.text in seen:
                raise UsageError(
                    "Two trust rules are about the same images, and only the first would count",
                    where=rule.where,
                    got=pattern.text,
                    wanted=f"it only in {seen[pattern.text]}",
                )
            seen[pattern.text] = rule.where
