"""The options of ``lading`` itself."""

from __future__ import annotations

import typer

from lading import __version__

__all__ = ["root"]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"lading {__version__}")
        raise typer.Exit


def root(
    version: bool = typer.Option(
        False,
        "--version",
        help="Print the version and exit.",
        callback=_print_version,
        is_eager=True,
    ),
) -> None:
    """Docker build, plus a signed list of every model and package in the image."""
