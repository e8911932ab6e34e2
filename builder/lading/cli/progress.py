"""Progress of long transfers, on a terminal only, always on standard error."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from lading.cli.render import human_size, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["push_progress"]


@contextlib.contextmanager
def push_progress(name: str) -> Iterator[Callable[[Mapping[str, Any]], None] | None]:
    """Show one line that is rewritten as an engine's push goes on; None without a terminal."""
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
        sys.stderr.write(f"\r\x1b[Kpushing {plain(name)}: {human_size(done)} of {human_size(of)}")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
