"""Everything that is not Python: captured package databases → mini-root → syft → packages."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lading.caching import prune, read_bounded, room_cache, write_atomic
from lading.inventory import Finding, Level, Package, Tool
from lading.limits import LIMITS
from lading.packages import miniroot
from lading.packages.archives import JAVA_SUFFIXES
from lading.packages.rules import is_conda, is_evidence, is_python
from lading.packages.syft_bom import packages_of
from lading.packages.syft_run import run_syft

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from lading.inventory import PackageFile
    from lading.packages.syft_find import Syft

__all__ = ["SyftResult", "os_packages"]

_Catalogued = tuple[tuple[Package, ...], bool]
_running: dict[str, Future[_Catalogued]] = {}

_FORMAT = 1
_SUFFIX = ".packages.json"
_FIELDS = {entry.name for entry in dataclasses.fields(Package)}


@dataclass(frozen=True, slots=True)
class SyftResult:
    """What syft found. ``tool`` is None when there was nothing to catalogue and it did not run."""

    packages: tuple[Package, ...] = ()
    findings: tuple[Finding, ...] = ()
    tool: Tool | None = None
    cached: bool = False


def os_packages(
    files: Sequence[PackageFile],
    *,
    syft: Syft | Callable[[], Syft],
    links: Mapping[str, str] | None = None,
    stopped: threading.Event | None = None,
) -> SyftResult:
    """Let syft catalogue the captured files that are not Python's.

    Arguments:
        files: what :func:`lading.packages.collect` captured, as one consistent view of the image.
        syft: which one to run, or how to find it (:func:`lading.packages.find_syft`): then it is
            looked for only when there is something to catalogue.
        links: the image's symbolic links (path → target as written); without them, packages whose
            documentation directory is a link to another's have no licences.
        stopped: set by another thread when nobody wants the answer any more.

    Results are cached by the digest of the files, so that an unchanged image does not run syft.

    Raises:
        InputError: syft failed, in one of the ways that :func:`run_syft` lists.
        LimitError: there are more files or bytes than ``limits.py`` allows.
    """
    wanted = [file for file in files if not is_python(file.path)]
    findings = tuple(_unread(file) for file in wanted if file.size is not None)
    wanted = [file for file in wanted if not is_conda(file.path)]
    planned = miniroot.plan(wanted, links or {})
    if not any(is_evidence(path) for path, _ in planned):
        return SyftResult(findings=findings)
    syft = syft() if callable(syft) else syft
    packages, cached = _once(_key(planned, syft), lambda key: _cached(key, planned, syft, stopped))
    layers = {file.path: file.layer for file in wanted}
    placed = tuple(
        dataclasses.replace(package, layer=layers.get(package.path or "")) for package in packages
    )
    return SyftResult(placed, findings, Tool("syft", syft.version, "Anchore"), cached)


def _once(key: str, run: Callable[[str], _Catalogued]) -> _Catalogued:
    """Return what ``run`` does; what another thread is finding under the same key is waited for."""
    mine: Future[_Catalogued] = Future()
    first = _running.setdefault(key, mine)
    if first is mine:
        try:
            mine.set_result(run(key))
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            del _running[key]
    return first.result()


def _cached(
    key: str, planned: miniroot.Plan, syft: Syft, stopped: threading.Event | None
) -> _Catalogued:
    """Return what syft finds, and whether that was known already."""
    cache = Path(room_cache("syft"), f"{key}{_SUFFIX}")
    packages = _load(cache)
    if packages is not None:
        return packages, True
    packages = _catalogue(planned, syft, stopped)
    if write_atomic(cache, _dump(packages)):
        prune(cache.parent, LIMITS.syft_cache_total, (_SUFFIX, ".tmp"))
    return packages, False


def _catalogue(
    planned: miniroot.Plan, syft: Syft, stopped: threading.Event | None
) -> tuple[Package, ...]:
    with miniroot.private_directory() as directory:
        root, work = directory / "root", directory / "work"
        root.mkdir(mode=0o700)
        work.mkdir(mode=0o700)
        miniroot.write(planned, root)
        return packages_of(run_syft(syft, root, work, stopped))


def _unread(file: PackageFile) -> Finding:
    """Say that a file was left out, so that no package goes missing in silence."""
    if file.path.rpartition(".")[2] in JAVA_SUFFIXES:
        return Finding(
            "package-archive-unreadable",
            Level.WARNING,
            f"{file.size} bytes of an archive could not be read: libraries in it are missing",
            file.path,
            file.layer,
        )
    if is_conda(file.path):
        return Finding(
            "package-record-unreadable",
            Level.WARNING,
            f"{file.size} bytes of a record of Conda's could not be read: its package is missing",
            file.path,
            file.layer,
        )
    return Finding(
        "package-file-too-large",
        Level.ERROR,
        f"{file.size} bytes were not read (at most {LIMITS.package_file}): "
        "packages that only this file records are missing",
        file.path,
        file.layer,
    )


def _key(planned: miniroot.Plan, syft: Syft) -> str:
    whole = f"{_FORMAT}\0{syft.version}\0{syft.fingerprint}\0{miniroot.digest(planned)}"
    return hashlib.sha256(whole.encode()).hexdigest()


def _dump(packages: Sequence[Package]) -> bytes:
    rows = [dataclasses.asdict(package) for package in packages]
    return json.dumps({"format": _FORMAT, "packages": rows}, separators=(",", ":")).encode()


def _load(cache: Path) -> tuple[Package, ...] | None:
    content = read_bounded(cache, LIMITS.syft_cache_total)
    if content is None:
        return None
    try:
        document = json.loads(content)
        packages = tuple(_package(row) for row in document["packages"])
        os.utime(cache)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return packages


def _package(row: dict[str, Any]) -> Package:
    known = {name: value for name, value in row.items() if name in _FIELDS}
    known["licenses"] = tuple(known["licenses"])
    known["requires"] = tuple(known["requires"])
    return Package(**known)
