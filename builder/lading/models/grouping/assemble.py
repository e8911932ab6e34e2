"""One model from its files: facts by precedence, verdict by maximum."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from lading.inventory import (
    Fact,
    Finding,
    Level,
    Model,
    ModelFile,
    Origin,
    Role,
    Safety,
    Verdict,
)
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.grouping.missing import missing_shards
from lading.models.grouping.naming import hub_purl, names_base, stem, variant
from lading.models.grouping.parts import PART
from lading.models.grouping.place import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["assemble"]

#: Who is believed first, for a fact that several files have.
_CARD, _LICENSE, _CONFIG, _WEIGHTS, _OTHER = range(5)
_ORDER: Final = {
    Role.CARD: _CARD,
    Role.LICENSE: _LICENSE,
    Role.CONFIG: _CONFIG,
    Role.WEIGHTS: _WEIGHTS,
}
#: Kinds of configuration that speak for the whole model, in this order.
_SPEAKERS: Final = ("pipeline", "mlflow", "spacy", "nemo", "adapter", "config", "component")
#: Facts of one file only, and those that are counted over all weights.
_OF_FILES: Final = frozenset(
    {
        v.KIND,
        v.SHARDS,
        v.SHARD_NUMBER,
        v.SHARD_COUNT,
        v.EXTERNAL_DATA,
        v.LFS_OID,
        v.LFS_SIZE,
        v.MEMBERS,
        v.BLOBS,
        v.REFS,
        v.TOTAL_SIZE,
    }
)
_COUNTED: Final = frozenset({v.PARAMETERS, v.TENSOR_COUNT, v.DTYPE, v.FORMAT_VERSION})
#: Facts that the bytes know better than what is declared.
_OBSERVED: Final = frozenset({v.QUANTIZATION, v.OPSET, v.PRODUCER, v.GLOBALS})

#: Formats that hold the weights most faithfully first: others in the same directory are copies.
_FORMATS: Final = (
    "safetensors", "gguf", "pytorch", "pytorch-legacy", "torchscript", "keras", "hdf5",
    "tensorflow-saved-model", "onnx", "tflite",
)  # fmt: skip
#: Directories that hold the same model again, in another runtime's format.
_COPIES: Final = frozenset(
    ("onnx", "openvino", "coreml", "tflite", "flax", "original", "original_model", "gguf", "rust")
)
#: File names of the weights that a configuration is about.
_CANONICAL: Final = (
    "model", "pytorch_model", "tf_model", "flax_model", "adapter_model",
    "diffusion_pytorch_model", "consolidated", "open_clip_pytorch_model", "open_clip_model",
)  # fmt: skip


def _primary_weights(files: Iterable[ModelFile]) -> list[ModelFile]:
    """Return the weights to count: of each directory one variant, with all of its shards."""
    by_directory: defaultdict[str, list[ModelFile]] = defaultdict(list)
    for file in files:
        by_directory[posixpath.dirname(file.path)].append(file)
    chosen: list[ModelFile] = []
    for directory in sorted(by_directory, key=lambda one: (one.count("/"), one)):
        weights = by_directory[directory]
        if chosen and posixpath.basename(directory).lower() in _COPIES:
            continue  # the same model again, in another runtime's format
        chosen.extend(_variant(weights))
    return chosen


def _variant(weights: list[ModelFile]) -> list[ModelFile]:
    canonical = [
        file
        for file in weights
        if posixpath.basename(stem(file.path)).partition(".")[0] in _CANONICAL
    ]
    if not _counted(canonical) and _counted(weights):
        canonical = []  # a program whose tensors are in a file of another name
    stems: defaultdict[tuple[int, str], defaultdict[str, list[ModelFile]]]
    stems = defaultdict(lambda: defaultdict(list))
    for file in canonical or weights:
        rank = _FORMATS.index(file.format) if file.format in _FORMATS else len(_FORMATS)
        stems[rank, stem(file.path)][variant(file.path)].append(file)
    best = min(rank for rank, _ in stems)
    # model.safetensors beside model.fp16.safetensors: the same tensors twice.
    candidates = [_largest(stems[key].values()) for key in sorted(stems) if key[0] == best]
    if canonical:
        return _largest(candidates)
    return [file for files in candidates for file in files]


def _counted(files: list[ModelFile]) -> bool:
    return any(v.PARAMETERS in file.facts for file in files)


def _largest(candidates: Iterable[list[ModelFile]]) -> list[ModelFile]:
    """Return the largest candidate whose tensors were counted, else the largest."""
    return max(
        candidates,
        key=lambda files: (
            _counted(files),
            sum(file.size for file in files),
        ),
    )


def assemble(name: str, files: Sequence[ModelFile], extra: Mapping[str, Fact] = {}) -> Model:
    """Return the model that ``files`` are; ``extra`` are facts of its place, believed first."""
    weights = [file for file in files if file.role is Role.WEIGHTS]
    primary = _primary_weights(file for file in weights if kind_of(file) != PART)
    facts = dict(extra)
    counted = {file.path for file in primary}
    speakers = sorted(files, key=lambda file: _precedence(file, primary=file.path in counted))
    for file in speakers:
        for key, fact in sorted(file.facts.items()):
            if key == v.NAME and names_base(fact, files):
                continue
            if key not in _OF_FILES and key not in _COUNTED:
                if key in _OBSERVED and file.role is Role.CONFIG and key not in facts:
                    facts.setdefault(key, fact)
                facts.setdefault(key, fact)
    _count(primary, speakers, facts)
    findings = [*_license_conflict(speakers, facts), *missing_shards(files)]
    for file in files:
        findings.extend(file.safety.findings)
    verdict = max((file.safety.verdict for file in files), default=Verdict.SAFE)
    _summarize(files, facts)
    return Model(
        name=name,
        format=(primary[0].format if primary else None) or "unknown",
        files=tuple(sorted(files, key=lambda file: file.path)),
        facts=dict(sorted(facts.items())),
        safety=Safety(verdict, tuple(findings[: 10 * LIMITS.findings_per_file])),
        purl=hub_purl(facts),
    )


def _precedence(file: ModelFile, *, primary: bool) -> tuple[int, int, bool, int, str]:
    kind = kind_of(file)
    speaker = _SPEAKERS.index(kind) if kind in _SPEAKERS else len(_SPEAKERS)
    role = _ORDER.get(file.role, _OTHER)
    return role, speaker, not primary, file.path.count("/"), file.path


def _count(primary: list[ModelFile], speakers: list[ModelFile], facts: dict[str, Fact]) -> None:
    """Sum what the primary weights have, and find the dtype of most elements."""
    for key in (v.PARAMETERS, v.TENSOR_COUNT):
        known = [file.facts[key] for file in primary if key in file.facts]
        total = sum(fact.value for fact in known)
        if total:
            facts[key] = Fact(total, Origin.OBSERVED, known[0].where)
    dtypes: Counter[str] = Counter()
    for file in primary:
        if v.DTYPE in file.facts:
            count = file.facts[v.PARAMETERS].value if v.PARAMETERS in file.facts else 1
            dtypes[file.facts[v.DTYPE].value] += count
    if dtypes:
        common = dtypes.most_common(1)[0][0]
        where = next(
            file.facts[v.DTYPE].where
            for file in primary
            if v.DTYPE in file.facts and file.facts[v.DTYPE].value == common
        )
        facts[v.DTYPE] = Fact(common, Origin.OBSERVED, where)
    else:
        declared = next((f.facts[v.DTYPE] for f in speakers if v.DTYPE in f.facts), None)
        if declared:
            facts[v.DTYPE] = declared
    versions = [file.facts[v.FORMAT_VERSION] for file in primary if v.FORMAT_VERSION in file.facts]
    if versions:
        facts[v.FORMAT_VERSION] = versions[0]


def _summarize(files: Sequence[ModelFile], facts: dict[str, Fact]) -> None:
    """Name the licence's file, when the model has one."""
    if v.LICENSE_FILE not in facts:
        for file in files:
            if file.role is Role.LICENSE and kind_of(file) == "license":
                facts[v.LICENSE_FILE] = Fact(file.path, Origin.OBSERVED, file.path)
                return


def _license_conflict(speakers: list[ModelFile], facts: Mapping[str, Fact]) -> list[Finding]:
    """Compare what card, licence file and header say."""
    said: dict[str, str] = {}
    for file in speakers:
        fact = file.facts.get(v.LICENSE)
        if fact is not None:
            said.setdefault(_comparable(str(fact.value)), f"{fact.value} ({fact.where})")
    if len(said) < 2:
        return []
    text = "its licence is given in different ways: " + ", ".join(said.values())
    path = facts[v.LICENSE].where.partition(": ")[0] if v.LICENSE in facts else None
    return [Finding("license-conflict", Level.WARNING, text[: LIMITS.finding_text], path)]


def _comparable(licence: str) -> str:
    return (
        licence.lower().removeprefix("licenseref-").removesuffix("-only").removesuffix("-or-later")
    )
