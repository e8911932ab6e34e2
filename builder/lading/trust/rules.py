"""Who may sign what, for which images: the rules, and which of them is about an image.

A rule has patterns of repositories and signers. For an image the first rule counts that has a
pattern of its repository, in the order in which they are written; none means that nobody is
trusted for it. Patterns match ``registry/repository`` from end to end: ``*`` is any part of one
component, ``**`` as a component of its own is any number of them. A name without a registry is
Docker Hub's, as docker has it: ``svc`` is ``docker.io/library/svc``.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from lading.errors import UsageError, VerificationError
from lading.records import changed, record

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from lading.attest.identities import TextRule

__all__ = ["Pattern", "TrustRule", "TrustedSigner", "rule_for"]

_PATTERN: Final = re.compile(r"[A-Za-z0-9._:*\[\]-]+(/[a-z0-9._*-]+)*")
_HUB: Final = "docker.io"


@record
class Pattern:
    """A pattern of repositories.

    Raises:
        UsageError: it has a tag or a digest, or a character that no repository has.
    """

    __slots__ = ("__dict__",)  # for what is compiled once

    text: str

    def __post_init__(self) -> None:
        tagged = ":" in self.text.rpartition("/")[2] and "/" in self.text
        if (
            not _PATTERN.fullmatch(self.text)
            or tagged
            or re.search(r"\*\*[^/]|[^/]\*\*", self.text)
        ):
            raise UsageError(
                "This is not a pattern of repositories",
                got=ascii(self.text)[:160],
                wanted="registry/repository with * and **, without a tag",
            )

    def matches(self, name: str) -> bool:
        """Say whether ``registry/repository`` fits as a whole."""
        return self._compiled.fullmatch(name) is not None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        first, *rest = self._normal().split("/")
        expression = "(?:[^/]+/)*[^/]+" if first == "**" else _component(first)
        for part in rest:
            expression += "(?:/[^/]+)*" if part == "**" else f"/{_component(part)}"
        return re.compile(expression)

    def _normal(self) -> str:
        first, *rest = self.text.split("/")
        if any(mark in first for mark in ".:*[") or first == "localhost" or first != first.lower():
            return self.text
        return "/".join([_HUB, *([] if rest else ["library"]), self.text])


def _component(part: str) -> str:
    return "[^/]*".join(re.escape(text) for text in part.split("*"))


@record
class TrustedSigner:
    """Somebody who may sign: a public key's file, or an identity under one kind of authority.

    With ``name`` either ``issuer`` (Sigstore) or ``certificate_root`` is there. ``types`` are the
    predicate types that this signer may sign, None for any. ``log`` and ``timestamp`` are
    witnesses that a key's signature must have.
    """

    key: str | None = None
    name: TextRule | None = None
    issuer: TextRule | None = None
    certificate_root: str | None = None
    certificate_chain: str | None = None
    types: frozenset[str] | None = None
    log: bool = False
    timestamp: bool = False


@record
class TrustRule:
    """One rule. ``where`` says which, for people.

    ``required`` are the predicate types that an image must have, none for the usual evidence;
    ``policy`` is the SHA-256 of the only policy whose seal counts. With ``same_repository`` a
    statement must name the image's repository; :func:`rule_for` puts that into ``repository``.
    """

    patterns: tuple[Pattern, ...]
    signers: tuple[TrustedSigner, ...]
    where: str
    required: tuple[str, ...] = ()
    max_age: timedelta | None = None
    trusted_root: str | None = None
    policy: str | None = None
    only_valid: bool = False
    same_repository: bool = False
    repository: str | None = None


def rule_for(name: str, rules: Iterable[TrustRule], where: str) -> TrustRule:
    """Return the first rule that is about ``registry/repository``.

    Raises:
        VerificationError: ``trust``, when there is none.
    """
    for rule in rules:
        if any(pattern.matches(name) for pattern in rule.patterns):
            return changed(rule, repository=name) if rule.same_repository else rule
    raise VerificationError(
        "Nobody is trusted for this image: no trust rule is about its repository",
        code="trust",
        where=where,
        got=name,
        hint=f'Add a rule with images = ["{name}"] and its signers.',
    )
