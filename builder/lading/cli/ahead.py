"""What ``lading build`` knows of its image before docker has ended.

What the last image of the name had inside is foreseen; and docker writes down which image it has
built some time before it ends, so that one can be looked into by then.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from lading.inventory import Inspection
    from lading.usecases.foresee import Foreseeing

__all__ = ["Ahead"]

_ID: Final = re.compile(r"sha256:[0-9a-f]{64}")
#: Seconds between looks at docker's file; a hundredth of the time that it has taken so far.
_OFTENEST, _SELDOMEST, _SHARE = 0.001, 0.05, 0.01


class Ahead:
    """The contents that are kept of an image's name, and the image itself when it was seen.

    ``match`` says of each model whether it is an attested one; None where those are far away.
    With ``told``, a terminal is shown what is looked at, when docker is done with it.
    """

    def __init__(
        self,
        name: str | None,
        match: Callable[[Inspection], Inspection] | None = None,
        *,
        told: bool = True,
    ) -> None:
        self._name = name
        self._match = match
        self._told = told
        self._contents: Foreseeing | None = None
        self._seen: tuple[str, Inspection] | None = None

    def work(self, iidfile: str, over: threading.Event) -> bool:
        """Foresee the image and look into it once its ID is in ``iidfile``, until ``over``.

        False when nothing is known of its name.
        """
        from lading.cli import wiring
        from lading.image.cache import LayerCache
        from lading.usecases.foresee import VERSION, rehearse

        if self._name is None:
            return False
        self._contents = wiring.contents_of_name(self._name)
        LayerCache(None, VERSION).sweep()  # docker is waited for anyway
        found = self._contents.read()
        if found is None:
            return False
        rehearse(self._match(found) if self._match else found)
        image_id = _awaited(iidfile, over)
        if image_id is not None:
            self._seen = image_id, self._look(image_id, over.is_set)
        return True

    def inspect(self, image_id: str, name: str) -> Inspection:
        """Return what the engine's image has inside, its other name being ``name``.

        Raises:
            InputError, EngineError: as :func:`lading.cli.wiring.inspect`.
        """
        if name != self._name:
            self._name, self._contents, self._seen = name, None, None
        if self._seen is not None and self._seen[0] == image_id:
            return self._seen[1]
        return self._look(image_id, lambda: True)

    def _look(self, image_id: str, dockers_end: Callable[[], bool]) -> Inspection:
        """Look into an image by its ID, which cannot come to stand for another; call it by name."""
        from dataclasses import replace

        from lading.cli import wiring

        found = wiring.inspect(
            f"docker:{image_id}",
            name=self._name,
            contents=self._contents,
            told=dockers_end if self._told else None,
        )
        return replace(found, image=replace(found.image, name=self._name or image_id))


def _awaited(iidfile: str, over: threading.Event) -> str | None:
    """Return the ID that docker writes into a file of its own; None when that is over."""
    from lading.engine.builder import id_in

    begun, pause = time.monotonic(), _OFTENEST
    while not over.wait(pause):
        found = id_in(iidfile)
        if _ID.fullmatch(found):
            return found
        pause = min(max((time.monotonic() - begun) * _SHARE, _OFTENEST), _SELDOMEST)
    return None
