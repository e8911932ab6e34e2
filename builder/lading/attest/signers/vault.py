"""ECDSA keys in Vault's Transit engine, which securesystemslib has for Ed25519 only.

P-256 is what cosign makes there and what it verifies. Vault is sent the digest, never what is
signed, and answers in DER.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final

from lading.errors import RegistryError, SigningKeyError
from lading.records import record

if TYPE_CHECKING:
    from lading.attest.signers.kms_uris import KeyUri

__all__ = ["TransitKey"]

_DIGESTS: Final = {"ecdsa-p256": ("sha2-256", "sha256"), "ecdsa-p384": ("sha2-384", "sha384")}


@record
class TransitKey:
    """The newest version of a key: ``kind`` is Vault's type, ``public_pem`` empty for Ed25519."""

    uri: KeyUri
    client: Any
    kind: str
    version: int
    public_pem: bytes

    @classmethod
    def newest(cls, uri: KeyUri) -> TransitKey:
        """Ask Vault for the key.

        Raises:
            SigningKeyError: it is of no kind that signs here.
            RegistryError: what answers is no Vault.
            Exception: whatever hvac raises.
        """
        import hvac

        client = hvac.Client()
        data = _data(client.secrets.transit.read_key(uri.name), uri)
        kind = str(data.get("type"))
        if kind not in _DIGESTS and kind != "ed25519":
            raise SigningKeyError(
                "this kind of key is not supported",
                where=uri.text,
                got=kind,
                wanted=uri.service.keys,
            )
        version = max(int(number) for number in data["keys"])  # 10 is newer than 9
        public = data["keys"][str(version)]["public_key"] if kind in _DIGESTS else ""
        return cls(uri, client, kind, version, public.encode())

    def sign(self, message: bytes) -> bytes:
        """Return the signature over ``message`` by this very version."""
        vaults, ours = _DIGESTS[self.kind]
        answer = self.client.secrets.transit.sign_data(
            self.uri.name,
            hash_input=base64.b64encode(hashlib.new(ours, message).digest()).decode(),
            hash_algorithm=vaults,
            prehashed=True,
            marshaling_algorithm="asn1",
            key_version=self.version,
        )
        signature = str(_data(answer, self.uri)["signature"])  # vault:v1:BASE64
        return base64.b64decode(signature.rpartition(":")[2], validate=True)


def _data(answer: Any, uri: KeyUri) -> dict[str, Any]:
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise RegistryError("what answers at VAULT_ADDR does not answer as Vault", where=uri.text)
    return data
