"""What is signed about one image, and which of it is attached where.

A multi-platform image has a BOM for each platform. The index gets all of them under one seal whose
subjects are the index, indexes within it, and every platform's manifest and configuration. An index
within it gets the BOMs and a seal of its own platforms, each platform's manifest its own BOM and
seal: each can be verified by its own digest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lading.attest.predicates import CYCLONEDX, SLSA_PROVENANCE_V1
from lading.attest.statement import build_statement
from lading.attest.vsa import ATTESTED_POLICY
from lading.usecases.attest import (
    Attestation,
    attach_bundle,
    attach_seal,
    bom_statement,
    image_subjects,
)
from lading.usecases.evidence import anchor_of
from lading_oci.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lading.attest.interface import Signer
    from lading.attest.statement import Subject
    from lading.attest.vsa import PolicyId
    from lading.inventory import Inspection
    from lading_oci.interface import Descriptor, Repository

__all__ = ["Examined", "Papers"]


@dataclass(frozen=True, slots=True)
class Examined:
    """One platform's image and the BOM that was made of it."""

    inspection: Inspection
    document: bytes

    def to_json(self) -> dict[str, Any]:
        """Return what ``build``'s document says of one platform."""
        facts = self.inspection.image
        return {
            "platform": str(facts.platform),
            "digest": facts.manifest_digest or facts.config_digest,
            "bom": {"digest": digest_of(self.document), "size": len(self.document)},
            "models": len(self.inspection.models),
            "packages": len(self.inspection.packages),
        }


@dataclass(frozen=True, slots=True)
class Papers:
    """What is signed about one image, and which of it goes where."""

    name: str
    examined: tuple[Examined, ...]
    provenance: Mapping[str, Any] | None
    policy: PolicyId = ATTESTED_POLICY  # what the seal says that the image passed

    def subjects(self, examined: Iterable[Examined]) -> tuple[Subject, ...]:
        """Return every digest by which these platforms' images are known, each once."""
        found = [subject for one in examined for subject in self._subjects(one)]
        return tuple({subject.digest["sha256"]: subject for subject in found}.values())

    def attach(
        self, signer: Signer, store: Repository, describe: Callable[[str], Descriptor | str]
    ) -> tuple[Attestation, ...]:
        """Sign each statement once; attach them, and a seal over them, wherever they are asked for.

        The seal comes last: it is what verification looks for first.
        """
        boms = {
            id(one): signer.sign(bom_statement(self._subjects(one), one.document))
            for one in self.examined
        }
        made = None
        if self.provenance is not None:
            subjects = self.subjects(self.examined)
            made = signer.sign(build_statement(subjects, SLSA_PROVENANCE_V1, self.provenance))
        with store.together():
            return tuple(self._attached(signer, store, describe, boms, made))

    def _attached(
        self,
        signer: Signer,
        store: Repository,
        describe: Callable[[str], Descriptor | str],
        boms: Mapping[int, bytes],
        made: bytes | None,
    ) -> Iterator[Attestation]:
        for digest, there, subjects in self._places():
            described = describe(digest)
            subject = (
                anchor_of(described).ensure(store) if isinstance(described, str) else described
            )
            attached = [
                attach_bundle(boms[id(one)], CYCLONEDX, store=store, subject=subject)
                for one in there
            ]
            if made is not None:
                attached.append(
                    attach_bundle(made, SLSA_PROVENANCE_V1, store=store, subject=subject)
                )
            seal = attach_seal(
                subjects,
                attached,
                policy=self.policy,
                signer=signer,
                store=store,
                subject=subject,
            )
            yield from (*attached, seal)

    def _subjects(self, one: Examined) -> tuple[Subject, ...]:
        return image_subjects(self.name, one.inspection.image)

    def _places(self) -> Iterator[tuple[str, tuple[Examined, ...], tuple[Subject, ...]]]:
        """Yield each digest that evidence hangs on, whose it is, and what its seal covers.

        The seal of some platforms among several does not name the index: copied to the index, it
        must not pass for the seal of all platforms. The same holds for indexes within indexes.
        """
        images = [one.inspection.image for one in self.examined]
        index = images[0].index_digest
        inner = tuple(dict.fromkeys(digest for facts in images for digest in facts.inner_indexes))
        if index is not None:
            yield index, self.examined, self.subjects(self.examined)
        for digest in inner:
            there = tuple(
                one for one in self.examined if digest in one.inspection.image.inner_indexes
            )
            yield digest, there, self._without({index, *inner} - {digest}, there)
        for one, facts in zip(self.examined, images, strict=True):
            others = {index, *inner} if len(self.examined) > 1 else set()
            own = self._without(others, (one,))
            yield facts.manifest_digest or facts.config_digest, (one,), own

    def _without(
        self, indexes: set[str | None], examined: Iterable[Examined]
    ) -> tuple[Subject, ...]:
        subjects = self.subjects(examined)
        return tuple(one for one in subjects if f"sha256:{one.digest['sha256']}" not in indexes)
