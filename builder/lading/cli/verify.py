"""``lading verify``: yes with the evidence and exit 0, or no with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lading.cli import options
from lading.cli.verifying import ASKED, Question
from lading.config import Layer

if TYPE_CHECKING:
    from lading.usecases.verify_content import Compared

__all__ = ["register"]

_HELP = """Check that a trusted signer attested exactly this image.

Models and data sets are verified by the list of their files: see `lading verify dir: --help`."""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("verify", help=_HELP)(_verify)


@options.collected("asked", ASKED)
@options.collected("trust", options.TRUST)
def _verify(
    image: options.Image,
    trust: Layer,
    asked: Layer,
    all_platforms: Annotated[
        bool,
        typer.Option("--all-platforms", help="Every platform of a multi-platform image, too."),
    ] = False,
    content: Annotated[
        bool,
        typer.Option(
            "--content", help="Look inside again, and compare each model file with the signed BOM."
        ),
    ] = False,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli import wiring
    from lading.cli.render import print_json
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
        typer.echo(line)
    for one in compared:
        typer.echo(f"content   {one.files} model and data files are as signed ({one.platform})")


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
