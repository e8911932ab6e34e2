"""``lading verify``: yes with the evidence and exit 0, or no with the reason."""

from __future__ import annotations

from typing import Annotated

import typer

from lading.cli import options
from lading.cli.asking import ASKED
from lading.config import Layer

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
    from lading.cli.verifying import verify

    verify(
        image,
        trust=trust,
        asked=asked,
        all_platforms=all_platforms,
        content=content,
        evidence=evidence,
        insecure=insecure,
        json=json,
    )
