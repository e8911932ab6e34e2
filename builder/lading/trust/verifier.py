"""The verifier that a rule asks for: any of its signers counts, each for what it may sign.

Steps for one bundle, in this order:

1. It is parsed strictly, and only those signers are asked that sign in its way: with a key, or
   with a certificate (``signer-kind`` when there are none).
2. Their verifiers' own steps, until one holds.
3. What it says is of a type that this signer may sign (``signer-type``).

Bare keys are read at once. Every other verifier is opened when the first bundle of its kind comes:
whoever is shown none never loads Sigstore.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lading.attest.bundle import parse_bundle
from lading.attest.identities import TrustedIdentity
from lading.attest.statement import parse_statement
from lading.errors import LadingError, VerificationError
from lading.records import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sigstore.models import TrustedRoot

    from lading.attest.interface import Verified, Verifier
    from lading.trust.rules import TrustedSigner, TrustRule

__all__ = ["RuleVerifier"]

_STRANGER = frozenset({"signer", "identity", "issuer"})


class RuleVerifier:
    """A :class:`~lading.attest.interface.Verifier` for one rule.

    Raises:
        SigningKeyError: a key cannot be read.
    """

    def __init__(self, rule: TrustRule) -> None:
        groups: dict[Any, list[TrustedSigner]] = defaultdict(list)
        for signer in rule.signers:
            groups[_alike(signer)].append(signer)
        self._groups = [_Group(tuple(alike), rule) for alike in groups.values()]
        for group in self._groups:
            bare = group.with_key and not group.witnessed
            if bare and isinstance(group.opened, LadingError):
                raise group.opened

    def verify(self, bundle: bytes) -> Verified:
        """Return the evidence that one trusted signer's signature is.

        Raises:
            VerificationError: none of them signed this; the most telling refusal.
            InputError, RegistryError: what is trusted cannot be read.
        """
        if len(self._groups) == 1 and self._groups[0].with_key:
            return self._groups[0].verify(bundle)  # it sees for itself, and parses but once
        with_key = parse_bundle(bundle).certificate is None
        asked = [group for group in self._groups if group.with_key == with_key]
        if not asked:
            raise VerificationError(
                "the attestation is signed in a way that nobody who is trusted signs in",
                code="signer-kind",
                got="a key" if with_key else "a certificate",
                wanted="a certificate" if with_key else "a key",
            )
        refused: list[VerificationError] = []
        for group in asked:
            try:
                return group.verify(bundle)
            except VerificationError as e:
                refused.append(e)
        raise _most_telling(refused)


def _alike(signer: TrustedSigner) -> tuple[Any, ...]:
    """Return what signers must have in common to be asked as one."""
    return (
        signer.key is None,
        signer.certificate_root,
        signer.certificate_chain,
        signer.types,
        signer.log,
        signer.timestamp,
    )


@record
class _Group:
    __slots__ = ("__dict__",)  # for what is made once

    signers: tuple[TrustedSigner, ...]
    rule: TrustRule

    @property
    def with_key(self) -> bool:
        return self.signers[0].key is not None

    @property
    def witnessed(self) -> bool:
        return self.signers[0].log or self.signers[0].timestamp

    def verify(self, bundle: bytes) -> Verified:
        if isinstance(self.opened, LadingError):
            raise self.opened  # told for each bundle, but tried once: it may have cost a time-out
        verified = self.opened.verify(bundle)
        types = self.signers[0].types
        if types is None:
            return verified
        found = parse_statement(verified.payload).predicate_type
        if found not in types:
            raise VerificationError(
                "the attestation's signer is not trusted for what it says",
                code="signer-type",
                got=f"{ascii(found)[:160]} by {ascii(str(verified.signer))[:160]}",
                wanted=", ".join(sorted(types))[:500],
            )
        return verified

    @cached_property
    def opened(self) -> Verifier | LadingError:
        try:
            return self._open()
        except LadingError as e:
            return e

    def _open(self) -> Verifier:
        if self.with_key:
            return self._for_keys()
        if self.signers[0].certificate_root is not None:
            return self._for_certificates(self.signers[0].certificate_root)
        from lading.attest.verifiers.keyless import KeylessVerifier

        identities = [
            TrustedIdentity(one.name, one.issuer)
            for one in self.signers
            if one.name is not None and one.issuer is not None
        ]
        return KeylessVerifier(_root(self.rule), identities)

    def _for_keys(self) -> Verifier:
        from lading.attest.keys import load_public
        from lading.attest.verifiers.key import KeyVerifier

        keys = [load_public(one.key) for one in self.signers if one.key is not None]
        if not self.witnessed:
            return KeyVerifier(keys)
        from lading.attest.verifiers.witnessed import WitnessedVerifier

        first = self.signers[0]
        return WitnessedVerifier(keys, _root(self.rule), log=first.log, timestamp=first.timestamp)

    def _for_certificates(self, root: str) -> Verifier:
        from lading.attest.certificates import load_chain
        from lading.attest.verifiers.certificate import CertificateVerifier

        chain = self.signers[0].certificate_chain
        return CertificateVerifier(
            load_chain(root),
            [one.name for one in self.signers if one.name is not None],
            intermediates=load_chain(chain) if chain else (),
            authorities=_authorities(self.rule),
        )


def _root(rule: TrustRule) -> TrustedRoot:
    """Return the rule's root of trust from its file, offline; else the public Sigstore's."""
    from lading.attest.trust import public_good, trusted_root

    if rule.trusted_root is not None:
        return trusted_root(rule.trusted_root)
    return public_good().trusted_root


def _authorities(rule: TrustRule) -> Sequence[Any]:
    """Return whose timestamps count: those that the rule's root of trust names, if it has one."""
    if rule.trusted_root is None:
        return ()
    return [
        authority.certificates(allow_expired=True)
        for authority in _root(rule).get_timestamp_authorities()
    ]


def _most_telling(refused: list[VerificationError]) -> VerificationError:
    """A known signer's refusal tells more than that somebody is a stranger to some others."""
    known = [one for one in refused if one.code not in _STRANGER]
    if known:
        return known[0]
    first = refused[0]
    wanted = " or ".join(one.wanted for one in refused if one.wanted)
    return VerificationError(
        first.what, code=first.code, where=first.where, got=first.got, wanted=wanted[:500]
    )
