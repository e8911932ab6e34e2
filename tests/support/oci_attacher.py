"""A process that attaches one attestation when it is told to: ``PLACE SUBJECT NUMBER``.

``PLACE`` is ``registry/repository`` or the path of a layout, ``SUBJECT`` a manifest's descriptor
as JSON. It prints ``ready``, waits for a line on standard input, and attaches.
"""

from __future__ import annotations

import json
import sys

from lading_oci import Layout, open_registry, parse_reference
from lading_oci.manifests import parse_descriptor

KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"


def main(place: str, subject: str, number: str) -> None:
    """Attach ``number`` and print the digest of its referrer."""
    repository = Layout(place) if place.startswith("/") else open_registry(parse_reference(place))
    print("ready", flush=True)
    sys.stdin.readline()
    done = repository.attach(
        parse_descriptor(json.loads(subject)),
        f'{{"attestation":{number}}}'.encode(),
        artifact_type=KIND,
        blob_media_type=KIND,
        annotations={"org.opencontainers.image.created": "2026-01-02T03:04:05Z", "number": number},
    )
    print(done.descriptor.digest)


if __name__ == "__main__":
    main(*sys.argv[1:])
