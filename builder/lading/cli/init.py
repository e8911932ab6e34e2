"""``lading init``: write templates into a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lading.cli import options

if TYPE_CHECKING:
    from lading_templates import File

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("init", help="Write policies, pipelines and manifests into a project.")(_init)


def _init(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Templates (see --list); the policies by default."),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Say which templates there are.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that differ.")] = False,
    directory: Annotated[
        Path, typer.Option("--directory", metavar="DIR", help="The project.")
    ] = Path(),
    json: options.Json = False,
) -> None:
    from lading.cli.render import print_json, say, table
    from lading_templates import DEFAULT, TEMPLATES

    if listing:
        if json:
            print_json({name: one.summary for name, one in TEMPLATES.items()})
        else:
            say(table(("NAME", "WHAT"), [(n, one.summary) for n, one in TEMPLATES.items()]))
        return
    files = _files(names or list(DEFAULT))
    written, kept = _write(files, directory, force=force)
    if json:
        print_json({"written": written, "kept": kept})
        return
    for path in written:
        say(f"written   {path}")
    for path in kept:
        say(f"kept      {path}")


def _files(names: list[str]) -> list[File]:
    import difflib

    from lading.errors import UsageError
    from lading_templates import TEMPLATES

    found: dict[str, File] = {}
    for name in names:
        if name not in TEMPLATES:
            close = difflib.get_close_matches(name, TEMPLATES, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else "See `lading init --list`."
            raise UsageError("There is no such template", got=name, hint=hint)
        found.update({one.path: one for one in TEMPLATES[name].files})
    return list(found.values())


def _write(files: list[File], directory: Path, *, force: bool) -> tuple[list[str], list[str]]:
    """Write what is not there; return what was written, and what was there already and equal.

    Raises:
        InputError: a file is there and differs (nothing is written then), or cannot be written.
    """
    from lading.errors import InputError

    written, kept = [], []
    try:
        there = {
            one.path: (directory / one.path).read_bytes()
            for one in files
            if (directory / one.path).exists()
        }
        differing = sorted(
            one.path for one in files if there.get(one.path) not in (None, one.content())
        )
        if differing and not force:
            raise InputError(
                "These files are there already, and differ",
                where=str(directory),
                got=", ".join(differing),
                hint="Nothing was written. --force overwrites them.",
            )
        for one in files:
            path = directory / one.path
            if there.get(one.path) == one.content():
                kept.append(one.path)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(one.content())
            if one.executable:
                path.chmod(path.stat().st_mode | 0o111)
            written.append(one.path)
    except OSError as error:
        raise InputError(
            "A template cannot be written", where=str(error.filename), got=error.strerror
        ) from error
    return written, kept
