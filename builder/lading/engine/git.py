"""Which commit a build context is of, and whether it differs from it; asked of git itself."""

from __future__ import annotations

import contextlib
import os
import subprocess

from lading.engine.redact import public_url
from lading.limits import LIMITS
from lading.programs import on_path
from lading.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    Place = str | os.PathLike[str]

__all__ = ["Commit", "commit_of"]

_LENGTHS = (40, 64)  # of a commit: SHA-1, SHA-256


@record
class Commit:
    """The commit that a directory's repository is at.

    ``path`` is the directory below the repository's root, ``""`` for the root. ``changed`` counts
    the paths below the directory that differ from the commit or that git does not track,
    ``ignored`` those that git was told to ignore, and that docker may have copied all the same;
    both are None when git could not say in time.
    """

    commit: str
    path: str
    remote: str | None
    changed: int | None
    ignored: int | None


def commit_of(directory: Place) -> Commit | None:
    """Return the commit of the repository that ``directory`` is in, or None without one."""
    git = on_path("git")
    if git is None:
        return None
    shown = _Git(git, directory, "rev-parse", "HEAD", "--show-prefix").answer()
    lines = (shown or b"").decode("utf-8", "replace").split("\n")
    if len(lines[0]) not in _LENGTHS or lines[0].strip("0123456789abcdef"):
        return None
    # side by side: looking for changes takes the longest
    named = _Git(git, directory, "config", "--get", "remote.origin.url")
    compared = _Git(
        git, directory, "status", "--porcelain", "-z", "--no-renames", "--ignored", "--", "."
    )
    remote = (named.answer() or b"").decode("utf-8", "replace")
    status = compared.answer()
    entries = None if status is None else [entry for entry in status.split(b"\0") if entry]
    ignored = None if entries is None else sum(entry.startswith(b"!!") for entry in entries)
    return Commit(
        commit=lines[0],
        path=lines[1].rstrip("/") if len(lines) > 1 else "",
        remote=public_url(_as_url(remote.strip())) or None,
        changed=None if entries is None or ignored is None else len(entries) - ignored,
        ignored=ignored,
    )


class _Git:
    """A git that runs, without locks, monitors and questions."""

    def __init__(self, git: str, directory: Place, *words: str) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(
                [git, "-c", "core.fsmonitor=false", "-C", str(directory), *words],
                env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )

    def answer(self) -> bytes | None:
        """Return what it says; None when it fails, whatever the reason, or takes too long."""
        if self._process is None:
            return None
        with self._process as process:
            try:
                said, _ = process.communicate(timeout=LIMITS.context_git_seconds)
            except subprocess.TimeoutExpired:
                return None
            finally:
                process.kill()
        return said if process.returncode == 0 else None


def _as_url(remote: str) -> str:
    """Write ``git@host:path`` as the URL that it means."""
    user, at, rest = remote.partition("@")
    host, colon, path = rest.partition(":")
    if at and colon and "/" not in user + host and "://" not in remote:
        return f"ssh://{host}/{path}"
    return remote
