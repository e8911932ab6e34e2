"""Use case: sign what is known about an image and store it where verification will look.

One statement per predicate; its subjects are every digest that names the image: the manifest's
where there is one, the config's always, so that an engine's unpushed copy can be verified too.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lading import __version__, bom
from lading.attest.bundle import BUNDLE_MEDIA_TYPE
from lading.attest.predicates import CYCLONEDX, SLSA_VSA_V1
from lading.attest.statement import Subject, build_statement
from lading.attest.vsa import ATTESTED_POLICY, SEAL_ANNOTATION, build_vsa
from lading.errors import InputError
from lading.limits import LIMITS
from lading.usecases.evidence import anchor_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lading.attest.interface import Signer
    from lading.attest.vsa import PolicyId
    from lading.inventory import ImageFacts, Inspection
    from lading_oci.interface import Descriptor, Repository

__all__ = [
    "Attestation",
    "attach_bundle",
    "attach_seal",
    "attach_statement",
    "bom_statement",
    "image_subjects",
    "make_bom",
]


@dataclass(frozen=True, slots=True)
class Attestation:
    """One signed statement and where it was stored."""

    predicate_type: str
    digest: str  # of the bundle
    referrer: str  # digest of the referrer manifest
    place: str
    existed: bool

    def to_json(self) -> dict[str, Any]:
        """Return JSON data for ``build``'s and ``attest``'s documents."""
        return {
            "predicate_type": self.predicate_type,
            "digest": self.digest,
            "referrer": self.referrer,
            "place": self.place,
        }


def make_bom(inspection: Inspection, *, spec_version: str = "1.6", xml: bool = False) -> bytes:
    """Return the validated CycloneDX document of an inspection, canonical bytes.

    ``xml`` converts what was validated: signatures are made of JSON alone.

    Raises:
        InputError: the document does not fit the strict schema (a defect worth reporting).
    """
    if not xml:
        content = bom.write(inspection, spec_version=spec_version)
        bom.validate(content)
        return content
    document = bom.render(inspection, spec_version=spec_version)
    bom.validate(bom.encode(document))
    return bom.encode_xml(document)


def image_subjects(name: str, facts: ImageFacts) -> tuple[Subject, ...]:
    """Return every digest by which ``facts``'s image is known, under its repository's name."""
    indexes = (facts.index_digest, *facts.inner_indexes)
    digests = (*indexes, facts.manifest_digest, facts.config_digest)
    return tuple(
        Subject(name, {"sha256": digest.removeprefix("sha256:")})
        for digest in dict.fromkeys(digests)
        if digest
    )


def bom_statement(subjects: Sequence[Subject], document: bytes) -> bytes:
    """Wrap a BOM in an in-toto statement, refusing what verifiers would not take.

    Raises:
        InputError: the statement would make a bundle above ``LIMITS.bundle``.
    """
    statement = build_statement(subjects, CYCLONEDX, document)
    # base64 makes four bytes of three; certificates and log entries need a few thousand more
    expected = len(statement) * 4 // 3 + 64_000
    if expected > LIMITS.bundle:
        raise InputError(
            "The BOM is too big to be attested",
            got=f"a bundle of about {expected:,} bytes",
            wanted=f"at most {LIMITS.bundle:,} bytes, the most that cluster policies read",
            hint="Write it with `lading bom -o FILE`, and make the image smaller: a multi-stage "
            "build leaves build tools and their packages out of the final stage.",
        )
    return statement


def attach_statement(
    statement: bytes,
    predicate_type: str,
    *,
    signer: Signer,
    store: Repository,
    subject: Descriptor | str,
    now: datetime | None = None,
) -> Attestation:
    """Sign a statement and attach its bundle to ``subject``.

    ``subject`` is a manifest's descriptor in ``store``, or a bare digest, which an anchor then
    stands for.

    Raises:
        SigningKeyError, RegistryError: the signer failed; nothing was stored.
        OciError: as :func:`attach_bundle`.
    """
    return attach_bundle(
        signer.sign(statement), predicate_type, store=store, subject=subject, now=now
    )


def attach_bundle(
    bundle: bytes,
    predicate_type: str,
    *,
    store: Repository,
    subject: Descriptor | str,
    now: datetime | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Attestation:
    """Attach a signed bundle to ``subject``; the same one may go to several.

    ``annotations`` are further ones of the referrer: hints, which nobody signs.

    Raises:
        OciError: the store failed; it can be repeated, nothing is left half-attached.
    """
    when = (now or datetime.now(UTC)).astimezone(UTC)
    described = anchor_of(subject).ensure(store) if isinstance(subject, str) else subject
    attached = store.attach(
        described,
        bundle,
        artifact_type=BUNDLE_MEDIA_TYPE,
        blob_media_type=BUNDLE_MEDIA_TYPE,
        annotations=_annotations(predicate_type, when, bundle) | dict(annotations or {}),
    )
    return Attestation(
        predicate_type,
        attached.blob.digest,
        attached.descriptor.digest,
        store.name,
        attached.existed,
    )


def attach_seal(
    subjects: Sequence[Subject],
    inputs: Sequence[Attestation],
    *,
    policy: PolicyId = ATTESTED_POLICY,
    signer: Signer,
    store: Repository,
    subject: Descriptor | str,
) -> Attestation:
    """Sign and attach a summary over ``inputs`` that passed ``policy``.

    Raises:
        SigningKeyError, RegistryError, OciError: as :func:`attach_statement`.
    """
    now = datetime.now(UTC)
    predicate = build_vsa(
        resource_uri=f"{subjects[0].name}@sha256:{subjects[0].digest['sha256']}",
        policy=policy,
        passed=True,
        inputs=[one.digest for one in inputs],
        verifier_version=__version__,
        now=now,
    )
    statement = build_statement(subjects, SLSA_VSA_V1, predicate)
    return attach_statement(
        statement, SLSA_VSA_V1, signer=signer, store=store, subject=subject, now=now
    )


def _annotations(predicate_type: str, when: datetime, bundle: bytes) -> dict[str, str]:
    """The referrer's annotations; a seal rides along whole, so that one request finds it."""
    annotations = {
        # to the millisecond: a BOM and its seal are listed in the order they were made in
        "org.opencontainers.image.created": when.isoformat(timespec="milliseconds").replace(
            "+00:00", "Z"
        ),
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": predicate_type,
    }
    if predicate_type == SLSA_VSA_V1 and len(bundle) <= LIMITS.seal:
        annotations[SEAL_ANNOTATION] = base64.b64encode(bundle).decode("ascii")
    return annotations
