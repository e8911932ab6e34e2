"""What an interrupted attestation has read already, so that the next one goes on from there.

One file a source, in the user's cache, a line a file; it is removed when the attestation is done.
An entry counts only for a file that has not changed since by its inode, size and times, and only
when it was not changed just before it was read. Verification never looks here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lading.caching import room_cache
from lading.limits import LIMITS
from lading.usecases.layer_scan import SCANNER_VERSION, model_file_from_json, model_file_to_json

if TYPE_CHECKING:
    from lading.hub.interface import Listed
    from lading.inventory import ModelFile

__all__ = ["Journal"]

_SETTLED_NS: Final = 2_000_000_000


class Journal:
    """Remembers files by path and stamp; safe with threads. A journal that fails is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known = _read(path)
        self._failed = False

    @classmethod
    def of(cls, source: Path) -> Journal:
        """Return the journal of a directory or file on this machine."""
        name = hashlib.sha256(os.fsencode(source.resolve())).hexdigest()[:32]
        return cls(Path(room_cache("attest"), f"{name}.jsonl"))

    def get(self, one: Listed) -> ModelFile | None:
        """Return what was read of a file that has not changed since."""
        entry = self._known.get((one.path, one.stamp or ""))
        if entry is None:
            return None
        try:
            found = model_file_from_json(entry)
        except (KeyError, TypeError, ValueError):
            return None
        return found if (found.path, found.size) == (one.path, one.size) else None

    def put(self, one: Listed, file: ModelFile) -> None:
        """Remember a file."""
        if one.stamp is None or self._failed:
            return
        changed = max(int(part) for part in one.stamp.split(":")[-2:])
        if time.time_ns() - changed < _SETTLED_NS:
            return
        entry = {
            "version": SCANNER_VERSION,
            "stamp": one.stamp,
            "file": model_file_to_json(file),
        }
        line = json.dumps(entry, separators=(",", ":")) + "\n"
        with self._lock:
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as out:
                    out.write(line)
            except OSError:
                self._failed = True

    def remove(self) -> None:
        """Forget everything: the attestation is done."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def _read(path: Path) -> dict[tuple[str, str], Any]:
    known: dict[tuple[str, str], Any] = {}
    try:
        if path.stat().st_size > LIMITS.journal:
            return {}
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    for line in lines:
        try:
            entry = json.loads(line)
            if entry["version"] == SCANNER_VERSION:
                known[str(entry["file"]["path"]), str(entry["stamp"])] = entry["file"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue  # the last line of an interrupted run may be half a line
    return known
