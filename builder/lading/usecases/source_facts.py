"""What a source is to a BOM: one model or one data set, with every file that belongs to it."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from lading import models
from lading.hub.streams import hash_stream
from lading.image.platforms import default_platform
from lading.inventory import (
    Dataset,
    Fact,
    Finding,
    ImageFacts,
    Inspection,
    Level,
    ModelFile,
    Origin,
    Role,
    Safety,
    Verdict,
)
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.companions.names import role_of
from lading.models.grouping.assemble import assemble
from lading.models.grouping.naming import hub_purl
from lading.root_digest import root_digest
from lading.usecases.source_files import checked, read_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lading.hub.interface import Listed, Source, Stream
    from lading.usecases.journal import Journal
    from lading.usecases.source_files import Progress

__all__ = ["describe", "examine_files", "purl_of"]

#: Formats of weights that are known by name alone, because their bytes are not here.
_WEIGHTS: Final = {
    ".safetensors": "safetensors", ".gguf": "gguf", ".onnx": "onnx", ".bin": "pytorch",
    ".pt": "pytorch", ".pth": "pytorch", ".ckpt": "pytorch", ".h5": "hdf5", ".keras": "keras",
    ".msgpack": "msgpack", ".tflite": "tflite", ".pkl": "pickle", ".pickle": "pickle",
    ".joblib": "joblib", ".npz": "npz", ".pb": "tensorflow-saved-model", ".mlmodel": "coreml",
}  # fmt: skip
_NOT_READ: Final = Finding(
    "not-read",
    Level.NOTE,
    "its bytes were not read: its digest is what its place's metadata says",
)


def examine_files(
    files: Sequence[Listed], progress: Progress, journal: Journal | None = None
) -> list[ModelFile]:
    """Return what each file is to a model, its digest included; of all, in order.

    What ``journal`` has of an interrupted run is not read again.

    Raises:
        InputError: a file cannot be read, or is not what its place says it is.
    """

    def visit(one: Listed, opener: Callable[[], Stream]) -> ModelFile:
        known = journal.get(one) if journal else None
        if known is None:
            known = _examine(one, opener)
            if journal:
                journal.put(one, known)
        return known

    return read_files(files, visit, progress)


def _examine(one: Listed, opener: Callable[[], Stream]) -> ModelFile:
    if one.open is None and one.sha256 is not None:
        return _unread(one, one.sha256)
    found = models.examine(opener())
    if found is not None:
        checked(one, found.sha256)
        return found
    # nothing to any detector, which may have read a part of it
    return ModelFile(one.path, one.size, checked(one, hash_stream(opener())), Role.OTHER)


def _unread(one: Listed, sha256: str) -> ModelFile:
    path = PurePosixPath(one.path)
    known = role_of(path.name.lower())
    weights = _WEIGHTS.get(path.suffix.lower())
    role = known[0] if known else Role.WEIGHTS if weights else Role.OTHER
    return ModelFile(
        path=one.path,
        size=one.size,
        sha256=sha256,
        role=role,
        format=weights if role is Role.WEIGHTS else None,
        safety=Safety(Verdict.UNSCANNABLE, (_located(one.path),)),
    )


def _located(path: str) -> Finding:
    return Finding(_NOT_READ.id, _NOT_READ.level, _NOT_READ.message, path)


def describe(source: Source, files: Sequence[ModelFile]) -> Inspection:
    """Return a source as an inspection with one model, or one data set."""
    root = root_digest((one.path, one.sha256) for one in files)
    listed = Fact(source.uri, Origin.MATCHED, f"{root}, in the signed list beside this BOM")
    extra = _place(source) | {v.ATTESTED: listed}
    kept = _listable(files)
    is_dataset = source.is_dataset
    if is_dataset is None:
        is_dataset = not any(file.role is Role.WEIGHTS for file in files)
    facts = ImageFacts(source.uri, default_platform(), config_digest="", layers=())
    model = assemble(source.repository or source.name, kept, extra)
    if not is_dataset:
        return Inspection(source.uri, facts, models=(model,), findings=model.safety.findings)
    data = tuple(_as_data(file) for file in model.files)
    dataset = Dataset(model.name, _format(data), data, model.facts)
    findings = model.safety.findings
    return Inspection(source.uri, facts, datasets=(dataset,), findings=findings)


def _place(source: Source) -> dict[str, Fact]:
    known = {v.REPOSITORY: source.repository, v.COMMIT: source.commit}
    if source.repository is None and source.uri.startswith("git:"):
        known[v.SOURCE_URL] = source.uri.removeprefix("git:").partition(f"@{source.commit}")[0]
    return {
        name: Fact(value, Origin.OBSERVED, source.uri)
        for name, value in known.items()
        if value is not None
    }


def purl_of(source: Source, inspection: Inspection) -> str | None:
    """Return the purl of a model on the Hub; data sets have no type of purl."""
    return hub_purl(_place(source)) if inspection.models else None


def _listable(files: Sequence[ModelFile]) -> list[ModelFile]:
    """Keep the BOM readable: of very many files, those that say something about the model."""
    if len(files) <= LIMITS.bom_source_files:
        return list(files)
    telling = [file for file in files if file.role is not Role.OTHER]
    return telling[: LIMITS.bom_source_files] or list(files[: LIMITS.bom_source_files])


def _as_data(file: ModelFile) -> ModelFile:
    role = Role.DATA if file.role in (Role.OTHER, Role.WEIGHTS) else file.role
    return ModelFile(file.path, file.size, file.sha256, role, file.format, file.facts, file.safety)


def _format(files: Sequence[ModelFile]) -> str:
    """Name a data set's format by the suffix that most of its bytes have."""
    sizes: Counter[str] = Counter()
    for file in files:
        if file.role is Role.DATA:
            sizes[PurePosixPath(file.path).suffix.lstrip(".").lower() or "unknown"] += file.size
    return sizes.most_common(1)[0][0] if sizes else "unknown"
