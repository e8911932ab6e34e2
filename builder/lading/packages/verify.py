"""Whether the files of Python distributions are still those that were installed.

RECORD lists every installed file with its SHA-256 and size. A layer's digests are settled against
the RECORDs of the same layer first, which leaves next to nothing to keep; what is left is compared
when the layers are merged, so that a file that a later layer replaced is found too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.inventory import Finding, Level
from lading.limits import LIMITS
from lading.packages.record import parse_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lading.inventory import PackageFile
    from lading.packages.record import Row

__all__ = ["unsettled_digests", "verify_records", "wants_digest"]

_EXAMPLES = 5


def wants_digest(path: str) -> bool:
    """Return whether a RECORD is likely to have the digest of ``path``; costs under 0.2 µs.

    Byte code has none. Files of distributions outside ``site-packages`` (scripts, ``--target``)
    are compared by size only, unless their digests come from elsewhere.
    """
    return ("site-packages/" in path or "dist-packages/" in path) and path[-4:] != ".pyc"


def unsettled_digests(files: Iterable[PackageFile], digests: Mapping[str, str]) -> dict[str, str]:
    """Return those of one layer's ``digests`` that no RECORD of the same layer confirms.

    Arguments:
        files: the layer's captured files.
        digests: path → hexadecimal SHA-256 of files of that layer.
    """
    left = dict(digests)
    for _, row in _rows(files):
        found = left.get(row.path)
        if found is not None and found == row.sha256:
            del left[row.path]
    return left


def verify_records(
    files: Iterable[PackageFile],
    digests: Mapping[str, str],
    *,
    sizes: Mapping[str, int] | None = None,
    layers: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Compare what the RECORDs among ``files`` say with what is in the image.

    Arguments:
        files: captured files of one consistent view of the image.
        digests: path → hexadecimal SHA-256, of the files in it whose digest is known and not
            settled (:func:`unsettled_digests`). A file without one is only compared by size.
        sizes: path → bytes of *every* regular file and link of the view. Without it, missing
            files and changed sizes are not looked for.
        layers: path → diff ID of the layer the file comes from, for the findings.

    Returns:
        ``python-file-changed`` for each changed file (``LIMITS.findings_per_file`` at most for
        each distribution), ``python-files-missing`` for each distribution with missing files.
    """
    findings: list[Finding] = []
    for record, rows in _grouped(files):
        changed: list[Finding] = []
        missing: list[str] = []
        for row in rows:
            if sizes is not None and row.path not in sizes:
                if row.sha256 is not None:  # byte code and its like come and go
                    missing.append(row.path)
            elif (why := _difference(row, digests, sizes)) is not None:
                layer = layers.get(row.path) if layers else None
                changed.append(_changed(row.path, why, layer or record.layer))
        findings += _bounded(changed, record)
        if missing:
            findings.append(_missing(missing, record))
    return tuple(findings)


def _difference(
    row: Row, digests: Mapping[str, str], sizes: Mapping[str, int] | None
) -> str | None:
    """Say how a file differs from its row; None when nothing says that it does."""
    found, sha256 = digests.get(row.path), row.sha256
    if sha256 is not None and found is not None and found != sha256:
        return f"SHA-256 is {found}, RECORD has {sha256}"
    size = sizes.get(row.path) if sizes is not None else None
    if sha256 is not None and row.size is not None and size not in (None, row.size):
        return f"{size} bytes, RECORD has {row.size}"
    return None


def _changed(path: str, why: str, layer: str | None) -> Finding:
    message = f"changed after it was installed: {why}"
    return Finding("python-file-changed", Level.WARNING, message, path, layer)


def _bounded(changed: list[Finding], record: PackageFile) -> list[Finding]:
    limit = LIMITS.findings_per_file
    if len(changed) <= limit:
        return changed
    message = f"{len(changed)} files changed after they were installed; {limit} are named"
    return [
        *changed[:limit],
        Finding("python-file-changed", Level.WARNING, message, record.path, record.layer),
    ]


def _missing(missing: list[str], record: PackageFile) -> Finding:
    examples = ", ".join(sorted(missing)[:_EXAMPLES])
    message = f"{len(missing)} installed files are gone, e.g. {examples}"
    return Finding("python-files-missing", Level.NOTE, message[:1000], record.path, record.layer)


def _grouped(files: Iterable[PackageFile]) -> Iterator[tuple[PackageFile, tuple[Row, ...]]]:
    left = LIMITS.record_rows
    for file in sorted(files, key=lambda file: file.path):
        info, _, name = file.path.rpartition("/")
        if name != "RECORD" or not info.lower().endswith(".dist-info") or file.size is not None:
            continue
        rows = parse_record(file.content, info.rpartition("/")[0], left).rows
        left -= len(rows)
        yield file, tuple(row for row in rows if row.path != file.path)


def _rows(files: Iterable[PackageFile]) -> Iterator[tuple[PackageFile, Row]]:
    return ((file, row) for file, rows in _grouped(files) for row in rows)
