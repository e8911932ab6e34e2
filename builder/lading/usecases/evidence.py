"""Where evidence of an image lies: beside it in its registry, or in a local OCI image layout.

An image that only an engine has is known by its config digest alone, which is no manifest that a
referrer could name. Its evidence hangs on an *anchor*: a manifest that is computed from the
digest and nothing else, so that whoever knows the digest knows the anchor.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lading_oci.manifests import EMPTY_DESCRIPTOR, MANIFEST_MEDIA_TYPE, encode_manifest
from lading_oci.references import parse_reference

if TYPE_CHECKING:
    from lading_oci import Descriptor, Repository

__all__ = ["ANCHOR_TYPE", "Anchor", "anchor_of", "default_store_path", "open_evidence"]

ANCHOR_TYPE = "application/vnd.lading.anchor.v1+json"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The manifest that stands for a digest: its bytes and its descriptor."""

    content: bytes
    descriptor: Descriptor

    def ensure(self, store: Repository) -> Descriptor:
        """Put the anchor into ``store`` (its one blob is the empty object) and return it."""
        store.push_blob(EMPTY_DESCRIPTOR, b"{}")
        return store.push_manifest(self.content, MANIFEST_MEDIA_TYPE)


def anchor_of(digest: str) -> Anchor:
    """Compute the anchor manifest of ``digest`` (``sha256:…``)."""
    return Anchor(
        *encode_manifest(
            artifact_type=ANCHOR_TYPE,
            layers=[EMPTY_DESCRIPTOR],
            annotations={"dev.lading.subject": digest},
        )
    )


def default_store_path() -> Path:
    """Return ``$XDG_DATA_HOME/lading/evidence``, the store that needs no set-up."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "lading" / "evidence"


def open_evidence(place: str | None, *, insecure: bool = False) -> Repository:
    """Open an evidence store: None for the default, a directory, or ``registry/repository``.

    A place that begins with ``.``, ``/`` or ``~``, or is a directory, is an OCI layout.

    Raises:
        ReferenceInvalid: it is neither.
    """
    from lading_oci.layout import Layout  # noqa: PLC0415 - not needed to verify in a registry

    if place is None:
        return Layout(default_store_path())
    if place.startswith((".", "/", "~")) or Path(place).is_dir():
        return Layout(Path(place).expanduser())
    from lading_oci.registry import open_registry  # noqa: PLC0415 - see above

    return open_registry(parse_reference(place), insecure=insecure)
