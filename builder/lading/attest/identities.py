"""Who is trusted to sign keyless: an identity and the issuer that vouches for it, as one rule.

An identity means nothing without its issuer: anyone can run an issuer that calls them
``release@acme.example``. So a rule always has both, and both must fit the same certificate.
"""

from __future__ import annotations

import re
from functools import cached_property

from lading.errors import UsageError
from lading.records import record

__all__ = ["TextRule", "TrustedIdentity"]


@record
class TextRule:
    """One text exactly, or every text that a regular expression matches from end to end.

    A pattern is anchored whatever it looks like: ``https://github.com/acme/.*`` matches neither
    ``https://github.com/acme.evil/x`` nor ``https://evil/?https://github.com/acme/x``. Case counts.

    Raises:
        UsageError: an empty text, or a pattern that is not a regular expression.
    """

    __slots__ = ("__dict__",)  # for what is made once

    text: str
    is_pattern: bool = False

    def __post_init__(self) -> None:
        if not self.text:
            raise UsageError("a trusted identity or issuer is empty")
        if self.is_pattern:
            self._compiled  # noqa: B018 - a bad pattern is refused now, not at the first image

    def matches(self, value: str) -> bool:
        """Say whether the whole of ``value`` fits."""
        if self.is_pattern:
            return self._compiled.fullmatch(value) is not None
        return value == self.text

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        try:
            return re.compile(self.text)
        except (re.error, OverflowError, RecursionError) as e:
            raise UsageError(
                "this is not a regular expression", got=self.text[:160], wanted=str(e)
            ) from e

    def __str__(self) -> str:
        return f"/{self.text}/" if self.is_pattern else self.text


@record
class TrustedIdentity:
    """A rule for keyless signers: the certificate's SAN, and the OIDC issuer it was made from."""

    name: TextRule
    issuer: TextRule

    @classmethod
    def exact(cls, name: str, issuer: str) -> TrustedIdentity:
        """Trust one identity of one issuer."""
        return cls(TextRule(name), TextRule(issuer))

    @classmethod
    def matching(cls, name_pattern: str, issuer: str) -> TrustedIdentity:
        """Trust the identities of one issuer that a pattern matches from end to end."""
        return cls(TextRule(name_pattern, is_pattern=True), TextRule(issuer))

    def allows(self, name: str, issuer: str) -> bool:
        """Say whether both fit."""
        return self.name.matches(name) and self.issuer.matches(issuer)

    def __str__(self) -> str:
        return f"{self.name} ({self.issuer})"
