"""cosign as a judge of bundles about a blob, and as another who signs them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import parts
from lading.attest.statement import Subject, build_statement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["BLOB_SHA256", "PASSWORD", "Cosign", "about_the_blob"]

BLOB = b"the bytes that are attested"
BLOB_SHA256 = hashlib.sha256(BLOB).hexdigest()
PASSWORD = b"correct horse"
# A signing configuration that names no services: nothing is sent anywhere.
NO_SERVICES = {
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "rekorTlogConfig": {},
    "tsaConfig": {},
}


def about_the_blob(hexadecimal: str = BLOB_SHA256) -> bytes:
    """Return a statement about the blob that cosign is given."""
    subject = Subject("blob", {"sha256": hexadecimal})
    return build_statement([subject], "https://cyclonedx.org/bom", {"bomFormat": "CycloneDX"})


class Cosign:
    """The real program in a private home, so that it finds and keeps nothing of this user's."""

    def __init__(self, home: Path, env: Mapping[str, str] | None = None) -> None:
        self.program = parts.require("cosign")
        self.home = home
        self.env = dict(env or {})
        (home / "blob").write_bytes(BLOB)
        (home / "predicate.json").write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6"}')
        (home / "services.json").write_text(json.dumps(NO_SERVICES))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TUF_ROOT": str(self.home / "tuf"),
            "COSIGN_PASSWORD": PASSWORD.decode(),
            **self.env,
        }
        return subprocess.run(
            [str(self.program), *arguments],
            cwd=self.home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
        )

    def verify(self, bundle: bytes, key: bytes | str, *more: str) -> Any:
        """Verify with a public key in PEM, or with what cosign takes for one: a key service's."""
        (self.home / "bundle.json").write_bytes(bundle)
        if isinstance(key, bytes):
            (self.home / "key.pub").write_bytes(key)
            key = "key.pub"
        command = ["verify-blob-attestation", "--key", key, "--bundle", "bundle.json"]
        options = ["--insecure-ignore-tlog", "--type", "cyclonedx", *more]
        return self.run(*command, *options, "blob")

    def attest(self, key: str) -> bytes:
        """Return cosign's own bundle about the blob."""
        done = self.run(
            *("attest-blob", "--key", key, "--type", "cyclonedx", "--predicate", "predicate.json"),
            *("--signing-config", "services.json", "--bundle", "out.json", "--yes", "blob"),
        )
        assert done.returncode == 0, done.stderr
        return (self.home / "out.json").read_bytes()
