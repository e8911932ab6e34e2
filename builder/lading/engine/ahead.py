"""What an engine says of itself, asked while it is busy with a build: it does not change meanwhile.

Such an answer takes an engine 10 to 20 ms, because it runs other programs for it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from lading.engine import local
from lading.errors import EngineError

if TYPE_CHECKING:
    from lading.engine.local import Answer

__all__ = ["INFO", "ask_ahead", "known"]

INFO: Final = "/info"
_OK: Final = 200

_answers: dict[tuple[str, str], Answer] = {}


def ask_ahead(host: str | None = None) -> None:
    """Ask the engine that is at ``host``, by default docker's, and remember for this process.

    An engine that does not answer is one that whoever needs it hears nothing from.
    """
    host = host or local.chosen_host()
    with contextlib.suppress(EngineError):
        answer = local.ask(INFO, host)
        if answer is not None and answer[0] == _OK:
            _answers[host, INFO] = answer


def known(path: str, host: str | None = None) -> Answer | None:
    """Return what was asked ahead, or None."""
    return _answers.get((host or local.chosen_host(), path)) if _answers else None
