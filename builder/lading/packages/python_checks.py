"""What is wrong with a Python distribution's metadata, said as findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.inventory import Finding, Level
from lading.limits import LIMITS
from lading.packages.distributions import from_directory_name
from lading.packages.metadata import first, normalise, valid_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lading.inventory import PackageFile
    from lading.packages.distributions import Distribution
    from lading.packages.record import Record

__all__ = ["check_duplicates", "check_metadata", "check_record", "is_nameable"]


def is_nameable(dist: Distribution) -> bool:
    """Return whether name and version are such that the distribution can be listed."""
    return bool(dist.name) and valid_version(dist.version)


def check_metadata(dist: Distribution) -> Iterator[Finding]:
    """Yield what is wrong with where name and version come from."""
    metadata = dist.metadata
    layer = dist.layer
    if metadata is not None and metadata.size is not None:
        message = f"{metadata.size} bytes of metadata were not read (at most {LIMITS.package_file})"
        yield Finding("package-file-too-large", Level.ERROR, message, metadata.path, layer)
    elif metadata is None or first(dist.headers, "name") is None:
        message = "the distribution has no metadata; name and version are its directory's"
        yield Finding("python-metadata-missing", Level.WARNING, message, dist.info, layer)
    if not is_nameable(dist):
        message = f"not a distribution's name and version: {dist.name[:80]!r} {dist.version[:80]!r}"
        yield Finding("python-metadata-invalid", Level.ERROR, message, dist.info, layer)
        return
    name, version = from_directory_name(dist.directory_name)
    if not name or not version:
        return  # old egg-info may lack a version; there is nothing to compare
    if normalise(name) != dist.key or not _same_version(version, dist.version):
        message = f"metadata says {dist.key} {dist.version}, the directory {name} {version}"
        yield Finding("python-metadata-mismatch", Level.WARNING, message[:500], dist.info, layer)


def _same_version(escaped: str, version: str) -> bool:
    """Compare a version with one out of a directory's name, where ``_`` may stand for ``+``."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(escaped.replace("_", "+", 1)) == Version(version)
    except InvalidVersion:
        return normalise(escaped) == normalise(version)


def check_record(record: Record, file: PackageFile) -> Iterator[Finding]:
    """Yield what is wrong with a RECORD: it does not parse, or names paths outside the image."""
    if record.broken is not None:
        message = f"RECORD was not read to its end: {record.broken}"
        yield Finding("python-record-invalid", Level.WARNING, message, file.path, file.layer)
    if record.escaping:
        count, example = len(record.escaping), record.escaping[0]
        message = f"RECORD names {count} paths outside the image, e.g. {example!r}"
        yield Finding("python-record-escapes", Level.ERROR, message, file.path, file.layer)


def check_duplicates(found: Iterable[Distribution]) -> Iterator[Finding]:
    """Yield the distributions that are recorded twice in one directory, as failed upgrades do."""
    seen: dict[tuple[str, str], Distribution] = {}
    for dist in found:
        other = seen.setdefault((dist.site, dist.key), dist)
        if other is not dist:
            message = (
                f"{dist.key} is recorded twice in {dist.site}: {other.version} and "
                f"{dist.version}; Python uses one of them"
            )
            yield Finding(
                "python-duplicate-distribution", Level.WARNING, message, dist.info, dist.layer
            )
