"""Progress of long transfers, on a terminal only, always on standard error."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from lading.cli.render import human_size, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["read_progress", "transfer_progress"]

_REPAINT_SECONDS = 0.1


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
        sys.stderr.write(f"\r\x1b[K{what} {plain(name)}: {human_size(done)} of {human_size(of)}")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


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
        sys.stderr.write(f"\r\x1b[K{plain(what)}: {human_size(done)}{of}, {speed}/s")
        sys.stderr.flush()

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
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
