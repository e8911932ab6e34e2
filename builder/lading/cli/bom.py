"""``lading bom``: the CycloneDX document of a target."""

from __future__ import annotations

from functools import partial
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
            help="Write there, not to standard output; a directory with --all-platforms.",
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
    from lading import bom
    from lading.cli import wiring
    from lading.cli.render import print_json, write_file
    from lading.errors import UsageError
    from lading.usecases.attest import make_bom
    from lading_oci.digest import digest_of

    for what, got, known in (
        ("CycloneDX version", spec_version, bom.SPEC_VERSIONS),
        ("form of CycloneDX", form, ("json", "xml")),
    ):
        if got not in known:
            raise UsageError(f"There is no such {what} here", got=got, wanted=" or ".join(known))
    if all_platforms:
        from lading.cli.every import bom_every

        made = partial(make_bom, spec_version=spec_version, xml=form == "xml")
        bom_every(target, platform, output, form, made, insecure=insecure, json=json)
        return
    inspection = wiring.inspect(target, platform=platform, insecure=insecure)
    document = make_bom(inspection, spec_version=spec_version, xml=form == "xml")
    if output is None:
        typer.echo(document, nl=False)
        return
    write_file(output, document)
    if json:
        print_json({"path": str(output), "digest": digest_of(document), "size": len(document)})
