"""Command lines that typer reads: mistakes in them are told as every other error is.

So a mistyped word is one paragraph like any error, with what was probably meant, and under
``--json`` a document like any error's.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

import typer

from lading.cli.render import note
from lading.errors import UsageError
from lading.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["run_app"]

#: What typer raises for every mistake: the base of the one such class that it exports.
_Mistake: Final[type[Exception]] = typer.BadParameter.__mro__[1]
#: Words of docker's that build too, and what to do in place of each.
_OF_DOCKERS: Final = {
    "buildx": "`lading build` takes the options of `docker buildx build`, too.",
    "builder": "`lading build` takes the options of `docker builder build`, too.",
    "image": "`lading build` takes the options of `docker image build`, too.",
    "bake": "Build with docker, then `lading push IMAGE` or `lading attest IMAGE`.",
    "compose": "Build with docker, then `lading push IMAGE` or `lading attest IMAGE`.",
    "run": "`lading verify IMAGE && docker run IMAGE` runs only what was verified.",
    "sign": "`lading attest IMAGE` signs what is in the image.",
    "login": "Credentials are docker's: `docker login`.",
}
_CLOSE: Final = 0.7  # of difflib's ratio: --polcy is --policy, --json is not --version


def run_app(app: typer.Typer, words: Sequence[str]) -> int:
    """Run the application and return its exit status.

    Raises:
        UsageError: the words are not what it takes.
        FactsError: whatever the verb raises.
    """
    try:
        status = app(list(words), prog_name="lading", standalone_mode=False)
    except _Mistake as error:
        text = _message(error)
        if text.startswith("Usage:"):  # nothing was asked: typer answers with the whole help
            note(text)
            return int(ExitCode.USAGE)
        raise UsageError(text.rstrip("."), hint=_hint(error, words)) from error
    return status if isinstance(status, int) else int(ExitCode.OK)


def _message(error: Any) -> str:
    if hasattr(error, "possibilities"):  # without typer's list: what is close is in the hint
        return str(error.message)
    text: str = error.format_message()
    return text.replace(": Value error, ", ": ")


def _hint(error: Any, words: Sequence[str]) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else f"lading {words[0]}"
    see = f"See `{path} --help`."
    if context is not None and context.parent is None and words:
        if words[0] in _OF_DOCKERS:
            return _OF_DOCKERS[words[0]]
        if hasattr(error, "option_name"):
            return f"Options follow the verb: lading VERB [OPTIONS]. {see}"
    wrong = getattr(error, "option_name", "")
    close = difflib.get_close_matches(
        wrong, getattr(error, "possibilities", None) or (), n=1, cutoff=_CLOSE
    )
    return f"Did you mean {close[0]}? {see}" if close else see
