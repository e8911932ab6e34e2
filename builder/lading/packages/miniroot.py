"""A private directory tree of the captured files only, for syft to look at.

Nothing in it is a link, every path is checked again here, and its files are readable by this user
alone. It is removed on every way out; what a killed process left behind is removed by the next.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from lading.errors import InputError, LimitError
from lading.limits import LIMITS
from lading.packages.rules import nix_package

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lading.inventory import PackageFile

__all__ = ["Plan", "plan", "private_directory", "write"]

Plan = tuple[tuple[str, "PackageFile"], ...]

_PREFIX = "lading-syft-"
_LOCK = "lock"
_HOPS = 8
_DOC = "usr/share/doc/"
_COMPONENT_BYTES = 255


def plan(files: Sequence[PackageFile], links: Mapping[str, str]) -> Plan:
    """Return what the tree will hold: (path, file), sorted by path, each path once.

    ``links`` are the image's symbolic links. Debian shares licence texts between packages by
    linking their documentation directories; such a file appears again at the link's place, as a
    copy. Files that were too large to capture are left out.

    Raises:
        LimitError: more files or bytes than ``limits.py`` allows.
    """
    chosen = _chosen(files)
    for link in sorted(links):
        if link.startswith(_DOC):
            target = _follow(link, links)
            for tail in ("", "/copyright"):
                shared = chosen.get(f"{target}{tail}") if target else None
                if shared is not None and shared.path.endswith("/copyright"):
                    chosen.setdefault(f"{link}{tail}", shared)
    _insist_on_few(chosen)
    return tuple(sorted(chosen.items()))


def _chosen(files: Sequence[PackageFile]) -> dict[str, PackageFile]:
    """Return by path the files that were captured and say something."""
    chosen: dict[str, PackageFile] = {}
    shown: set[str] = set()
    for file in files:
        if file.size is not None or not _sound(file.path):
            continue
        if file.content:
            chosen[file.path] = file
            continue
        # An empty file says something by where it lies, or nothing.
        package = nix_package(file.path)
        if package is not None and package not in shown:
            shown.add(package)
            chosen[file.path] = file
    return chosen


def _insist_on_few(chosen: Mapping[str, PackageFile]) -> None:
    if len(chosen) > LIMITS.package_files:
        raise LimitError(
            "the image has more package files than can be catalogued",
            got=str(len(chosen)),
            wanted=f"at most {LIMITS.package_files}",
        )
    total = sum(len(file.content) for file in chosen.values())
    if total > LIMITS.package_bytes:
        raise LimitError(
            "the image's package files are larger than can be catalogued",
            got=f"{total} bytes",
            wanted=f"at most {LIMITS.package_bytes}",
        )


def digest(planned: Plan) -> str:
    """Return the SHA-256 that names the content of a tree."""
    whole = hashlib.sha256()
    for path, file in planned:
        whole.update(os.fsencode(path) + b"\0")
        whole.update(hashlib.sha256(file.content).digest())
    return whole.hexdigest()


@contextlib.contextmanager
def private_directory() -> Iterator[Path]:
    """Yield a new directory of mode 0700 and remove it, with all that is in it, at the end."""
    base = Path(tempfile.gettempdir())
    _remove_abandoned(base)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base)).resolve()
    try:
        with (directory / _LOCK).open("wb") as lock:
            _lock(lock)
            yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def write(planned: Plan, root: Path) -> None:
    """Write the tree below ``root``, which must be new and empty.

    Raises:
        InputError: two paths contradict each other (a file inside a file), or the disk is full.
    """
    made: set[str] = set()
    for path, file in planned:
        target = root / path
        try:
            parent = path.rpartition("/")[0]
            if parent not in made:
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                made.add(parent)
            with target.open("xb") as out:
                out.write(file.content)
        except OSError as error:
            raise InputError(
                "the package files could not be laid out for syft",
                where=path,
                got=error.strerror,
                hint="see that the temporary directory has room",
            ) from error


def _sound(path: str) -> bool:
    """Return whether a path is what the image's readers promise: relative, plain, not climbing."""
    if not path or path.startswith("/") or "\0" in path or "\\" in path:
        return False
    encoded = os.fsencode(path)
    return len(encoded) <= LIMITS.tar_path_length and all(
        part not in (b"", b".", b"..") and len(part) <= _COMPONENT_BYTES
        for part in encoded.split(b"/")
    )


def _follow(link: str, links: Mapping[str, str]) -> str | None:
    """Return where a symbolic link ends, within the image; None when it leaves it or loops."""
    path = link
    for _ in range(_HOPS):
        target = links.get(path)
        if target is None:
            return path
        parts: list[str] = []
        start = PurePosixPath(target if target.startswith("/") else f"{path}/../{target}")
        for part in start.parts:
            if part == "..":
                if not parts:
                    return None
                parts.pop()
            elif part != "/":
                parts.append(part)
        path = "/".join(parts)
    return None


def _lock(file: BinaryIO) -> bool:
    """Take the lock that says a process still uses the directory; False when another has it."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_abandoned(base: Path) -> None:
    """Remove this user's directories whose process is gone (killed before it could clean up)."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        for directory in base.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                status = directory.lstat()
                if status.st_uid != os.getuid() or directory.is_symlink():
                    continue
                with (directory / _LOCK).open("r+b") as lock:
                    if _lock(lock):
                        shutil.rmtree(directory, ignore_errors=True)
