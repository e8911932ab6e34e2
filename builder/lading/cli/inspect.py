"""``lading inspect``: what is inside a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lading.cli import options

if TYPE_CHECKING:
    from lading.inventory import Inspection

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
    from lading.cli import printed, wiring
    from lading.cli.render import json_text
    from lading.cli.summary import inspection_json, inspection_text

    if all_platforms:
        from lading.cli.every import inspect_every

        inspect_every(target, platform, insecure=insecure, all_layers=all_layers, json=json)
        return

    def render(inspection: Inspection) -> str:
        return json_text(inspection_json(inspection)) if json else inspection_text(inspection)

    def ask() -> printed.Asked | None:
        return printed.ask(target, json_wanted=json, all_layers=all_layers)

    asked = ask() if platform is None else None
    inspection = wiring.inspect(target, platform=platform, insecure=insecure, all_layers=all_layers)
    typer.echo(render(inspection))
    if asked:
        printed.keep(asked, ask(), inspection, render)
