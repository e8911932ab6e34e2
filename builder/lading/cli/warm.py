"""Do, while docker builds, what looking into its image and signing would wait for."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
import threading
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

__all__ = ["NEEDED", "OFTEN_NEEDED", "WarmUp"]

#: What every build needs. Loading it takes a quarter of a second, as long as a rebuild of a line.
NEEDED: Final = (
    "lading.image.docker",
    "lading.engine.client",
    "lading.usecases.foresee",
    "lading.usecases.recall",
    "lading.cli.frugal",
    "ctypes",
    "lading.image.cache",
    "lading.packages.capture",
    "lading.packages.syft_find",
    "lading.engine.dockerfile",
    "lading.cli.ahead",
    "lading.cli.matching",
    "lading.usecases.match",
    "lading.cli.trusting",
    "lading.attest.verifiers.key",
    "lading_oci.layout",
    "lading_oci.attaching",
    "lading.usecases.attest",
    "lading.usecases.release",
    "lading.usecases.provenance",
    "lading.engine.probe",
    "lading.bom.document",
    "lading.bom.validate",
    "lading.cli.summary",
    "cryptography.hazmat.backends.openssl.backend",
)
#: What a layer with models or packages in it needs besides.
OFTEN_NEEDED: Final = (
    "lading.packages.python",
    "lading.packages.others",
    "lading.packages.merge",
    "packaging.requirements",
    "yaml",
)
#: Docker has the processor first, but nobody who waits for us waits long on a busy machine.
_NICENESS: Final = 5
_THRESHOLDS: Final = (700, 10, 10)  # Python's own


class WarmUp:
    """Loads, beside whatever the caller waits for, until :meth:`end`.

    The engine's client library is needed to push (``pushing``), and for engines elsewhere.
    ``foresee`` makes what the image that is built will ask for, until the event that it is given;
    False when it knows nothing of the image.
    """

    def __init__(
        self,
        *,
        pushing: bool = False,
        foresee: Callable[[threading.Event], bool] = lambda _: False,
    ) -> None:
        # Nothing here becomes garbage, and to look for it among all that is loaded takes 10 ms.
        gc.disable()
        self._over = threading.Event()
        known = partial(foresee, self._over)
        self._threads = [
            threading.Thread(target=self._work, args=(pushing, known), name="warm-up"),
            threading.Thread(target=_ask_engine, name="ask ahead"),
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Return when nothing is loaded here any more: before the caller loads any of it.

        Two threads that import modules which import each other can meet half way, and one then
        finds half a module.
        """
        self._over.set()
        for thread in self._threads:
            thread.join()
        # What was loaded stays: without it, looking for garbage among the rest is quick.
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)
        gc.enable()

    def _work(self, pushing: bool, foresee: Callable[[], bool]) -> None:
        _give_way()
        for step in _steps(pushing, foresee):
            if self._over.is_set():
                return
            with contextlib.suppress(Exception):  # whoever needs it will fail, and be heard
                step()


def _steps(pushing: bool, foresee: Callable[[], bool]) -> Iterator[Callable[[], object]]:
    from lading.engine.local import chosen_host

    for name in NEEDED:
        yield partial(importlib.import_module, name)
    yield _sign_once
    if pushing or not chosen_host().startswith("unix://"):
        yield partial(importlib.import_module, "docker")
    foreseen: list[bool] = []
    yield lambda: foreseen.append(foresee())
    if any(foreseen):
        return  # what is kept needs no readers, most probably
    yield _rehearse
    for name in OFTEN_NEEDED:
        yield partial(importlib.import_module, name)


def _give_way() -> None:
    """Let docker go before this thread, where a system can tell threads apart."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _sign_once() -> None:
    """Sign nothing, with nobody's key: OpenSSL takes ten times as long for its first signature."""
    from cryptography.hazmat.primitives.asymmetric import ec

    from lading.attest.signatures import sign

    sign(ec.generate_private_key(ec.SECP256R1()), b"")


def _rehearse() -> None:
    """Write a BOM about next to nothing: the schema is compiled, and all else done once."""
    from lading.inventory import (
        Fact,
        ImageFacts,
        Inspection,
        LayerFacts,
        Model,
        ModelFile,
        Origin,
        Package,
        Platform,
        Role,
    )
    from lading.models.vocabulary import LICENSE
    from lading.usecases.attest import make_bom

    digest = "sha256:" + "0" * 64
    image = ImageFacts("rehearsal", Platform("linux", "amd64"), digest, (LayerFacts(digest, 0),))
    file = ModelFile("m/weights", 0, "0" * 64, Role.WEIGHTS, "safetensors", layer=digest)
    licence = {LICENSE: Fact("MIT", Origin.DECLARED, "m/README.md: license")}
    make_bom(
        Inspection(
            "rehearsal",
            image,
            (Model("m", "safetensors", (file,), licence),),
            packages=(
                Package("pkg:pypi/p@1", "p", "1", "pypi", licenses=("MIT OR Apache-2.0", "a text")),
            ),
        )
    )


def _ask_engine() -> None:
    with contextlib.suppress(Exception):
        from lading.engine.ahead import ask_ahead

        ask_ahead()
