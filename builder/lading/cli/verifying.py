"""What the verbs that verify an image share: the question, its answer, and the answer's forms.

Nothing here needs the library that parses command lines: it is half of a verification's time
(:mod:`lading.cli.quick`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from lading.cli.render import plain
from lading.records import changed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lading.attest.interface import Verifier
    from lading.attest.verify import Refusal
    from lading.cli.wiring import RequestCounter
    from lading.config import Layer
    from lading.policy import Verdict
    from lading.usecases.locate import Ports
    from lading.usecases.targets import NamedImage
    from lading.usecases.verify import Demands, Verification, VerifiedAttestation
    from lading.usecases.verify_content import Compared
    from lading_oci.errors import FactsError

__all__ = ["Question", "verify"]

_WORD: Final = " (the signer's word)"
_SHOWN: Final = 5  # refused attestations that are told one by one


class Question:
    """One question about an image, and what is known of its answer so far.

    ``trust`` and ``asked`` are the options of their kinds. The answer is a yes when
    :meth:`settle` returns.
    """

    def __init__(
        self, named: NamedImage, ports: Ports, trust: Layer, asked: Layer, counter: RequestCounter
    ) -> None:
        self.named = named
        self.ports = ports
        self.trust = trust
        self.asked = asked
        self.counter = counter
        self.verifier: Verifier | None = None
        self.demands: Demands | None = None
        self.verification: Verification | None = None
        self.verdict: Verdict | None = None
        self.where: str | None = None  # who said whom to trust

    def resolve(self) -> None:
        """Settle on the digest that a tag stands for now; nothing asks for the tag again.

        Raises:
            OciError: the registry has no such image, or did not answer.
        """
        reference = self.named.reference
        if reference.digest is None:
            digest = self.ports.registry(reference).resolve(reference.target).digest
            self.named = changed(self.named, reference=reference.with_digest(digest))

    def settle(self, platform: str | None) -> Verification:
        """Verify, and judge by the policy that was asked for.

        Raises:
            FactsError: the answer is no, or there is none.
        """
        from lading.attest.predicates import asked as type_asked
        from lading.cli.trusting import configured_rule, demands
        from lading.trust.verifier import RuleVerifier
        from lading.usecases.verify import verify_image

        asked = {name: self.asked[name] for name in ("policy", "outputs", "previous")}
        if any(value not in (None, []) for value in asked.values()):
            from lading.cli.judging import check_judging

            check_judging(**asked)
        wanted = self.asked["type"]
        predicate_type = None if wanted is None else type_asked(wanted)
        rule = configured_rule(self.trust, self.named.reference.name)
        self.where = rule.where
        self.verifier = RuleVerifier(rule)
        self.demands = demands(rule, self.asked["max-age"])
        self.verification = verify_image(
            self.named,
            self.ports,
            verifier=self.verifier,
            predicate_type=predicate_type,
            full=self.asked["full"],
            platform=platform,
            demands=self.demands,
        )
        if self.asked["policy"] is not None:
            from lading.cli.judging import judge_and_refuse

            self.verdict = judge_and_refuse(
                self.named,
                self.asked["policy"],
                self.ports,
                verifier=self.verifier,
                previous=self.asked["previous"],
                outputs=self.asked["outputs"],
            )
        return self.verification

    def yes_json(self) -> dict[str, Any]:
        """Return ``verify``'s document of a yes."""
        found = self.verification.to_json() if self.verification else {}
        return {
            **found,
            "policy": self.verdict.to_json() if self.verdict else None,
            "trust": self.where,
            "requests": self.counter.count,
        }

    def yes_text(self) -> Iterator[str]:
        """Say what was verified, by whom and how."""
        verification = self.verification
        if verification is None:
            return
        yield f"verified  {verification.target}"
        yield f"digest    {verification.digest}"
        for digest in verification.platforms:
            yield f"platform  {digest}"
        for one in verification.attestations:
            yield from _lines(one)
        if verification.seal and not self.asked["full"]:
            count = len(verification.seal.inputs)
            yield f"sealed    {count} attestation{'s'[: count != 1]}; --full verifies each"
        if verification.engine_checked:
            yield "engine    the Docker engine's copy is covered too"
        if self.verdict is not None:
            from lading.cli.judging import as_table

            yield as_table(self.verdict).rstrip("\n")

    def refuse(
        self, target: str, error: FactsError, *, json: bool, more: dict[str, Any]
    ) -> NoReturn:
        """Say no: print the error, and with ``json`` the document of a no, ``more`` included.

        Raises:
            SystemExit: with the error's exit status.
        """
        from lading.cli.render import note, print_error, print_json, put
        from lading.errors import exit_code

        self.verdict = getattr(error, "verdict", self.verdict)
        if json:
            print_json({**self._no_json(target, error), **more})
        elif self.verdict is not None:
            from lading.cli.judging import as_table

            put(as_table(self.verdict))
        print_error(error)
        refused = _refused(error)
        if len({(one.code, one.reason) for one in refused}) > 1:
            for line in _ignored("refused", refused):
                note(line)
        elif len(refused) > 1:
            note(f"refused   {len(refused)} attestations, all for this reason")
        raise SystemExit(int(exit_code(error))) from error

    def _no_json(self, target: str, error: FactsError) -> dict[str, Any]:
        """Return ``verify``'s document of a no; what held before a policy refused is listed."""
        from lading.cli.render import error_to_json

        held = self.verification
        return {
            "target": target,
            "digest": held.digest if held else None,
            "verified": False,
            "attestations": [one.to_json() for one in held.attestations] if held else [],
            "policy": self.verdict.to_json() if self.verdict else None,
            "trust": self.where,
            "requests": self.counter.count,
            "refused": [one.to_json() for one in _refused(error)],
            "error": error_to_json(error),
        }


