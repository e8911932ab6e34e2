"""Use case: does evidence by a trusted signer cover exactly this image?

What the name means is settled first (``locate``). Then the seal is looked for: a trusted signer's
summary that this image's attestations passed, carried by the list of referrers itself, so that
one request answers. Without a seal that holds, one attestation of the wanted type must hold; with
``full``, everything that the seal names is fetched and must hold too. What trust rules demand
besides (types, a policy, an age) must hold in any case.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from lading.attest.predicates import CYCLONEDX, SLSA_VSA_V1
from lading.attest.verify import verify_attestations
from lading.attest.vsa import read_vsa
from lading.errors import NoAttestation, PolicyViolation, VerificationError
from lading.records import record
from lading.usecases.bundles import candidates, find_bundles, seals
from lading.usecases.locate import at_platform, locate
from lading.usecases.verified import Verification, VerifiedAttestation
from lading_oci.errors import FactsError, ReferenceInvalid
from lading_oci.references import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    from lading.attest.interface import Verifier
    from lading.attest.statement import Statement
    from lading.attest.verify import Candidate, Evidence
    from lading.attest.vsa import Vsa
    from lading.usecases.locate import Located, Place, Ports
    from lading.usecases.targets import NamedImage
    from lading_oci.interface import Descriptor

__all__ = ["Demands", "Verification", "VerifiedAttestation", "verify_image", "verify_located"]


@record
class Demands:
    """What evidence must be like besides being by a trusted signer.

    ``required`` are predicate types that must each be there; ``max_age`` holds for all that
    counts; ``policy`` is the SHA-256 (hexadecimal) of the only policy whose seal counts;
    ``only_valid`` makes an attestation of a type that is looked at a no when it does not hold;
    ``repository`` is the one that a statement's subjects must name.
    """

    required: tuple[str, ...] = ()
    max_age: timedelta | None = None
    policy: str | None = None
    only_valid: bool = False
    repository: str | None = None


def verify_image(
    image: NamedImage,
    ports: Ports,
    *,
    verifier: Verifier,
    predicate_type: str | None = None,
    full: bool = False,
    platform: str | None = None,
    demands: Demands | None = None,
) -> Verification:
    """Return the evidence that covers everything the name stands for, or raise.

    A ``predicate_type`` asks for an attestation of that type itself; without one, a seal counts,
    else the BOM. ``full`` verifies each attestation that the seal names, too. ``platform`` asks
    for the manifest of one (``os/arch``) or of :data:`lading.usecases.locate.EVERY_PLATFORM`,
    too. What ``demands`` says must hold besides.

    Raises:
        VerificationError: evidence exists and does not hold for every digest.
        NoAttestation: there is no evidence, or none of a wanted type.
        PolicyViolation: the newest seal by a trusted signer says that the image failed.
        EngineError, OciError: what must be asked did not answer as needed.
    """
    located = locate(image, ports)
    if platform is not None:
        located = at_platform(located, platform)
    return verify_located(
        str(image.reference),
        located,
        verifier=verifier,
        predicate_type=predicate_type,
        full=full,
        demands=demands,
    )


def verify_located(
    target: str,
    located: Located,
    *,
    verifier: Verifier,
    predicate_type: str | None = None,
    full: bool = False,
    demands: Demands | None = None,
) -> Verification:
    """Verify what a name was settled to be, as :func:`verify_image` does; ``target`` is the name.

    Raises:
        VerificationError, NoAttestation, PolicyViolation, OciError: as :func:`verify_image`.
    """
    judged = partial(
        _verify_listed,
        target,
        located,
        verifier=verifier,
        predicate_type=predicate_type,
        full=full,
        demands=demands or Demands(),
    )
    place, bundles = find_bundles(located)
    try:
        return judged(place, bundles)
    except (NoAttestation, VerificationError):
        # A no is said only when every list was read (it was, where nothing is listed).
        if not bundles:
            raise
        place, every = find_bundles(located, exhaustive=True)
        if {one.digest for one in every} == {one.digest for one in bundles}:
            raise
    return judged(place, every)


def _verify_listed(
    target: str,
    located: Located,
    place: Place,
    bundles: list[Descriptor],
    *,
    verifier: Verifier,
    predicate_type: str | None,
    full: bool,
    demands: Demands,
) -> Verification:
    """Verify by what one place lists."""
    rules = _Rules(verifier, located, place, demands)
    required = tuple(one for one in demands.required if one != SLSA_VSA_V1)
    asked = (*required, *((predicate_type,) if predicate_type not in (None, *required) else ()))
    must_seal = demands.policy is not None or SLSA_VSA_V1 in demands.required
    seal: Vsa | None = None
    held: list[Evidence] = []
    if must_seal or predicate_type is None:
        try:
            sealed = rules.seal(bundles)
        except (NoAttestation, VerificationError) as refusal:
            flooded = isinstance(refusal, VerificationError) and refusal.code == "limit"
            if must_seal or flooded:  # among too many to read there may be one that says FAILED
                raise
            if not asked:
                held = rules.boms_without_seal(bundles, refusal)
        else:
            seal = _passed(sealed)
            held = [sealed, *(rules.inputs(seal, bundles) if full else ())]
    held += [held_one for one in asked for held_one in rules.attestations(bundles, one)]
    if demands.only_valid:
        _refuse_invalid(held)
    return Verification(
        target,
        located.digest,
        tuple(_attestation(one, place) for one in held),
        located.in_engine,
        seal,
        located.platforms,
    )


def _refuse_invalid(held: Iterable[Evidence]) -> None:
    for evidence in held:
        for refusal in evidence.refused:
            raise VerificationError(
                "An attestation beside the one that holds does not hold, and the trust rule "
                "wants none such",
                code=refusal.code,
                where=refusal.source,
                got=refusal.reason,
            )


def _check_repository(statement: Statement, wanted: frozenset[str], repository: str | None) -> None:
    """Refuse a statement about the same bytes under another repository's name."""
    if repository is None:
        return
    about = [one for one in statement.subjects if f"sha256:{one.digest.get('sha256')}" in wanted]
    names = {_repository(one.name) for one in about}
    if names != {repository}:
        raise VerificationError(
            "the attestation is about this image in another repository",
            code="reference",
            got=ascii(", ".join(sorted(one.name for one in about)))[:300],
            wanted=repository,
        )


