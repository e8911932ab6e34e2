"""The ways to the layers of an image in a Docker engine, cheapest first.

1. ``directories``: the classic store keeps each layer in a directory of overlayfs. Where the
   engine is on this machine and we may read them, nothing needs to be sent: two are read at a
   time.
2. ``archive``: the engine mounts those same directories, read-only, into a container that is
   never started, and sends the wanted ones as tars, two at a time. Nothing of the image runs,
   nothing is spooled. The tars do not show which directories are opaque.
3. ``save``: every engine can; the classic store writes the image to its own temporary directory
   first, and every layer is sent, wanted or not.

``wanted`` layers are best in the order of their sizes, the largest last. Each way returns None
where it cannot be gone, before anything is scanned.
"""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from lading.errors import EngineError
from lading.image.beside import for_two, two_at_once
from lading.image.directory import FileEntry, walk
from lading.image.interface import EntryKind
from lading.image.layers import collected
from lading.image.saved import read_saved
from lading.image.tar import TarReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lading.engine.client import Engine
    from lading.image.beside import Together
    from lading.image.interface import Done, Entry

__all__ = ["from_archive", "from_directories", "from_save", "layer_directories"]

T = TypeVar("T")

_CAP_SYS_ADMIN = 21  # capabilities(7): needed to read trusted.* xattrs


def layer_directories(
    engine: Engine, inspected: Mapping[str, Any], diff_ids: Sequence[str]
) -> dict[str, str]:
    """Return the engine's directory of each layer by diff ID; empty where that is not to be had.

    Only overlay2 with native diffs keeps whole files there: without (``redirect_dir``,
    ``metacopy``) a directory may hold a reference to a lower one.
    """
    driver = inspected.get("GraphDriver")
    data = driver.get("Data") if isinstance(driver, dict) else None
    if (
        not isinstance(data, dict)
        or not isinstance(driver, dict)
        or driver.get("Name") != "overlay2"
    ):
        return {}
    upper, lower = data.get("UpperDir"), data.get("LowerDir", "")
    if not isinstance(upper, str) or not isinstance(lower, str):
        return {}
    found = [path for path in reversed([upper, *lower.split(":")]) if path.startswith("/")]
    if len(found) != len(diff_ids):
        return {}
    status = engine.info().get("DriverStatus")
    native = ["Native Overlay Diff", "true"]
    if not isinstance(status, list) or native not in status:
        return {}
    return dict(zip(diff_ids, found, strict=True))


def from_directories(
    engine: Engine,
    directories: Mapping[str, str],
    scan: Callable[[Iterator[Entry]], T],
    wanted: Sequence[str],
    done: Done[T],
) -> dict[str, T] | None:
    """Read the layers' directories themselves: as root, on the engine's own machine."""
    if engine.endpoint.local_socket is None or not _sees_everything():
        return None
    places = {diff_id: directories.get(diff_id, "") for diff_id in wanted}
    if not all(place and Path(place).is_dir() for place in places.values()):
        return None

    def one(diff_id: str, together: Together) -> T:
        return scan(together.checked(walk(places[diff_id], overlay=True)))

    return collected(two_at_once(one, for_two(wanted, wanted.index)), done)


def _sees_everything() -> bool:
    """Say whether we may read any file and the xattr that marks opaque directories."""
    if os.geteuid() != 0:
        return False
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        mapped = Path("/proc/self/uid_map").read_text(encoding="ascii").split()
    except OSError:
        return False
    _, _, effective = status.partition("CapEff:")
    capabilities = int(effective.split(None, 1)[0], 16) if effective.strip() else 0
    return bool(capabilities >> _CAP_SYS_ADMIN & 1) and mapped[:2] == ["0", "0"]


def from_archive(
    engine: Engine,
    image_id: str,
    directories: Mapping[str, str],
    scan: Callable[[Iterator[Entry]], T],
    wanted: Sequence[str],
    done: Done[T],
) -> dict[str, T] | None:
    """Have the engine send the layers' directories, out of a container that is never started.

    Two are sent at a time.
    """
    if not all(directories.get(diff_id) for diff_id in wanted):
        return None
    # no image can have a link or a file where it cannot know that a directory will be mounted
    base = f"/lading-{secrets.token_hex(16)}"
    ordered = for_two(wanted, wanted.index)
    places = {diff_id: f"{base}/{number}" for number, diff_id in enumerate(ordered)}
    binds = {directories[diff_id]: place for diff_id, place in places.items()}
    with ExitStack() as held:
        containers: list[str] = []
        for _ in range(min(2, len(places))):  # the engine sends one path of a container at a time
            try:
                containers.append(engine.create_container(image_id, binds))
            except EngineError:
                return None  # directories that the engine does not let be mounted, or elsewhere
            held.callback(engine.remove_container, containers[-1])
        return _archived(engine, containers, places, scan, done)


def _archived(
    engine: Engine,
    containers: Sequence[str],
    places: Mapping[str, str],
    scan: Callable[[Iterator[Entry]], T],
    done: Done[T],
) -> dict[str, T] | None:
    free: SimpleQueue[str] = SimpleQueue()
    for container in containers[1:]:
        free.put(container)

    first = next(iter(places))
    try:
        begun = engine.archive(containers[0], f"{places[first]}/.")
    except EngineError:
        return None

    def one(diff_id: str, together: Together) -> T:
        container = containers[0] if diff_id == first else free.get()
        try:
            sent = begun if diff_id == first else engine.archive(container, f"{places[diff_id]}/.")
            with sent:
                stream = together.stream(sent)
                reader = TarReader(stream, where=f"layer {diff_id}", overlay_devices=True)
                return scan(chain([FileEntry("", EntryKind.UNCERTAIN)], reader))
        finally:
            free.put(container)

    with begun:
        return collected(two_at_once(one, places), done)


def from_save(
    engine: Engine,
    image_id: str,
    diff_ids: Sequence[str],
    scan: Callable[[Iterator[Entry]], T],
    wanted: Sequence[str],
    done: Done[T],
) -> Mapping[str, T]:
    """Read what ``docker save`` sends."""
    with engine.save(image_id) as stream:
        found = read_saved(stream, scan, diff_ids=diff_ids, wanted=wanted, where=image_id)
    return collected(found.items(), done)
