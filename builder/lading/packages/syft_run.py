"""Runs syft on a directory: no network, nothing of the user's, bounded in time and size."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from lading.errors import InputError, LimitError
from lading.limits import LIMITS

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from lading.packages.syft_find import Syft

__all__ = ["run_syft"]

_ERROR_LINES = 5
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[^\x20-\x7e]")


def run_syft(
    syft: Syft, root: Path, work: Path, stopped: threading.Event | None = None
) -> dict[str, Any]:
    """Return the CycloneDX document that syft makes of the tree ``root``.

    The catalogers are those syft selects for images, without Python's; ``work`` is a private
    directory beside ``root`` for syft's own files; ``stopped`` says when nobody wants it any more.

    Raises:
        InputError: syft cannot be started, fails, is stopped, or takes longer than
            ``LIMITS.syft_seconds``.
        LimitError: its answer is larger than ``LIMITS.syft_output``.
    """
    answer, errors = work / "answer.json", work / "errors.txt"
    with _started(syft, root, work, answer, errors) as process:
        try:
            _watch(process, answer, syft, stopped)
        finally:
            _kill(process)
    if process.returncode != 0:
        raise InputError(
            "syft could not catalogue the image's packages",
            where=str(syft.path),
            got=f"exit status {process.returncode}: {_last_lines(errors)}",
            hint="name another syft with LADING_SYFT",
        )
    return _read(answer, syft)


def _started(
    syft: Syft, root: Path, work: Path, answer: Path, errors: Path
) -> subprocess.Popen[bytes]:
    command = [
        str(syft.path),
        "scan",
        f"dir:{root}",
        f"--base-path={root}",
        "--override-default-catalogers=image",
        "--select-catalogers=-python",
        f"--output=cyclonedx-json={answer}",
        "--quiet",
    ]
    with errors.open("wb") as stderr:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                cwd=work,
                env=_environment(work),
                start_new_session=True,
            )
        except OSError as error:
            raise InputError(
                "syft cannot be started", where=str(syft.path), got=error.strerror
            ) from error


def _environment(work: Path) -> dict[str, str]:
    """Return an environment with nothing of the user's: no SYFT_*, no proxies, no home."""
    kept = {
        name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "WINDIR") if name in os.environ
    }
    home = str(work)
    return kept | {
        "HOME": home,
        "USERPROFILE": home,
        "TMPDIR": home,
        "TEMP": home,
        "TMP": home,
        "XDG_CONFIG_HOME": home,
        "XDG_CONFIG_DIRS": home,
        "XDG_CACHE_HOME": home,
        "LANG": "C.UTF-8",
        "SYFT_CHECK_FOR_APP_UPDATE": "false",
        "SYFT_FILE_METADATA_SELECTION": "none",
    }


def _watch(
    process: subprocess.Popen[bytes], answer: Path, syft: Syft, stopped: threading.Event | None
) -> None:
    deadline = time.monotonic() + LIMITS.syft_seconds
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
            return
        if stopped is not None and stopped.is_set():
            raise InputError("syft was stopped", where=str(syft.path))
        if time.monotonic() > deadline:
            raise InputError(
                "syft took too long to catalogue the image's packages",
                where=str(syft.path),
                wanted=f"at most {LIMITS.syft_seconds:g} s",
            )
        with contextlib.suppress(OSError):
            _within_bound(answer.stat().st_size, syft)


def _within_bound(size: int, syft: Syft) -> None:
    if size > LIMITS.syft_output:
        raise LimitError(
            "syft's answer is too large",
            where=str(syft.path),
            got=f"{size} bytes",
            wanted=f"at most {LIMITS.syft_output}",
        )


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End syft and whatever it started; nothing to do once it has ended."""
    if process.poll() is not None:
        return
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _last_lines(errors: Path) -> str:
    with errors.open("rb") as file:
        file.seek(max(0, errors.stat().st_size - LIMITS.subprocess_error_text))
        text = file.read(LIMITS.subprocess_error_text).decode("utf-8", "replace")
    lines = [_CONTROL.sub("", line).strip() for line in text.splitlines()]
    return " | ".join([line for line in lines if line][-_ERROR_LINES:])[:2000] or "no message"


def _read(answer: Path, syft: Syft) -> dict[str, Any]:
    try:
        _within_bound(answer.stat().st_size, syft)
        document = json.loads(answer.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            "syft's answer cannot be read", where=str(syft.path), got=str(error)[:200]
        ) from error
    if not isinstance(document, dict) or document.get("bomFormat") != "CycloneDX":
        raise InputError(
            "syft's answer is not what was asked for",
            where=str(syft.path),
            wanted="a CycloneDX document",
        )
    return document