def _repository(name: str) -> str | None:
    try:
        return parse_reference(name).name
    except ReferenceInvalid:
        return None


def _passed(sealed: Evidence) -> Vsa:
    seal = read_vsa(sealed.statement.predicate)
    if not seal.passed:
        raise PolicyViolation(
            "The image was examined by a trusted signer and failed",
            where=sealed.source,
            got=f"FAILED under {seal.policy.uri}",
            wanted="PASSED",
            hint="See what is attached with `lading tree`, and build the image anew.",
        )
    return seal


def _attestation(evidence: Evidence, place: Place) -> VerifiedAttestation:
    return VerifiedAttestation(
        evidence.statement.predicate_type,
        evidence.digest,
        str(evidence.signer),
        evidence.time or evidence.claimed_time,
        evidence.time is not None,
        f"{place.repository.name}@{evidence.source}",
        evidence.log_index,
        evidence.older,
        evidence.refused,
    )


@record
class _Rules:
    verifier: Verifier
    located: Located
    place: Place
    demands: Demands

    def seal(self, bundles: list[Descriptor]) -> Evidence:
        """Return the newest seal that holds, and is under the policy that is demanded."""
        return self._judge(seals(bundles), SLSA_VSA_V1, self.located.wanted, self._is_seal)

    def _is_seal(self, statement: Statement) -> None:
        """A summary by another tool, of another shape or under another policy is none of ours."""
        policy = read_vsa(statement.predicate).policy
        if self.demands.policy not in (None, policy.sha256):
            raise VerificationError(
                "the seal is under another policy",
                code="seal",
                got=f"sha256:{policy.sha256} ({policy.uri})",
                wanted=f"sha256:{self.demands.policy}",
                hint="Attest the image again under the policy of today.",
            )

    def boms_without_seal(
        self, bundles: list[Descriptor], refusal: NoAttestation | VerificationError
    ) -> list[Evidence]:
        """Return the BOMs that hold; where there is none at all, the seal's refusal tells more."""
        try:
            return self.attestations(bundles, CYCLONEDX)
        except NoAttestation:
            if isinstance(refusal, VerificationError):
                raise refusal from None
            raise

    def inputs(self, seal: Vsa, bundles: list[Descriptor]) -> list[Evidence]:
        """Verify every attestation that the seal names, whatever its type.

        Those of one type (the BOMs of several platforms) must together be about all that the
        name stands for.
        """
        held: list[Evidence] = []
        missing = set(seal.inputs)
        for candidate in candidates(self.place.repository, bundles):
            if not missing:
                break
            try:
                evidence = self._judge([candidate], None, frozenset({self.located.digest}))
            except VerificationError:
                continue  # what the seal does not name cannot make a no
            if evidence.digest in missing:
                missing.discard(evidence.digest)
                held.append(evidence)
        if missing:
            raise VerificationError(
                "An attestation that the seal names is missing or does not hold",
                code="seal",
                got=f"{len(held)} of {len(seal.inputs)}",
                wanted=", ".join(sorted(missing)),
                hint="Attest the image again with `lading attest`.",
            )
        about: dict[str, set[str]] = {}
        for one in held:
            about.setdefault(one.statement.predicate_type, set()).update(one.statement.sha256)
        for kind, digests in about.items():
            if not self.located.wanted <= digests:
                raise VerificationError(
                    "What the seal names is not about all that the name stands for",
                    code="subject",
                    where=kind,
                    wanted=", ".join(sorted(self.located.wanted - digests)),
                    hint="Attest the image again with `lading attest`.",
                )
        return held

    def attestations(self, bundles: list[Descriptor], predicate_type: str) -> list[Evidence]:
        """Return the newest attestations of a type that hold for all that the name stands for.

        It is one, unless platforms were asked for: each has its own BOM.
        """
        listed = candidates(self.place.repository, bundles)
        found = {}
        for part in self.located.parts:
            try:
                evidence = self._judge(listed, predicate_type, part)
            except VerificationError as refusal:
                if refusal.code == "subject" and not part <= {
                    self.located.digest,
                    *self.located.platforms,
                }:
                    self._explain_stale_engine(listed, predicate_type)
                raise
            found[evidence.digest] = evidence
        return list(found.values())

    def _judge(
        self,
        listed: Iterable[Candidate],
        predicate_type: str | None,
        wanted: frozenset[str],
        check: Callable[[Statement], object] | None = None,
    ) -> Evidence:
        def checked(statement: Statement) -> None:
            _check_repository(statement, wanted, self.demands.repository)
            if check is not None:
                check(statement)

        return verify_attestations(
            listed,
            verifier=self.verifier,
            subject_digests=wanted,
            predicate_type=predicate_type,
            now=datetime.now(UTC),
            max_age=self.demands.max_age,
            check=checked,
        )

    def _explain_stale_engine(self, listed: Iterable[Candidate], predicate_type: str) -> None:
        """Say so when the registry's image is covered and only the engine's copy is not."""
        located = self.located
        try:
            self._judge(listed, predicate_type, frozenset({located.digest}))
        except FactsError:
            return
        raise VerificationError(
            "The Docker engine has another image under this name than the verified one, and "
            "`docker run` would start it",
            code="engine-copy",
            got=", ".join(located.wanted - {located.digest, *located.platforms}),
            wanted=f"the engine's copy of {located.digest}",
            hint="Pull the image again, or verify only the registry's with registry:NAME.",
        )
