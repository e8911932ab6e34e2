"""``lading verify``: yes with the evidence and exit 0, or no with the reason."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from lading.cli import options

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("verify", help="Check that a trusted signer attested exactly this image.")(_verify)


def _verify(
    image: options.Image,
    key: options.PublicKeys = None,
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
    from lading.errors import exit_code
    from lading.usecases.targets import parse_image
    from lading.usecases.verify import verify_image
    from lading_oci.errors import FactsError

    counter = wiring.RequestCounter()
    try:
        verification = verify_image(
            parse_image(image),
            wiring.ports(evidence=evidence, insecure=insecure, counter=counter),
            verifier=wiring.configured_verifier(key),
            predicate_type=resolve(predicate) if predicate else None,
            full=full,
            max_age=_age(max_age) if max_age else None,
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
        print_json({**verification.to_json(), "policy": None, "requests": counter.count})
        return
    typer.echo(f"verified  {verification.target}")
    typer.echo(f"digest    {verification.digest}")
    for one in verification.attestations:
        typer.echo(f"evidence  {one.predicate_type} ({one.digest})")
        typer.echo(f"signer    {one.signer}")
        if one.time:
            word = "" if one.time_trusted else " (the signer's word)"
            typer.echo(f"time      {one.time.isoformat()}{word}")
        typer.echo(f"source    {one.source}")
    if verification.seal and not full:
        count = len(verification.seal.inputs)
        typer.echo(f"sealed    {count} attestation{'s'[: count != 1]}; --full verifies each")
    if verification.engine_checked:
        typer.echo("engine    the Docker engine's copy is covered too")


def _age(text: str) -> timedelta:
    from lading.errors import UsageError

    found = re.fullmatch(r"(\d{1,6})([dhm]?)", text)
    if found is None:
        raise UsageError("--max-age is not a duration", got=text, wanted="30d, 12h, 90m or days")
    unit = {"": "days", "d": "days", "h": "hours", "m": "minutes"}[found[2]]
    return timedelta(**{unit: int(found[1])})
