"""What may carry a bundle, and how: a referrer of one layer, and an annotation of its bytes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest.predicates import SLSA_VSA_V1
from lading.attest.vsa import SEAL_ANNOTATION
from lading.errors import VerificationError
from lading.limits import LIMITS
from lading.usecases.bundles import fetch_bundle, seals
from lading_oci import mediatypes
from lading_oci.digest import digest_of
from lading_oci.interface import Descriptor
from lading_oci.layout import Layout
from lading_oci.manifests import EMPTY_CONFIG, descriptor_json, dump
from support.attest_samples import bundle
from support.oci_images import make_image, push_image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"
BUNDLE = Descriptor(KIND, digest_of(bundle()), len(bundle()))
OTHER = Descriptor("application/json", digest_of(bundle()), len(bundle()))


def fetched(directory: Path, layers: object) -> bytes:
    """Return what is read of a referrer with these layers, in the form of their JSON."""
    store = Layout(directory)
    subject = push_image(store, make_image("svc"), tag="1")
    store.push_blob(BUNDLE, bundle())
    store.push_blob(EMPTY_CONFIG, b"{}")
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": mediatypes.OCI_MANIFEST,
        "artifactType": KIND,
        "config": descriptor_json(EMPTY_CONFIG),
        "layers": layers,
        "subject": descriptor_json(subject),
    }
    return fetch_bundle(store, store.push_manifest(dump(manifest), mediatypes.OCI_MANIFEST))


def test_the_one_layer_is_the_bundle(tmp_path: Path) -> None:
    assert fetched(tmp_path, [descriptor_json(BUNDLE)]) == bundle()


@pytest.mark.parametrize(
    "layers",
    [(), (BUNDLE, BUNDLE), (BUNDLE, OTHER), (OTHER, BUNDLE), (OTHER,)],
    ids=["none", "twice", "and another", "after another", "of another type"],
)
def test_a_manifest_that_carries_no_bundle(tmp_path: Path, layers: Sequence[Descriptor]) -> None:
    """Whichever of several layers a reader takes, another reader may take the other one."""
    with pytest.raises(VerificationError) as caught:
        fetched(tmp_path, [descriptor_json(one) for one in layers])
    assert caught.value.code == "malformed"


def carried(text: str) -> bytes:
    referrer = Descriptor(mediatypes.OCI_MANIFEST, "sha256:" + "1" * 64, 1, KIND)
    (candidate,) = seals(
        [
            Descriptor(*(referrer.media_type, referrer.digest, 1, KIND), {SEAL_ANNOTATION: text}),
            referrer,  # without the annotation it carries nothing
        ]
    )
    assert (candidate.source, candidate.predicate_hint) == (referrer.digest, SLSA_VSA_V1)
    return candidate.fetch()


def test_an_annotation_carries_the_bundles_bytes() -> None:
    assert carried(base64.b64encode(bundle()).decode()) == bundle()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "!",
        lambda text: text[:8] + "\n" + text[8:],
        lambda text: text.replace(text[9], "*"),
        lambda text: base64.b64encode(base64.b64decode(text) + b" " * 2 * LIMITS.seal).decode(),
        lambda text: "\u00e9" + text,
    ],
    ids=["a stray character", "a line feed", "another alphabet", "too long", "no ASCII"],
)
def test_an_annotation_that_is_no_base64_of_a_seal(change: Any) -> None:
    with pytest.raises(VerificationError) as caught:
        carried(change(base64.b64encode(bundle()).decode()))
    assert caught.value.code == "malformed"
