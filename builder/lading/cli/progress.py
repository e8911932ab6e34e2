"""Progress of what takes long, on a terminal only, always on standard error.

It is one line that is rewritten, cut to the terminal's width: a second one would stay.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from lading.cli.render import human_size, plain
from lading.image.interface import nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from lading.image.interface import Done, Entry, Image, T
    from lading.inventory import ImageFacts

__all__ = ["Watched", "look_progress", "read_progress", "transfer_progress"]

_REPAINT_SECONDS = 0.1
_WORTH_TELLING_SECONDS = 1.0  # what is done sooner needs no progress
_CLEAR = "\r\x1b[K"


def _paint(line: str) -> None:
    width = shutil.get_terminal_size().columns - 1
    shown = line if len(line) <= width else f"{line[: width - 1]}…"
    sys.stderr.write(f"{_CLEAR}{shown}")
    sys.stderr.flush()


def _clear() -> None:
    sys.stderr.write(_CLEAR)
    sys.stderr.flush()


@contextlib.contextmanager
def transfer_progress(what: str, name: str) -> Iterator[Callable[[Mapping[str, Any]], None] | None]:
    """Show one line that is rewritten as an engine goes on ("pushing"); None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    layers: dict[str, tuple[int, int]] = {}

    def show(line: Mapping[str, Any]) -> None:
        detail = line.get("progressDetail") or {}
        current, total = detail.get("current"), detail.get("total")
        if not isinstance(current, int) or not isinstance(total, int):
            return
        layers[str(line.get("id"))] = (current, total)
        done, of = (sum(values) for values in zip(*layers.values(), strict=True))
        _paint(f"{what} {plain(name)}: {human_size(done)} of {human_size(of)}")

    try:
        yield show
    finally:
        _clear()


@contextlib.contextmanager
def read_progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show how many bytes were read, and how fast; what is given may be called by any thread."""
    of = "" if total is None else f" of {human_size(total)}"
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    lock, started, shown, done = threading.Lock(), time.monotonic(), 0.0, 0

    def paint(now: float) -> None:
        speed = human_size(int(done / max(now - started, 0.001)))
        _paint(f"{plain(what)}: {human_size(done)}{of}, {speed}/s")

    def tell(count: int) -> None:
        nonlocal shown, done
        with lock:
            done += count
            now = time.monotonic()
            if now - shown >= _REPAINT_SECONDS:
                shown = now
                paint(now)

    try:
        yield tell
    finally:
        with lock:
            paint(time.monotonic())  # what came since, so that a recording of it ends with all
        _clear()


@contextlib.contextmanager
def look_progress(
    image: Image, name: str, told: Callable[[], bool] = lambda: True
) -> Iterator[Image]:
    """Show, on what must be a terminal, which file of an image is looked at and how much was.

    Whenever ``told`` says so: the terminal may be another program's meanwhile.
    """
    watched = Watched(image, plain(name), told)
    try:
        yield watched
    finally:
        watched.clear()


class Watched:
    """An image that tells what of it is looked at; layers may be read by several threads."""

    def __init__(self, image: Image, name: str, told: Callable[[], bool]) -> None:
        self._image = image
        self._name = name
        self._told = told
        self._lock = threading.Lock()
        self._done = 0
        self._next = time.monotonic() + _WORTH_TELLING_SECONDS
        self._painted = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._image, name)

    @property
    def facts(self) -> ImageFacts:
        """As the image's."""
        return self._image.facts

    def close(self) -> None:
        """As the image's."""
        self._image.close()

    def scan(
        self,
        scan: Callable[[Iterator[Entry]], T],
        diff_ids: Collection[str],
        done: Done[T] = nothing,
    ) -> Mapping[str, T]:
        """As the image's, told."""
        return self._image.scan(lambda entries: scan(self._telling(entries)), diff_ids, done)

    def clear(self) -> None:
        """Take the line away, if there is one."""
        with self._lock:
            self._next = float("inf")
            if self._painted:
                _clear()

    def _telling(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self._tell(entry.path, entry.size)
            yield entry

    def _tell(self, path: str, size: int) -> None:
        with self._lock:
            self._done += size
            now = time.monotonic()
            if now >= self._next and self._told():
                self._next = now + _REPAINT_SECONDS
                self._painted = True
                _paint(f"looked into {human_size(self._done)} of {self._name}: /{plain(path)}")
