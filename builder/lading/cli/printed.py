"""What ``lading inspect`` printed of an engine's image, kept with all that it depends on.

The engine is asked whether the name still stands for the same image; then nothing else needs to
be loaded, looked at or put together. The key holds the question, the engine's whole answer, every
file of lading and every syft there is, so that another answer is never taken for this one.
"""

from __future__ import annotations

import hashlib
import os

from lading.engine import local
from lading.errors import EngineError
from lading.image import split_target
from lading.image.cache import LayerCache
from lading.packages.syft_places import places
from lading.records import record
from lading.usecases.code import code_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.inventory import Inspection

__all__ = ["Asked", "ask", "keep", "recall"]

_VERSION = "printed-2"
_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/@-"
_OK = 200


@record
class Asked:
    """A question about an engine's image, with the image as it is now."""

    key: str
    described: bytes  # GET /images/NAME/json


def ask(target: str, *, json_wanted: bool, all_layers: bool) -> Asked | None:
    """Return the question; None when the answer to it cannot be kept.

    That is one about anything but an image that a local engine has, and with ``LADING_NO_CACHE``.
    """
    prefix, name = split_target(target)
    if prefix not in (None, "docker") or not name[:1].isalnum() or name.strip(_PLAIN):
        return None
    if os.environ.get("LADING_NO_CACHE"):
        return None
    try:
        answer = local.ask(f"/images/{name}/json")
    except EngineError:
        return None  # whoever opens the image will tell
    if answer is None or answer[0] != _OK:
        return None
    described = answer[1]
    settled = [
        *(target, json_wanted, all_layers, code_state(), _syft()),
        hashlib.sha256(described).hexdigest(),
    ]
    digest = hashlib.sha256(ascii(settled).encode()).hexdigest()
    return Asked(f"sha256:{digest}", described)


def _syft() -> list[tuple[str, int, int]]:
    found = []
    for place in places(os.environ):
        status = os.stat(place)
        found.append((place, status.st_size, status.st_mtime_ns))
    return found


def recall(asked: Asked) -> str | None:
    """Return what was printed in answer to the same question, or None."""
    return LayerCache(None, _VERSION).get_text(asked.key)


def keep(
    before: Asked,
    after: Asked | None,
    inspection: Inspection,
    render: Callable[[Inspection], str],
) -> None:
    """Keep what is to be printed the next time: the same, with every layer from the cache.

    Nothing is kept when the name came to stand for another image in between.
    """
    import json
    from dataclasses import replace

    facts = inspection.image
    known = {facts.config_digest, facts.manifest_digest, facts.index_digest}
    if after != before or json.loads(before.described).get("Id") not in known:
        return
    layers = tuple(replace(layer, cached=True) for layer in facts.layers)
    cached = replace(inspection, image=replace(facts, layers=layers))
    LayerCache(None, _VERSION).put_text(before.key, render(cached))
