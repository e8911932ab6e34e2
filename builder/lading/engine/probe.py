"""Ask a Docker engine for one image's ID with the standard library alone.

``lading verify`` must know whether the engine would run something else under the verified name,
and must not pay a client library's import for it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from lading.engine.ahead import INFO, known
from lading.engine.local import ask
from lading.errors import EngineError
from lading.records import record

if TYPE_CHECKING:
    from lading.engine.local import Answer

__all__ = ["EngineImage", "engine_image", "engine_version"]

_NOT_FOUND = 404


@record
class EngineImage:
    """What an engine holds under a name. ``image_id`` is ``sha256:…``; ``layers`` are diff IDs."""

    image_id: str
    repo_digests: tuple[str, ...]
    layers: tuple[str, ...] = ()


def engine_image(name: str) -> EngineImage | None:
    """Return what the local engine has under ``name``, or None.

    None also when no engine answers on a local socket: then nothing here can run the image.
    Engines reached over TCP or SSH are not asked; they are not this host's.

    Raises:
        EngineError: the engine answers, but not with an image and not with "no such image"; or it
            is there, and this user may not ask it.
    """
    answer = ask(f"/images/{quote(name, safe='/:@')}/json")
    if answer is None:
        return None
    status, body = answer
    if status == _NOT_FOUND:
        return None
    try:
        found = json.loads(body)
        layers = (found.get("RootFS") or {}).get("Layers") or ()
        return EngineImage(str(found["Id"]), tuple(found.get("RepoDigests") or ()), tuple(layers))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(
            "The Docker engine could not say what it has under a name",
            where=name,
            got=f"HTTP {status}",
            hint="Check the engine with `docker image inspect`; "
            "`registry:NAME` verifies the registry's image alone.",
        ) from error


def engine_version() -> str | None:
    """Return the local engine's version, or None when none answers."""
    return _text(known(INFO), "ServerVersion") or _text(ask("/version"), "Version")


def _text(answer: Answer | None, name: str) -> str | None:
    try:
        found = json.loads(answer[1])[name] if answer else None
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None
