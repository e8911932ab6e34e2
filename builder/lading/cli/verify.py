"""``lading verify``: yes with the evidence and exit 0, or no with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from lading.cli import options
from lading.cli.render import plain
from lading.config import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.usecases.verify import VerifiedAttestation

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
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.attest.predicates import resolve
    from lading.cli import wiring
    from lading.cli.render import error_to_json, print_error, print_json
    from lading.cli.trusting import configured_rule, demands
    from lading.errors import exit_code
    from lading.trust.verifier import RuleVerifier
    from lading.usecases.targets import parse_image
    from lading.usecases.verify import verify_image
    from lading_oci.errors import FactsError

    counter = wiring.RequestCounter()
    try:
        named = parse_image(image)
        rule = configured_rule(trust, named.reference.name)
        verification = verify_image(
            named,
            wiring.ports(evidence=evidence, insecure=insecure, counter=counter),
            verifier=RuleVerifier(rule),
            predicate_type=resolve(predicate) if predicate else None,
            full=full,
            demands=demands(rule, max_age),
        )
    except FactsError as error:
        if json:
            print_json(
                {
                    "target": image,
                    "digest": None,
                    "verified": False,
                    "attestations": [],
                    "policy": None,
                    "requests": counter.count,
                    "error": error_to_json(error),
                }
            )
        print_error(error)
        raise typer.Exit(int(exit_code(error))) from error
    if json:
        document = {"policy": None, "trust": rule.where, "requests": counter.count}
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
