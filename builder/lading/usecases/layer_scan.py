"""One pass over one layer: which paths it has, and every file that a model or package needs."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lading import models, packages
from lading.errors import LimitError
from lading.image.digested import digested
from lading.image.interface import EntryKind
from lading.image.overlay import LayerPaths, PathRecorder
from lading.image.streams import gathered
from lading.inventory import (
    Fact,
    Finding,
    Level,
    ModelFile,
    Origin,
    PackageFile,
    Role,
    Safety,
    Verdict,
)
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lading.image.interface import Entry

__all__ = [
    "SCANNER_VERSION",
    "LayerScan",
    "model_file_from_json",
    "model_file_to_json",
    "scan_layer",
]

#: Findings made by another version of the readers are not used.
SCANNER_VERSION = f"6-{models.SCANNER_VERSION}-{packages.SCANNER_VERSION}"

_TOGETHER = 512 * 1024
_MARKS = (EntryKind.WHITEOUT, EntryKind.OPAQUE, EntryKind.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class LayerScan:
    """What one layer adds, independent of the layers around it; ``size`` in bytes of its files."""

    paths: LayerPaths
    size: int
    model_files: tuple[ModelFile, ...]
    package_files: tuple[PackageFile, ...]
    installed: packages.Traces = field(default_factory=packages.Traces)

    def to_json(self) -> dict[str, Any]:
        """Return JSON data for the layer cache."""
        return {
            "paths": self.paths.to_json(),
            "size": self.size,
            "models": [model_file_to_json(file) for file in self.model_files],
            "packages": [[file.path, len(file.content), file.size] for file in self.package_files],
            "contents": list(_packed(file.content for file in self.package_files)),
            "written": self.installed.written.to_json(),
            "missing": list(self.installed.missing),
            "whole": self.installed.whole,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LayerScan:
        """Rebuild from :meth:`to_json`.

        Raises:
            KeyError, TypeError, ValueError, zlib.error: the data is not of this version.
        """
        return cls(
            paths=LayerPaths.from_json(data["paths"]),
            size=int(data["size"]),
            model_files=tuple(model_file_from_json(file) for file in data["models"]),
            package_files=tuple(_package_files(data["packages"], data["contents"])),
            installed=packages.Traces(
                packages.Written.from_json(data["written"]),
                tuple(map(str, data["missing"])),
                bool(data["whole"]),
            ),
        )


def scan_layer(entries: Iterator[Entry]) -> LayerScan:
    """Read a layer once: file bytes go to whichever reader wants them, the rest is skipped.

    Raises:
        LimitError: more, or more bytes of, such files than ``LIMITS`` allow a layer.
    """
    recorder, ledger = PathRecorder(), packages.Ledger()
    model_files: dict[str, ModelFile] = {}
    package_files: dict[str, PackageFile] = {}
    size = held = 0
    record, examine, collect = recorder.add, models.examine, packages.collect
    may_be_installed, file_kind = packages.may_be_installed, EntryKind.FILE
    for entry in entries:
        record(entry)
        kind, path = entry.kind, entry.path
        if (path in model_files or path in package_files) and kind not in _MARKS:
            # unpackers take what comes last
            model_files.pop(path, None)
            package_files.pop(path, None)
        if kind is not file_kind:
            continue
        size += entry.size
        digest = b""
        installed = may_be_installed(path)
        if installed and entry.size <= LIMITS.record_digest:
            digest, entry = digested(entry)
        captured = collect(entry)
        if captured is not None:
            package_files[path] = captured
            held += len(captured.content)
            _check("package files", len(package_files), LIMITS.package_files)
            _check("bytes of package files", held, LIMITS.package_bytes)
        elif (found := examine(entry)) is not None:
            model_files[path] = found
            digest = digest or bytes.fromhex(found.sha256)
            _check("model files", len(model_files), LIMITS.model_files)
        if installed:
            ledger.add(path, entry.size, digest)
    paths = recorder.result()
    captures = tuple(package_files.values())
    return LayerScan(
        paths,
        size,
        tuple(model_files.values()),
        captures,
        ledger.settle(captures, paths.has_file),
    )


def _check(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise LimitError(f"a layer has too many {what}", wanted=f"at most {limit}")


def _packed(contents: Iterable[bytes]) -> Iterator[str]:
    """Yield contents, some of them at a time, compressed."""
    for together in gathered(contents, _TOGETHER):
        yield base64.b64encode(zlib.compress(together, 1)).decode("ascii")


def _package_files(
    listed: Iterable[tuple[str, int, int | None]], contents: Iterable[str]
) -> Iterator[PackageFile]:
    """Yield package files of what :func:`_packed` made; raises as :meth:`LayerScan.from_json`."""
    pieces = iter(contents)
    held, at = b"", 0
    for path, length, size in listed:
        if length and at == len(held):
            held, at = zlib.decompress(base64.b64decode(next(pieces, ""), validate=True)), 0
        content = held[at : at + length]
        if len(content) != length:
            raise ValueError("a package file lacks some of its bytes")
        at += length
        yield PackageFile(path, content, size=size)


def _finding_to_json(finding: Finding) -> list[Any]:
    return [finding.id, finding.level.value, finding.message, finding.path]


def _finding_from_json(data: list[Any]) -> Finding:
    identifier, level, message, path = data
    return Finding(identifier, Level(level), message, path)


def model_file_to_json(file: ModelFile) -> dict[str, Any]:
    """Return JSON data for a cache; its layer and further places are not part of it."""
    return {
        "path": file.path,
        "size": file.size,
        "sha256": file.sha256,
        "role": file.role.value,
        "format": file.format,
        "facts": {
            name: [fact.value, fact.origin.value, fact.where] for name, fact in file.facts.items()
        },
        "verdict": int(file.safety.verdict),
        "findings": [_finding_to_json(finding) for finding in file.safety.findings],
    }


def model_file_from_json(data: Mapping[str, Any]) -> ModelFile:
    """Rebuild from :func:`model_file_to_json`; raises as :meth:`LayerScan.from_json`."""
    return ModelFile(
        path=data["path"],
        size=data["size"],
        sha256=data["sha256"],
        role=Role(data["role"]),
        format=data["format"],
        facts={
            name: Fact(value, Origin(origin), where)
            for name, (value, origin, where) in data["facts"].items()
        },
        safety=Safety(Verdict(data["verdict"]), tuple(map(_finding_from_json, data["findings"]))),
    )
