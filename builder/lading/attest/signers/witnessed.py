"""Adding witnesses to a key's signature: a timestamp (RFC 3161) and a transparency log entry.

A key alone says who, never when. The timestamp says when; the log lets its owner see every
signature that was made with the key. The log is told the statement's digest, the signature and
the public key, and keeps them for ever; the statement itself stays here.

Specification: sigstore ``rekor-tiles`` ``CLIENTS.md`` (hashedrekord 0.0.2 over the DSSE
pre-authentication encoding).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import serialization

from lading.attest.bundle import Bundle, parse_bundle
from lading.attest.dsse import encode_base64
from lading.attest.log_entries import key_details, signed_digest
from lading.attest.signers.services import open_services, translated
from lading.errors import InputError

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig

    from lading.attest.interface import Signer
    from lading.attest.keys import PublicKey
    from lading.attest.signers.services import Services

__all__ = ["WitnessedSigner"]


class WitnessedSigner:
    """A :class:`~lading.attest.interface.Signer` around another one that signs with a key.

    Raises:
        InputError: no such service is configured, or the log takes no such key, or none at all.
    """

    def __init__(
        self,
        inner: Signer,
        public_key: PublicKey,
        config: ClientTrustConfig,
        *,
        log: bool,
        timestamp: bool,
    ) -> None:
        self._inner: Final = inner
        self._key: Final = public_key
        self._config: Final = config
        self._log: Final = log
        self._timestamp: Final = timestamp
        if log:
            key_details(public_key)
        _check(config, log=log, timestamp=timestamp)  # now, and not when all else is done

    def sign(self, statement: bytes) -> bytes:
        """Return the inner signer's bundle with its witnesses; the timestamp comes first.

        Raises:
            RegistryError: a service did not answer as needed; nothing is returned then.
        """
        bundle = parse_bundle(self._inner.sign(statement))
        with translated():
            services = open_services(self._config)
            if self._timestamp:
                bundle = dataclasses.replace(bundle, timestamps=_stamps(bundle, services))
            if self._log:
                bundle = dataclasses.replace(bundle, log_entries=(self._entry(bundle, services),))
        return bundle.to_bytes()

    def _entry(self, bundle: Bundle, services: Services) -> dict[str, Any]:
        spki = self._key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        request = {
            "hashedRekordRequestV002": {
                "digest": encode_base64(signed_digest(self._key, bundle.envelope)),
                "signature": {
                    "content": encode_base64(bundle.envelope.signature),
                    "verifier": {
                        "publicKey": {"rawBytes": encode_base64(spki)},
                        "keyDetails": key_details(self._key),
                    },
                },
            }
        }
        entry = services.log.create_entry(request)
        return dict(entry._inner.to_dict())  # noqa: SLF001 - the entry as the bundle has it


def _check(config: ClientTrustConfig, *, log: bool, timestamp: bool) -> None:
    with translated():
        services = open_services(config)
    if timestamp and not services.authorities:
        raise InputError("the trust configuration names no timestamp authority")
    if log and not services.log.url.endswith("/api/v2"):
        raise InputError(
            "this transparency log takes no signatures by keys",
            got=services.log.url,
            wanted="a Rekor v2 log",
            hint="name a Sigstore that has one with --trust-config, or use --timestamp alone",
        )


def _stamps(bundle: Bundle, services: Services) -> tuple[bytes, ...]:
    return tuple(
        bytes(authority.request_timestamp(bundle.envelope.signature).as_bytes())
        for authority in services.authorities
    )
