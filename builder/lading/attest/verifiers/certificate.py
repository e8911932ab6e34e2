"""Verifying bundles whose key was certified by an organisation's own certificate authority.

Steps, in this order (each refuses with its own ``VerificationError.code``):

1. Parse the bundle strictly (``malformed``, ``signatures``, ``payload-type`` …); it must hold a
   certificate (``signer-kind``).
2. The time of signing: by a trusted timestamp authority where the bundle has timestamps and we
   trust any (RFC 3161; ``timestamp``), else now. So an expired certificate needs a timestamp.
3. A chain from the certificate to a given root, valid at that time (RFC 5280, section 6), the
   leaf and any intermediate that limits its use for code signing (``certificate``).
4. The leaf's one subject alternative name fits a rule (``identity``).
5. The signature over the envelope under the certificate's key (``signature``).
6. The payload is a strict in-toto statement.

There is no certificate transparency and no revocation here: short-lived certificates and the
authority's care take their place.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from lading.attest.bundle import Bundle, parse_bundle
from lading.attest.certificates import load_certificate, subject_name
from lading.attest.interface import SignerIdentity, Verified
from lading.attest.signatures import verifies
from lading.attest.statement import parse_statement
from lading.attest.timestamps import stamped_time
from lading.errors import InputError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lading.attest.identities import TextRule

__all__ = ["CertificateVerifier"]

_CURVES: Final = frozenset({"secp256r1", "secp384r1"})


def _now() -> datetime:
    return datetime.now(UTC)


class CertificateVerifier:
    """A :class:`~lading.attest.interface.Verifier` that trusts names certified under given roots.

    ``authorities`` are timestamp authorities' chains, from the signing certificate to the root.
    """

    def __init__(
        self,
        roots: Sequence[x509.Certificate],
        names: Iterable[TextRule],
        *,
        intermediates: Sequence[x509.Certificate] = (),
        authorities: Sequence[Sequence[x509.Certificate]] = (),
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._names: Final = tuple(names)
        if not roots or not self._names:
            raise InputError("there is no root certificate, or no name, to trust")
        self._store: Final = verification.Store(list(roots))
        self._intermediates: Final = list(intermediates)
        self._authorities: Final = authorities
        self._now: Final = now

    def verify(self, bundle: bytes) -> Verified:
        """Return the statement, the certified name, and the time if a timestamp says it.

        Raises:
            VerificationError: with one of the codes above.
        """
        parsed = parse_bundle(bundle)
        if parsed.certificate is None:
            raise VerificationError(
                "the attestation was signed with a bare key, and a certificate is wanted here",
                code="signer-kind",
                got="a key",
                wanted=self._wanted(),
            )
        certificate = load_certificate(parsed.certificate)
        stamped = self._stamped(parsed)
        self._check_chain(certificate, stamped or self._now())
        name = subject_name(certificate)
        if not any(rule.matches(name) for rule in self._names):
            raise VerificationError(
                "the certificate is somebody's who is not trusted",
                code="identity",
                got=ascii(name)[:300],
                wanted=self._wanted(),
            )
        self._check_signature(certificate, parsed)
        parse_statement(parsed.envelope.payload)
        return Verified(
            payload=parsed.envelope.payload,
            payload_type=parsed.envelope.payload_type,
            signer=SignerIdentity("certificate", name),
            time=stamped,
        )

    def _stamped(self, parsed: Bundle) -> datetime | None:
        if not self._authorities:
            return None
        return stamped_time(parsed.timestamps, parsed.envelope.signature, self._authorities)

    def _check_chain(self, certificate: x509.Certificate, time: datetime) -> None:
        leaf = verification.ExtensionPolicy.webpki_defaults_ee().require_present(
            x509.ExtendedKeyUsage, verification.Criticality.AGNOSTIC, _code_signing
        )
        authority = verification.ExtensionPolicy.webpki_defaults_ca().may_be_present(
            x509.ExtendedKeyUsage, verification.Criticality.AGNOSTIC, _code_signing
        )
        try:
            (
                verification.PolicyBuilder()
                .store(self._store)
                .time(time)
                .extension_policies(ca_policy=authority, ee_policy=leaf)
                .build_client_verifier()
                .verify(certificate, self._intermediates)
            )
        except (
            verification.VerificationError,
            x509.UnsupportedGeneralNameType,
            ValueError,
        ) as e:
            raise VerificationError(
                "the certificate does not lead to a trusted root",
                code="certificate",
                got=" ".join(str(e).split()).encode("unicode_escape").decode("ascii")[:300],
                hint="an expired certificate needs a trusted timestamp"
                if certificate.not_valid_after_utc < time
                else None,
            ) from e

    def _check_signature(self, certificate: x509.Certificate, parsed: Bundle) -> None:
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _CURVES:
            raise VerificationError(
                "the certificate's kind of key is not supported",
                code="certificate",
                got=type(key).__name__,
                wanted="P-256 or P-384",
            )
        if not verifies(key, parsed.envelope.signature, parsed.envelope.signed):
            raise VerificationError(
                "the signature does not hold under the certificate's key", code="signature"
            )

    def _wanted(self) -> str:
        return " or ".join(str(rule) for rule in self._names)[:500]


def _code_signing(
    policy: verification.Policy,  # noqa: ARG001 - the signature is cryptography's
    certificate: x509.Certificate,  # noqa: ARG001
    usage: x509.ExtendedKeyUsage | None,
) -> None:
    if usage is not None and ExtendedKeyUsageOID.CODE_SIGNING not in usage:
        raise ValueError("the certificate is not for code signing")
