"""A real Rekor of the first version, whose promise is a trusted time; below it, a real Trillian.

Trillian's servers run in one process and in memory (``../trillian.go``), so no database is needed.
Start it after the timestamp authority: both want port 2112 for metrics, and Rekor does without.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import parts
from local_sigstore.local import described_log, service
from support.processes import free_port, http_answers, listens, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_sigstore.local import LocalSigstore

__all__ = ["ORIGIN", "RekorV1", "described", "running_rekor_v1"]

ORIGIN = "rekor.local.example"


@dataclass(frozen=True)
class RekorV1:
    """The running log: its address and its key."""

    url: str
    key: ec.EllipticCurvePrivateKey

    def trusted_root(self, local: LocalSigstore) -> dict[str, Any]:
        """Return the local Sigstore's root of trust, with this log in place of Rekor v2."""
        return {**local.trusted_root(), "tlogs": [described(self.key)]}

    def trust_config(self, local: LocalSigstore, *, stamped: bool = False) -> dict[str, Any]:
        """Return what a client signs and verifies with; ``stamped``: with timestamps as well."""
        document = local.trust_config()
        document["trustedRoot"] = self.trusted_root(local)
        document["signingConfig"]["rekorTlogUrls"] = [service(self.url, 1)]
        if not stamped:
            document["signingConfig"]["tsaUrls"] = []
        return document


def described(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """Return a root of trust's description of a log with that key."""
    return described_log(f"https://{ORIGIN}", key.public_key(), "PKIX_ECDSA_P256_SHA_256")


@contextmanager
def running_rekor_v1(directory: Path, *options: str) -> Iterator[RekorV1]:
    """Start Trillian and Rekor v1 upon it, with further ``options`` of Rekor's, until the end."""
    trillian, rekor = parts.require("trillian"), parts.require("rekor-v1")
    key = ec.generate_private_key(ec.SECP256R1())
    (directory / "rekor-v1.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    rpc, http = free_port(), free_port()
    below = [str(trillian), f"--rpc_endpoint=127.0.0.1:{rpc}"]
    command = [str(rekor), "serve", f"--port={http}", f"--rekor_server.hostname={ORIGIN}"]
    command += [f"--rekor_server.signer={directory / 'rekor-v1.key'}"]
    command += ["--trillian_log_server.address=127.0.0.1", f"--trillian_log_server.port={rpc}"]
    command += ["--enable_retrieve_api=false", *options]  # the index needs a database
    with (
        running(below, ready=lambda: listens(rpc), log=directory / "trillian.log"),
        running(command, ready=lambda: http_answers(http, "/ping"), log=directory / "rekor-v1.log"),
    ):
        yield RekorV1(f"http://127.0.0.1:{http}", key)
