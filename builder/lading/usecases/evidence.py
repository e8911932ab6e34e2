"""Where evidence of an image lies: beside it in its registry, or in a local OCI image layout.

An image that only an engine has is known by its config digest alone, which is no manifest that a
referrer could name. Its evidence hangs on an *anchor*: a manifest that is computed from the
digest and nothing else, so that whoever knows the digest knows the anchor.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lading.records import record
from lading_oci import mediatypes
from lading_oci.digest import digest_of
from lading_oci.interface import Descriptor
from lading_oci.manifests import EMPTY_CONFIG, descriptor_json, dump
from lading_oci.references import parse_reference

if TYPE_CHECKING:
    from lading_oci.interface import Repository

__all__ = ["ANCHOR_TYPE", "Anchor", "anchor_of", "open_evidence"]

ANCHOR_TYPE = "application/vnd.lading.anchor.v1+json"


@record
class Anchor:
    """The manifest that stands for a digest: its bytes and its descriptor."""

    content: bytes
    descriptor: Descriptor

    def ensure(self, store: Repository) -> Descriptor:
        """Put the anchor into ``store`` (its one blob is the empty object) and return it."""
        store.push_blob(EMPTY_CONFIG, mediatypes.EMPTY_CONTENT)
        return store.push_manifest(self.content, mediatypes.OCI_MANIFEST)


def anchor_of(digest: str) -> Anchor:
    """Compute the anchor manifest of ``digest`` (``sha256:…``)."""
    content = dump(
        {
            "schemaVersion": 2,
            "mediaType": mediatypes.OCI_MANIFEST,
            "artifactType": ANCHOR_TYPE,
            "config": descriptor_json(EMPTY_CONFIG),
            "layers": [descriptor_json(EMPTY_CONFIG)],
            "annotations": {"dev.lading.subject": digest},
        }
    )
    return Anchor(content, Descriptor(mediatypes.OCI_MANIFEST, digest_of(content), len(content)))


def _default_store_path() -> Path:
    """Return ``$XDG_DATA_HOME/lading/evidence``, the store that needs no set-up."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "lading" / "evidence"


def open_evidence(place: str | None, *, insecure: bool = False) -> Repository:
    """Open an evidence store: None for the default, a directory, or ``registry/repository``.

    A place that begins with ``.``, ``/`` or ``~``, or is a directory, is an OCI layout.

    Raises:
        ReferenceInvalid: it is neither.
    """
    from lading_oci.layout import Layout

    if place is None:
        return Layout(_default_store_path())
    if is_local(place):
        return Layout(Path(place).expanduser())
    from lading_oci.registry import open_registry

    return open_registry(parse_reference(place), insecure=insecure)


def is_local(place: str) -> bool:
    """Say whether :func:`open_evidence` takes a place for a directory."""
    from lading.image import means_path

    return means_path(place) or Path(place).is_dir()
