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
    all_platforms: options.AllPlatforms = False,
    all_layers: Annotated[
        bool,
        typer.Option(
            "--all-layers", help="Also list what lower layers carry and no container sees."
        ),
    ] = False,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli.inspecting import inspect

    inspect(
        target,
        platform=platform,
        all_platforms=all_platforms,
        all_layers=all_layers,
        insecure=insecure,
        json=json,
    )