def _lines(one: VerifiedAttestation) -> Iterator[str]:
    """Say what held, by whom and when, and what lay beside it and did not count."""
    from lading.attest.predicates import short

    yield f"evidence  {plain(short(one.predicate_type))} ({one.digest})"
    yield f"signer    {plain(one.signer)}"
    if one.time:
        yield f"time      {one.time.isoformat()}{'' if one.time_trusted else _WORD}"
    if one.log_index is not None:
        yield f"log       entry {one.log_index}"
    yield f"source    {one.source}"
    if one.older:
        yield f"older     {len(one.older)} more of this type hold, and do not count"
    yield from _ignored("ignored", one.refused)


def _ignored(word: str, refused: Sequence[Refusal]) -> Iterator[str]:
    """Say what did not hold and why, together what did not hold for one reason."""
    reasons: dict[str, list[str]] = {}
    for refusal in refused:
        reasons.setdefault(f"{refusal.code}: {plain(refusal.reason)}", []).append(refusal.source)
    for reason, sources in list(reasons.items())[:_SHOWN]:
        which = sources[0] if len(sources) == 1 else f"{len(sources)} attestations"
        yield f"{word}   {which}: {reason}"
    more = sum(map(len, list(reasons.values())[_SHOWN:]))
    if more:
        yield f"{word}   {more} more that do not hold"


def _refused(error: FactsError) -> Sequence[Refusal]:
    """Return every bundle that did not hold; the error itself tells of the most telling one."""
    refused: Sequence[Refusal] = getattr(error, "refused", ())
    return refused


def verify(
    image: str,
    *,
    trust: Layer,
    asked: Layer,
    all_platforms: bool,
    content: bool,
    evidence: str | None,
    insecure: bool,
    json: bool,
) -> None:
    """Answer ``lading verify``: return after a yes.

    Raises:
        SystemExit: the answer is no, or there is none; it has been said.
        FactsError: the question cannot be meant.
    """
    from lading.cli import wiring
    from lading.cli.render import print_json, say
    from lading.errors import UsageError
    from lading.usecases.locate import EVERY_PLATFORM
    from lading.usecases.targets import parse_image
    from lading_oci.errors import FactsError

    if all_platforms and asked["platform"]:
        raise UsageError("--platform and --all-platforms ask for different things")
    counter = wiring.RequestCounter()
    ports = wiring.ports(evidence=evidence, insecure=insecure, counter=counter)
    question = Question(parse_image(image), ports, trust, asked, counter)
    platform = EVERY_PLATFORM if all_platforms else asked["platform"]
    compared: list[Compared] = []
    try:
        question.settle(platform)
        if content:
            compared = _compare(question, insecure=insecure)
    except FactsError as error:
        question.refuse(image, error, json=json, more={})
    if json:
        found = [one.to_json() for one in compared] if content else None
        print_json({**question.yes_json(), "content": found})
        return
    for line in question.yes_text():
        say(line)
    for one in compared:
        say(f"content   {one.files} model and data files are as signed ({one.platform})")


def _compare(question: Question, *, insecure: bool) -> list[Compared]:
    """Look into what the name stands for, past the cache, and compare it with the signed BOM."""
    from lading.cli import wiring
    from lading.usecases.verify_content import verify_content

    verification, verifier = question.verification, question.verifier
    if verification is None or verifier is None:
        raise AssertionError("content is compared after a yes")
    reference = question.named.reference
    if verification.engine_checked:
        name = reference.familiar()
        inspections = [wiring.inspect(f"docker:{name}", name=name, cached=False)]
    else:
        pinned = reference.with_digest(verification.digest)
        inspections = wiring.inspect_pushed(pinned, insecure=insecure, cached=False)
    return verify_content(
        question.named,
        question.ports,
        inspections,
        verifier=verifier,
        demands=question.demands,
        only=verification.platforms,
    )
