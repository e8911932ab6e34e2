"""``lading inspect``: what is inside a target."""

from __future__ import annotations

from typing import Annotated

import typer

from lading.cli import options

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("inspect", help="List the models and packages inside an image.")(_inspect)


def _inspect(
    target: options.Target,
    platform: options.Platform = None,
    all_layers: Annotated[
        bool,
        typer.Option(
            "--all-layers", help="Also list what lower layers carry and no container sees."
        ),
    ] = False,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli import wiring
    from lading.cli.render import print_json
    from lading.cli.summary import inspection_json, inspection_text

    inspection = wiring.inspect(target, platform=platform, insecure=insecure, all_layers=all_layers)
    if json:
        print_json(inspection_json(inspection))
    else:
        typer.echo(inspection_text(inspection))
