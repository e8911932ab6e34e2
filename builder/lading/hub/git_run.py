"""The real git, run so that a hostile repository or server can do nothing but be read.

Only plumbing that runs no hook, filter, pager, diff driver or file-system monitor; no checkout is
ever made. The caller's ``GIT_*`` do not count; replaced objects and lazy fetches are off. A
repository on this machine is named by its git directory and allowed no transport at all; a fetch
goes into a bare repository of our own, over the transports that are listed here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

from lading.errors import InputError, LimitError, RegistryError
from lading.hub.streams import RawStream
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Git", "fetch", "public_url"]

_KEPT = (
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy",
    "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
_ALWAYS = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_LITERAL_PATHSPECS": "1",
}
_SETTINGS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.commitGraph=false",
    "gc.auto=0", "maintenance.auto=false", "advice.detachedHead=false",
)  # fmt: skip
_FETCH_SETTINGS = ("fetch.fsckObjects=true", "http.followRedirects=initial", "submodule.recurse=no")


@dataclass(frozen=True, slots=True)
class Git:
    """One repository, by its git directory, that is only read."""

    directory: Path

    def output(self, *words: str, limit: int, stdin: bytes = b"") -> bytes:
        """Return what a plumbing command prints.

        Raises:
            InputError: git is missing, or failed.
            LimitError: it printed more than ``limit`` bytes.
        """
        with tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            with _running(self._words(words), _local(), given) as out:
                return _bounded(out, limit, words[0])

    def text(self, *words: str) -> str:
        """Return one line that a command prints."""
        return self.output(*words, limit=4096).decode("utf-8", "replace").strip()

    @contextlib.contextmanager
    def blob(self, oid: str, path: str, size: int) -> Iterator[RawStream]:
        """Give the bytes of one blob, unfiltered."""
        words = self._words(("cat-file", "blob", oid))
        with _running(words, _local(), None, whole=False) as out:
            yield RawStream(path, size, out)

    def _words(self, words: tuple[str, ...]) -> list[str]:
        return [_git(), f"--git-dir={self.directory}", *_settings(_SETTINGS), *words]


def fetch(url: str, revision: str, into: Path, *, transports: tuple[str, ...]) -> Git:
    """Fetch one commit, without its history, into a new bare repository in ``into``.

    The user's own git settings count (credential helpers, proxies, certificates).

    Raises:
        InputError: git is missing.
        RegistryError: the server did not give it, or too slowly.
        LimitError: it is larger than ``LIMITS.git_objects``.
    """
    git = Git(into)
    git.output("init", "--bare", "--quiet", "--template=", str(into), limit=4096)
    env = _environment() | {"GIT_ALLOW_PROTOCOL": ":".join(transports)}
    words = [
        *(_git(), f"--git-dir={into}", *_settings(_SETTINGS + _FETCH_SETTINGS)),
        *("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules"),
        *("--no-auto-gc", "--", url, revision),
    ]
    try:
        with _running(words, env, None, watched=into) as out:
            _bounded(out, LIMITS.subprocess_error_text, "fetch")
    except LimitError:
        raise
    except InputError as error:
        raise RegistryError(
            "The repository could not be fetched",
            where=public_url(url),
            got=error.got,
            hint="A revision is a branch, a tag or a whole commit",
        ) from error
    return git


def public_url(url: str) -> str:
    """Return a URL without a password or token in it."""
    parts = urlsplit(url)
    if not parts.scheme or not parts.hostname:
        return url
    user = f"{parts.username}@" if parts.scheme == "ssh" and parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{user}{parts.hostname}{port}{parts.path}"


def _git() -> str:
    found = shutil.which("git")
    if found is None:
        raise InputError("git is not on PATH", hint="Install git to read git: sources")
    return found


def _settings(names: tuple[str, ...]) -> list[str]:
    return [word for name in names for word in ("-c", name)]


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | _ALWAYS


def _local() -> dict[str, str]:
    """The environment for a repository on this machine: no settings but its own, no transport."""
    return _environment() | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ALLOW_PROTOCOL": "none",
    }


@contextlib.contextmanager
def _running(
    words: list[str],
    env: dict[str, str],
    stdin: BinaryIO | None,
    *,
    whole: bool = True,
    watched: Path | None = None,
) -> Iterator[BinaryIO]:
    """Run git and give its output; unless ``whole``, the caller may stop before its end."""
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                words,
                env=env,
                stdin=stdin or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            raise InputError("git cannot be started", got=error.strerror) from error
        ended = threading.Event()
        reasons: list[str] = []
        watch = threading.Thread(
            target=_watch, args=(process, ended, watched, reasons), daemon=True
        )
        watch.start()
        with process:
            try:
                yield cast("BinaryIO", process.stdout)
                if whole:
                    process.wait()
            finally:
                ended.set()
                if process.poll() is None:
                    process.kill()
                watch.join()
        if reasons:
            raise LimitError("git took more than it may", got=reasons[0])
        if whole and process.returncode != 0:
            raise InputError("git failed", where=words[-1][:300], got=_said(errors))


def _watch(
    process: subprocess.Popen[bytes],
    ended: threading.Event,
    watched: Path | None,
    reasons: list[str],
) -> None:
    """End git when it takes too long, or fills the disk."""
    waited = 0.0
    while not ended.wait(0.5):
        waited += 0.5
        size = _size(watched) if watched else 0
        if waited > LIMITS.git_seconds:
            reasons.append(f"{LIMITS.git_seconds:g} seconds")
        elif size > LIMITS.git_objects:
            reasons.append(f"{size} bytes of objects, of {LIMITS.git_objects} at most")
        if reasons:
            process.kill()
            return


def _size(directory: Path) -> int:
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118
    return total


def _bounded(out: BinaryIO, limit: int, what: str) -> bytes:
    content = out.read(limit + 1)
    if len(content) > limit:
        raise LimitError(f"git {what} printed too much", wanted=f"at most {limit} bytes")
    return content


def _said(errors: BinaryIO) -> str:
    errors.seek(0)
    text = errors.read(LIMITS.subprocess_error_text).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-4:])[:600] or "no message"
