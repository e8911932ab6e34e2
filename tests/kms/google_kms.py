"""A small server with the gRPC API of Google Cloud KMS: the library's own messages, real keys.

It is ours and no code of Google's. It knows what is needed to sign with a key, for Google's own
library and for cosign; it asks for a token by one service account, and refuses what Google's
documentation says is refused. Run as a program, because gRPC's threads do not like to be in a
process that starts others:

    google_kms.py CONFIG.json    {"port": 0, "directory": "…", "account": "…", "keys": {name: kind}}

``directory`` holds ``server.pem``, ``server.key`` and ``account.pub``, and gets the public key of
each key as ``NUMBER.pub``, in order, and then ``ready``.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from google.cloud.kms_v1.types import resources, service

SERVICE = "google.cloud.kms.v1.KeyManagementService"
AUDIENCE = "https://cloudkms.googleapis.com/"
SCOPES = {f"https://www.googleapis.com/auth/{name}" for name in ("cloudkms", "cloud-platform")}
Algorithm = resources.CryptoKeyVersion.CryptoKeyVersionAlgorithm
# kind → algorithm, how to make the key, the digest that it signs
KINDS: dict[str, tuple[Any, Any, str]] = {
    "p256": (Algorithm.EC_SIGN_P256_SHA256, ec.SECP256R1, "sha256"),
    "p384": (Algorithm.EC_SIGN_P384_SHA384, ec.SECP384R1, "sha384"),
    "secp256k1": (Algorithm.EC_SIGN_SECP256K1_SHA256, ec.SECP256K1, "sha256"),
    "rsa": (Algorithm.RSA_SIGN_PKCS1_2048_SHA256, None, "sha256"),
    "lies": (Algorithm.EC_SIGN_P256_SHA256, ec.SECP256R1, "sha256"),
}


class Keys:
    """The service: keys by their versions' names. Other kinds than KINDS are what does not work."""

    def __init__(self, account: str, account_key: bytes, kinds: dict[str, str]) -> None:
        self.account, self.account_key, self.kinds = account, account_key, kinds
        self.keys = {name: _make(kind) for name, kind in kinds.items() if kind in KINDS}
        # What comes back for this one is signed by another key.
        self.other = _make("p256")

    def public_pem(self, name: str) -> bytes:
        """Return the SubjectPublicKeyInfo, empty for keys that have none."""
        if name not in self.keys:
            return b""
        return bytes(
            self.keys[name]
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def get_public_key(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer GetPublicKey."""
        self._admit(request.name, context)
        pem = self.public_pem(request.name)
        answer = resources.PublicKey(
            name=request.name,
            algorithm=KINDS[self.kinds[request.name]][0],
            pem=pem.decode(),
            pem_crc32c=_crc32c(pem),
        )
        if request.public_key_format == resources.PublicKey.PublicKeyFormat.PEM:
            answer.public_key = resources.ChecksummedData(data=pem, crc32c_checksum=_crc32c(pem))
        return answer

    def get_crypto_key(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer GetCryptoKey, which cosign asks for first."""
        self._authenticate(context)
        purpose = resources.CryptoKey.CryptoKeyPurpose.ASYMMETRIC_SIGN
        return resources.CryptoKey(name=request.name, purpose=purpose)

    def get_crypto_key_version(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer GetCryptoKeyVersion, which cosign asks for next."""
        self._admit(request.name, context)
        return resources.CryptoKeyVersion(
            name=request.name,
            algorithm=KINDS[self.kinds[request.name]][0],
            state=resources.CryptoKeyVersion.CryptoKeyVersionState.ENABLED,
        )

    def asymmetric_sign(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer AsymmetricSign: a digest of the key's own algorithm is signed as it is."""
        self._admit(request.name, context)
        name = KINDS[self.kinds[request.name]][2]
        digest = getattr(request.digest, name)
        if len(digest) != hashlib.new(name).digest_size:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the key signs digests of {name}")
        key = self.other if self.kinds[request.name] == "lies" else self.keys[request.name]
        algorithm = Prehashed(hashes.SHA384() if name == "sha384" else hashes.SHA256())
        if isinstance(key, rsa.RSAPrivateKey):
            signature = key.sign(digest, padding.PKCS1v15(), algorithm)
        else:
            signature = key.sign(digest, ec.ECDSA(algorithm))
        return service.AsymmetricSignResponse(
            name=request.name,
            signature=signature,
            signature_crc32c=_crc32c(signature),
            verified_digest_crc32c=request.digest_crc32c == _crc32c(digest),
        )

    def _authenticate(self, context: grpc.ServicerContext) -> None:
        sent = dict(context.invocation_metadata()).get("authorization", "")
        try:
            claims = jwt.decode(
                sent.removeprefix("Bearer "),
                self.account_key,
                ["RS256"],
                options={"verify_aud": False},
            )
        except jwt.PyJWTError:
            claims = {}
        scopes = str(claims.get("scope")).split()
        if claims.get("aud") != AUDIENCE and SCOPES.isdisjoint(scopes):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Request had invalid credentials.")
        if claims["iss"] != self.account:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "Permission denied on resource.")

    def _admit(self, name: str, context: grpc.ServicerContext) -> None:
        self._authenticate(context)
        if name not in self.kinds:
            context.abort(grpc.StatusCode.NOT_FOUND, f"CryptoKeyVersion {name} not found.")
        if self.kinds[name] == "unavailable":
            context.abort(grpc.StatusCode.INTERNAL, "Internal error encountered.")
        if self.kinds[name] == "silent":
            while context.is_active():
                time.sleep(0.05)
        if name not in self.keys:
            message = f"{name} is not enabled or has another purpose than ASYMMETRIC_SIGN."
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)


def _crc32c(data: bytes) -> int:
    """Return the CRC of RFC 3720, appendix B.4, as the API puts it beside what it sends."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _make(kind: str) -> Any:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(KINDS[kind][1]())


def main(config: dict[str, Any]) -> None:
    """Serve until the process is ended."""
    directory = Path(config["directory"])
    keys = Keys(config["account"], (directory / "account.pub").read_bytes(), config["keys"])
    for number, name in enumerate(config["keys"]):
        (directory / f"{number}.pub").write_bytes(keys.public_pem(name))
    server = grpc.server(ThreadPoolExecutor(8))
    answers = (
        ("GetCryptoKey", keys.get_crypto_key, resources.CryptoKey),
        ("GetCryptoKeyVersion", keys.get_crypto_key_version, resources.CryptoKeyVersion),
        ("GetPublicKey", keys.get_public_key, resources.PublicKey),
        ("AsymmetricSign", keys.asymmetric_sign, service.AsymmetricSignResponse),
    )
    methods = {
        name: grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=getattr(service, f"{name}Request").deserialize,
            response_serializer=response.serialize,
        )
        for name, answer, response in answers
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
    pair = ((directory / "server.key").read_bytes(), (directory / "server.pem").read_bytes())
    credentials = grpc.ssl_server_credentials([pair])
    if not server.add_secure_port(f"127.0.0.1:{config['port']}", credentials):
        raise SystemExit("google_kms: the port is not to be had")
    server.start()
    (directory / "ready").touch()
    server.wait_for_termination()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")))
