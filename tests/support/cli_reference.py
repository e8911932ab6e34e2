"""The verbs and their options as a page of documentation, from what is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from lading.cli import VERBS, make_app
from lading.cli.build import HELP
from lading.cli.options import SIGNING, TRUST

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

#: What several verbs share and is told once: heading → settings, a verb that has them all.
_SHARED: dict[str, tuple[Collection[str], str]] = {
    "signing options": (SIGNING, "push"),
    "trust options": (TRUST, "tree"),
}
_EVERYWHERE = {"--json", "--help"}


def verbs_page() -> str:
    """Return a section for what is shared, and one for each verb."""
    return "\n".join(_sections())


def _sections() -> Iterator[str]:
    commands: Mapping[str, Any] = _app(VERBS).commands
    shared = {heading: _shared(*where, commands) for heading, where in _SHARED.items()}
    for heading, rows in shared.items():
        yield f"### {heading.capitalize()}\n"
        yield from _table(rows)
    for verb, command in commands.items():
        if verb == "build":
            yield f"### lading build\n\n```\n{HELP}```\n"
            continue
        yield from _verb(f"lading {verb}", command, shared)
        for inner, below in getattr(command, "commands", {}).items():
            yield from _verb(f"lading {verb} {inner}", below, shared)
        if verb in ("attest", "verify"):
            (of_sources,) = _app((f"{verb}_source",)).commands.values()
            yield from _verb(f"lading {verb}", of_sources, shared)


def _app(verbs: tuple[str, ...]) -> Any:
    return typer.main.get_command(make_app(verbs))


def _shared(settings: Collection[str], verb: str, commands: Mapping[str, Any]) -> dict[str, str]:
    wanted = {f"--{name}" for name in settings}
    return dict(_row(one) for one in _options(commands[verb]) if wanted & {*one.opts})


def _verb(name: str, command: Any, shared: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    words = [one.metavar if one.required else f"[{one.metavar}]" for one in arguments]
    yield f"### {' '.join([name, *words])}\n\n{(command.help or '').strip()}\n"
    rows = dict(map(_row, _options(command)))
    besides = []
    for heading, those in shared.items():
        if those.items() <= rows.items():
            rows = {flags: text for flags, text in rows.items() if flags not in those}
            besides.append(f"the [{heading}](#{heading.replace(' ', '-')})")
    if rows:
        yield from _table(rows)
    if besides:
        yield f"{'Besides' if rows else 'Takes'}: {', '.join(besides)}.\n"


def _options(command: Any) -> Iterator[Any]:
    for one in command.params:
        if one.param_type_name == "option" and not _EVERYWHERE & {*one.opts}:
            yield one


def _row(option: Any) -> tuple[str, str]:
    value = "" if option.is_flag else f" {option.metavar}"
    flags = ", ".join(f"`{flag}{value}`" for flag in option.opts)
    return flags.replace("|", "\\|"), (option.help or "").replace("|", "\\|")


def _table(rows: Mapping[str, str]) -> Iterator[str]:
    yield "| option | |\n|---|---|"
    yield from (f"| {flags} | {text} |" for flags, text in rows.items())
    yield ""
