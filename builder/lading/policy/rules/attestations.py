"""Attestations: which there must be, who must have signed them, and how old they may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lading.attest.identities import TextRule
from lading.attest.predicates import resolve
from lading.errors import UsageError
from lading.policy.evidence import CLOCK_SKEW, Missing
from lading.policy.known import ATTESTATIONS
from lading.policy.options import (
    DURATION,
    FLAG,
    TEXT,
    Kind,
    duration_text,
    listed,
    matching,
    option,
    record,
)
from lading.policy.rules.interface import Complaint, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta
    from typing import Any

    from lading.policy.evidence import Attested, Evidence
    from lading.policy.source import Where

__all__ = ["Freshness", "RequiredAttestations", "SignerRule", "Signers"]


def _read_pattern(value: Any, where: Where) -> TextRule:
    text = TEXT.read(value, where)
    try:
        return TextRule(text, is_pattern=True)
    except UsageError as error:
        raise where.error("this is no regular expression", got=text, wanted=error.wanted) from None


_PATTERN = Kind(_read_pattern, {**TEXT.schema, "format": "regex"})
_KEY = matching(re.compile(r"sha256:[0-9a-f]{64}"), "sha256: and 64 hexadecimal digits")


@dataclass(frozen=True, kw_only=True)
class SignerRule:
    """Who may sign: a key by its fingerprint, or an identity together with its issuer."""

    key: str | None = option(_KEY, "Fingerprint of a public key, sha256:….", default=None)
    identity: str | None = option(TEXT, "Identity of a keyless signer, exactly.", default=None)
    identity_pattern: TextRule | None = option(
        _PATTERN, "Regular expression that matches the whole identity.", default=None
    )
    issuer: str | None = option(TEXT, "OIDC issuer that vouches for the identity.", default=None)

    def allows(self, one: Attested) -> bool:
        """Say whether the attestation was signed by whom this names."""
        if one.signer_kind == "key":
            return self.key is not None and one.signer == self.key
        if self.issuer != one.issuer:
            return False
        if self.identity_pattern is not None and self.identity_pattern.matches(one.signer):
            return True
        return self.identity is not None and self.identity == one.signer


def _read_signer(value: Any, where: Where) -> SignerRule:
    signer: SignerRule = _RECORD.read(value, where)
    named = [signer.key, signer.identity, signer.identity_pattern]
    if sum(one is not None for one in named) != 1:
        raise where.error("a signer is named by one of key, identity and identity-pattern")
    return signer


_RECORD = record(SignerRule)
SIGNERS = listed(
    Kind(
        _read_signer,
        {
            **_RECORD.schema,
            "oneOf": [{"required": [one]} for one in ("key", "identity", "identity-pattern")],
        },
        SignerRule,
    )
)


@dataclass(frozen=True, kw_only=True)
class RequiredAttestations(Rule):
    """Attestations that there must be."""

    name: ClassVar[str] = "attestations"
    usually: ClassVar[str] = "deploy"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0013", "AML.M0014")

    require: tuple[str, ...] = option(
        ATTESTATIONS, "Types: bom, provenance, sarif, openvex, trivy … or predicate type URIs."
    )
    signed_by: tuple[SignerRule, ...] = option(
        SIGNERS, "Only those count that one of these signed.", default=()
    )
    max_age: timedelta | None = option(DURATION, "Older ones do not count.", default=None)

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield every type of which there is none that counts."""
        for wanted in self.require:
            found = evidence.of_type(resolve(wanted))
            if not found:
                yield Complaint(f"there is no attestation of type {wanted}", wanted)
                continue
            signed = [one for one in found if not self.signed_by or _allowed(one, self.signed_by)]
            if not signed:
                yield Complaint(
                    f"{wanted} is signed by {found[0].signer}, who is not on the list", wanted
                )
            elif self.max_age and not any(_young(one, evidence, self.max_age) for one in signed):
                age = duration_text(self.max_age)
                yield Complaint(f"{wanted} was signed more than {age} ago", wanted)


def _allowed(one: Attested, rules: tuple[SignerRule, ...]) -> bool:
    return any(rule.allows(one) for rule in rules)


def _young(one: Attested, evidence: Evidence, max_age: timedelta) -> bool:
    """Whether it was signed within ``max_age``, and not in the future."""
    return one.time is not None and -CLOCK_SKEW <= evidence.now - one.time <= max_age


@dataclass(frozen=True, kw_only=True)
class Signers(Rule):
    """Who may have signed what this policy judges by."""

    name: ClassVar[str] = "signers"
    usually: ClassVar[str] = "deploy"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0005", "AML.M0013")

    allow: tuple[SignerRule, ...] = option(SIGNERS, "Signers that are allowed.")
    types: tuple[str, ...] = option(
        ATTESTATIONS, "Only attestations of these types; all by default.", default=()
    )

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield every attestation that somebody else signed."""
        wanted = {resolve(one) for one in self.types}
        found = [one for one in evidence.attestations if not wanted or one.predicate_type in wanted]
        if not found:
            raise Missing("there is no attestation of these types")
        for one in found:
            if not _allowed(one, self.allow):
                text = f"{one.predicate_type} is signed by {one.signer}, who is not on the list"
                yield Complaint(text, one.digest)


@dataclass(frozen=True, kw_only=True)
class Freshness(Rule):
    """How old evidence may be."""

    name: ClassVar[str] = "freshness"
    usually: ClassVar[str] = "deploy"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0014", "AML.M0016")

    max_age: timedelta = option(DURATION, "The newest of each type must not be older: 30d, 12h.")
    types: tuple[str, ...] = option(
        ATTESTATIONS, "Types of attestations; only the BOM by default.", default=("bom",)
    )
    trusted_time: bool = option(
        FLAG, "Only a time that a timestamp or log vouches for counts.", default=False
    )

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield types whose newest attestation is too old."""
        for wanted in self.types:
            found = [
                one
                for one in evidence.of_type(resolve(wanted))
                if one.trusted_time or not self.trusted_time
            ]
            if not found:
                kind = " with a trusted time" if self.trusted_time else ""
                yield Complaint(f"there is no attestation of type {wanted}{kind}", wanted)
            elif not _young(found[0], evidence, self.max_age):
                signed = found[0].time.isoformat() if found[0].time else "nobody knows when"
                age = duration_text(self.max_age)
                yield Complaint(f"{wanted} is older than {age}: signed {signed}", wanted)
