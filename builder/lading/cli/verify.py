"""``lading verify``: yes with the evidence and exit 0, or no with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lading.cli import options
from lading.cli.judging import Outputs, PolicyFile, Previous, as_table, judge_and_refuse
from lading.cli.render import plain
from lading.config import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.policy import Verdict
    from lading.usecases.verify import Verification, VerifiedAttestation
    from lading_oci.errors import FactsError

__all__ = ["register"]

_WORD: Final = " (the signer's word)"
_SHOWN: Final = 5  # refused attestations that are told one by one


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("verify", help="Check that a trusted signer attested exactly this image.")(_verify)


@options.collected("trust", options.TRUST)
def _verify(
    image: options.Image,
    trust: Layer,
    predicate: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="Ask for this attestation itself: bom, provenance, a URI … "
            "(default: the seal over all of them, else the BOM).",
            show_default=False,
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Fetch and verify everything that the seal names, too.")
    ] = False,
    max_age: Annotated[
        str | None,
        typer.Option(
            "--max-age",
            metavar="DAYS|30d|12h",
            help="Refuse older attestations.",
            show_default=False,
        ),
    ] = None,
    policy: PolicyFile = None,
    previous: Previous = None,
    outputs: Outputs = None,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.attest.predicates import resolve
    from lading.cli import wiring
    from lading.cli.render import print_error, print_json
    from lading.cli.trusting import configured_rule, demands
    from lading.errors import exit_code
    from lading.trust.verifier import RuleVerifier
    from lading.usecases.targets import parse_image
    from lading.usecases.verify import verify_image
    from lading_oci.errors import FactsError

    counter = wiring.RequestCounter()
    verification: Verification | None = None
    verdict: Verdict | None = None
    try:
        named = parse_image(image)
        rule = configured_rule(trust, named.reference.name)
        verifier = RuleVerifier(rule)
        ports = wiring.ports(evidence=evidence, insecure=insecure, counter=counter)
        verification = verify_image(
            named,
            ports,
            verifier=verifier,
            predicate_type=resolve(predicate) if predicate else None,
            full=full,
            demands=demands(rule, max_age),
        )
        if policy is not None:
            verdict = judge_and_refuse(
                named, policy, ports, verifier=verifier, previous=previous, outputs=outputs
            )
    except FactsError as error:
        verdict = getattr(error, "verdict", None)
        if json:
            print_json(_refusal(image, verification, verdict, counter.count, error))
        elif verdict is not None:
            typer.echo(as_table(verdict), nl=False)
        print_error(error)
        raise typer.Exit(int(exit_code(error))) from error
    if json:
        document = {
            "policy": verdict.to_json() if verdict else None,
            "trust": rule.where,
            "requests": counter.count,
        }
        print_json({**verification.to_json(), **document})
        return
    typer.echo(f"verified  {verification.target}")
    typer.echo(f"digest    {verification.digest}")
    for one in verification.attestations:
        for line in _lines(one):
            typer.echo(line)
    if verification.seal and not full:
        count = len(verification.seal.inputs)
        typer.echo(f"sealed    {count} attestation{'s'[: count != 1]}; --full verifies each")
    if verification.engine_checked:
        typer.echo("engine    the Docker engine's copy is covered too")
    if verdict is not None:
        typer.echo(as_table(verdict), nl=False)


def _refusal(
    target: str,
    verification: Verification | None,
    verdict: Verdict | None,
    requests: int,
    error: FactsError,
) -> dict[str, Any]:
    """Return ``verify``'s document of a no; what held before a policy refused it is listed."""
    from lading.cli.render import error_to_json

    return {
        "target": target,
        "digest": verification.digest if verification else None,
        "verified": False,
        "attestations": [one.to_json() for one in verification.attestations]
        if verification
        else [],
        "policy": verdict.to_json() if verdict else None,
        "requests": requests,
        "error": error_to_json(error),
    }


def _lines(one: VerifiedAttestation) -> Iterator[str]:
    """Say what held, by whom and when, and what lay beside it and did not count."""
    yield f"evidence  {plain(one.predicate_type)} ({one.digest})"
    yield f"signer    {plain(one.signer)}"
    if one.time:
        yield f"time      {one.time.isoformat()}{'' if one.time_trusted else _WORD}"
    if one.log_index is not None:
        yield f"log       entry {one.log_index}"
    yield f"source    {one.source}"
    if one.older:
        yield f"older     {len(one.older)} more of this type hold, and do not count"
    for refusal in one.refused[:_SHOWN]:
        yield f"ignored   {refusal.source}: {refusal.code}: {plain(refusal.reason)}"
    if len(one.refused) > _SHOWN:
        yield f"ignored   {len(one.refused) - _SHOWN} more that do not hold"
