"""Verifying bundles that were signed keyless, offline, against a root of trust.

Steps, in this order (each refuses with its own ``VerificationError.code``):

1. Parse the bundle strictly, as for keys: size, depth, known fields, one signature, in-toto
   payload type (``malformed``, ``signatures``, ``payload-type`` …).
2. It must hold a certificate, and exactly one log entry (``signer-kind``, ``log``).
3. The certificate names exactly one identity and one issuer, and one rule of ours allows both
   (Fulcio ``certificate-specification.md``; ``identity``, ``issuer``). Early, because it is cheap
   and tells most; nothing is believed yet.
4. sigstore-python's verifier, by sigstore ``client-spec`` "Verification": a trusted time from a
   timestamp or the log's promise (``timestamp``); the chain to the root at that time, with key
   usage and code signing (``certificate``); the certificate's SCT (``sct``); log inclusion and
   checkpoint (``log``); time within the certificate's validity (``timestamp``); the signature
   over the envelope (``signature``); the log entry is of this envelope (``log``).
5. What it verified is, byte for byte, what step 1 read; then the payload must be a strict
   in-toto statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.attest.bundle import Bundle, parse_bundle
from lading.attest.certificates import fulcio_identity, load_certificate
from lading.attest.identities import TextRule, TrustedIdentity
from lading.attest.interface import SignerIdentity, Verified
from lading.attest.statement import parse_statement
from lading.errors import InputError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from cryptography.x509 import Certificate
    from sigstore.models import TrustedRoot

__all__ = ["ANYBODY", "KeylessVerifier"]

ANYBODY: Final = TextRule("(?s:.+)", is_pattern=True)

# sigstore-python has one error type and says the step in words; the words only choose our code.
_STEPS: Final = (
    ("sct", ("SCT", "certificate timestamp")),
    ("certificate", ("build", "chain", "usage")),
    ("timestamp", ("verified time", "timestamp", "Timestamp", "expired at time of signing")),
    ("signature", ("DSSE: invalid signature",)),
    ("log", ("log entry", "inclusion", "checkpoint", "inconsistent", "transparency")),
)


class KeylessVerifier:
    """A :class:`~lading.attest.interface.Verifier` that trusts identities certified by a root."""

    def __init__(self, root: TrustedRoot, identities: Iterable[TrustedIdentity]) -> None:
        from sigstore.errors import Error
        from sigstore.verify import Verifier

        self._identities: Final = tuple(identities)
        if not self._identities:
            raise InputError("there is no identity to trust")
        try:
            self._verifier: Final = Verifier(trusted_root=root)
        except (Error, ValueError) as e:
            raise InputError("the root of trust cannot be used", got=str(e)[:300]) from e

    def verify(self, bundle: bytes) -> Verified:
        """Return the statement, who signed it and when.

        Raises:
            VerificationError: with one of the codes above.
        """
        parsed = parse_bundle(bundle)
        if parsed.certificate is None:
            raise VerificationError(
                "the attestation was signed with a key, and a keyless identity is trusted here",
                code="signer-kind",
                got="a key",
                wanted=self._wanted(),
                hint="name the trusted key instead of an identity",
            )
        if len(parsed.log_entries) != 1:
            raise VerificationError(
                "the attestation must have exactly one transparency log entry",
                code="log",
                got=str(len(parsed.log_entries)),
            )
        signer = fulcio_identity(load_certificate(parsed.certificate))
        self._allow(signer)
        time = self._verify(bundle, parsed)
        parse_statement(parsed.envelope.payload)
        return Verified(
            payload=parsed.envelope.payload,
            payload_type=parsed.envelope.payload_type,
            signer=signer,
            time=time,
            log_index=_index(parsed.log_entries[0]),
        )

    def _allow(self, signer: SignerIdentity) -> None:
        name, issuer = signer.name, signer.issuer or ""
        if any(rule.allows(name, issuer) for rule in self._identities):
            return
        known = any(rule.name.matches(name) for rule in self._identities)
        raise VerificationError(
            "the attestation is signed by another issuer's identity"
            if known
            else "the attestation is signed by somebody who is not trusted",
            code="issuer" if known else "identity",
            got=_safe(str(signer)),
            wanted=self._wanted(),
        )

    def _verify(self, content: bytes, parsed: Bundle) -> datetime:
        """Step 4. Return the earliest trusted time of the signature."""
        from sigstore import errors
        from sigstore.models import Bundle as SigstoreBundle

        try:
            bundle = SigstoreBundle.from_json(content)
            policy = _SameCertificate(parsed.certificate)
            kind, payload = self._verifier.verify_dsse(bundle, policy)
            times = self._verifier._establish_time(bundle)  # noqa: SLF001 - verified just now, and not returned
        except errors.Error as e:
            raise _refusal(e) from e
        except VerificationError:
            raise
        except Exception as e:
            raise VerificationError(
                "the bundle's verification material is malformed",
                code="malformed",
                got=f"{type(e).__name__}: {_safe(str(e))}",
            ) from e
        if (kind, payload) != (parsed.envelope.payload_type, parsed.envelope.payload):
            raise VerificationError("the bundle reads in two ways", code="malformed")
        return min(one.time for one in times)

    def _wanted(self) -> str:
        return " or ".join(str(rule) for rule in self._identities)[:500]


def _index(entry: Mapping[str, Any]) -> int:
    """Return the verified position of a verified entry.

    The one beside the proof, which counts over all of a Rekor v1's trees, is covered by the log's
    promise alone, and only with its time is a promise verified.
    """
    promised = "inclusionPromise" in entry and int(entry.get("integratedTime", "0"))
    return int((entry if promised else entry["inclusionProof"]).get("logIndex", "0"))


class _SameCertificate:
    """sigstore-python's policy: what it verifies is the certificate that step 3 has judged."""

    def __init__(self, der: bytes | None) -> None:
        self._der = der

    def verify(self, cert: Certificate) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding

        if cert.public_bytes(Encoding.DER) != self._der:
            raise VerificationError("the bundle reads in two ways", code="malformed")


def _refusal(error: Any) -> VerificationError:
    words = str(error)
    code = next((code for code, keys in _STEPS if any(key in words for key in keys)), "certificate")
    return VerificationError(
        "the attestation's keyless signature does not hold", code=code, got=_safe(words)
    )


def _safe(text: str) -> str:
    """Quote what an attacker may have written, in one printable line."""
    return " ".join(text.split()).encode("unicode_escape").decode("ascii")[:300]
