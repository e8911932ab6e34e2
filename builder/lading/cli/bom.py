"""``lading bom``: the CycloneDX document of a target."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lading.cli import options

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("bom", help="Write the CycloneDX SBOM and ML-BOM of an image.")(_bom)


def _bom(
    target: options.Target,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write there, not to standard output (-); a directory with --all-platforms.",
        ),
    ] = None,
    spec_version: Annotated[
        str, typer.Option("--spec-version", metavar="1.6|1.7", help="CycloneDX version.")
    ] = "1.6",
    form: Annotated[
        str, typer.Option("--format", metavar="json|xml", help="Which of CycloneDX's two forms.")
    ] = "json",
    platform: options.Platform = None,
    all_platforms: options.AllPlatforms = False,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli.writing import bom

    bom(
        target,
        output=output,
        spec_version=spec_version,
        format=form,
        platform=platform,
        all_platforms=all_platforms,
        insecure=insecure,
        json=json,
    )
