"""Load, while docker builds, what looking into its image and signing will need."""

from __future__ import annotations

import contextlib
import importlib
import threading
from typing import Final

__all__ = ["NEEDED", "warm_up"]

#: Loading these takes a third of a second, as long as a rebuild of one line.
NEEDED: Final = (
    "lading.image.docker",
    "lading.packages.python",
    "lading.packages.others",
    "lading.packages.merge",
    "lading.usecases.inspect",
    "lading.usecases.recall",
    "lading.usecases.release",
    "lading.usecases.attest",
    "lading.usecases.provenance",
    "lading.usecases.match",
    "lading.bom.document",
    "lading.bom.validate",
    "lading.cli.matching",
    "lading.cli.summary",
    "packaging.requirements",
    "yaml",
)


def warm_up(*, pushing: bool = False) -> threading.Thread:
    """Start loading, beside whatever the caller waits for, and return the thread.

    The engine's client library is needed to push, and where the engine must send the layers.

    It is to be joined before the caller loads any of it: two threads that import modules which
    import each other can meet half way, and one then finds half a module.
    """
    thread = threading.Thread(target=_load, args=(pushing,), name="warm-up")
    thread.start()
    return thread


def _load(pushing: bool) -> None:
    for name in NEEDED:
        _load_one(name)
    with contextlib.suppress(ImportError):
        from lading.image.docker_ways import sees_everything

        if pushing or not sees_everything():
            _load_one("docker")


def _load_one(name: str) -> None:
    with contextlib.suppress(Exception):  # whoever needs it will fail, and be heard
        importlib.import_module(name)
