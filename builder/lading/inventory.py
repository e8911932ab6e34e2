"""The values that rooms hand to each other: what was found in an image, as facts.

Everything here is frozen, holds no bytes of the image beyond short texts, and knows nothing of
where it came from or what will be written. Paths are POSIX paths relative to the image's root,
without a leading slash; undecodable bytes are kept as surrogate escapes. Digests are lower-case
hexadecimal SHA-256 without prefix where the field is called ``sha256``, and ``sha256:…`` where it
is called ``digest`` or ``diff_id``. Sizes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Dataset",
    "Fact",
    "Finding",
    "ImageFacts",
    "Inspection",
    "LayerFacts",
    "Level",
    "Model",
    "ModelFile",
    "Occurrence",
    "Origin",
    "Package",
    "PackageFile",
    "Platform",
    "Role",
    "Safety",
    "Shadowed",
    "Tool",
    "Verdict",
]


class Level(StrEnum):
    """How bad a finding is; SARIF's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Verdict(IntEnum):
    """Whether loading a file can run code; ordered so that ``max`` is the verdict of a whole."""

    SAFE = 0
    UNSCANNABLE = 1
    SUSPICIOUS = 2
    DANGEROUS = 3

    @property
    def word(self) -> str:
        """The word in JSON documents."""
        return self.name.lower()


class Origin(StrEnum):
    """Where a fact came from."""

    DECLARED = "declared"  # a card or a config says so
    OBSERVED = "observed"  # read from the header or the bytes themselves
    MATCHED = "matched"  # the digest equals that of attested or published content


@dataclass(frozen=True, slots=True)
class Fact:
    """One value and where it came from. ``value`` is JSON data."""

    value: Any
    origin: Origin
    where: str  # the path, and the key in it, that said so


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person or a policy should look at. ``id`` is stable, e.g. ``pickle-global``."""

    id: str
    level: Level
    message: str
    path: str | None = None
    layer: str | None = None  # diff ID


@dataclass(frozen=True, slots=True)
class Safety:
    """Whether loading runs code, and why."""

    verdict: Verdict = Verdict.SAFE
    findings: tuple[Finding, ...] = ()


class Role(StrEnum):
    """What a file is to its model."""

    WEIGHTS = "weights"
    CONFIG = "config"
    TOKENIZER = "tokenizer"
    CARD = "card"
    LICENSE = "license"
    INDEX = "index"
    CODE = "code"
    DATA = "data"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A further place where the same bytes lie: a link, or a copy in another layer."""

    path: str
    layer: str | None


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file that belongs to a model or a data set, as one pass over its bytes saw it.

    ``format`` is the format's identifier for weights and data (``safetensors``, ``gguf`` …) and
    ``None`` for companions. ``facts`` has the names listed in ``lading.models.vocabulary``.
    """

    path: str
    size: int
    sha256: str
    role: Role
    format: str | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)
    safety: Safety = Safety()
    layer: str | None = None
    also_at: tuple[Occurrence, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """One model: its weight files and everything that belongs to them."""

    name: str
    format: str
    files: tuple[ModelFile, ...]
    facts: Mapping[str, Fact] = field(default_factory=dict)
    safety: Safety = Safety()
    purl: str | None = None
    distribution: str | None = None  # purl of the package that ships it

    def fact(self, name: str) -> Any:
        """Return the value of a fact, or None when it is not known."""
        found = self.facts.get(name)
        return None if found is None else found.value


@dataclass(frozen=True, slots=True)
class Dataset:
    """One data set found in the image."""

    name: str
    format: str
    files: tuple[ModelFile, ...]
    facts: Mapping[str, Fact] = field(default_factory=dict)
    purl: str | None = None


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file that a package reader needs, captured whole (bounded by ``LIMITS.package_file``).

    For programs, ``content`` is a small stand-in with the parts that readers look at. A file that
    was too large to capture has empty ``content`` and its ``size``: nothing of it is known but
    that it is there.
    """

    path: str
    content: bytes
    layer: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package. ``type`` is the purl type, such as ``pypi``, ``deb`` or ``rpm``.

    ``licenses`` are SPDX identifiers or expressions where they could be had, else the text as
    declared. ``hashes`` maps a CycloneDX algorithm name to hexadecimal. ``requires`` are purls.
    """

    purl: str
    name: str
    version: str
    type: str
    layer: str | None = None
    path: str | None = None
    licenses: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    summary: str | None = None
    homepage: str | None = None
    supplier: str | None = None
    requested: bool | None = None  # asked for by a person, or pulled in; None: not recorded
    properties: Mapping[str, str] = field(default_factory=dict)
    cpe: str | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """OCI image-spec platform."""

    os: str
    architecture: str
    variant: str | None = None

    def __str__(self) -> str:
        tail = f"/{self.variant}" if self.variant else ""
        return f"{self.os}/{self.architecture}{tail}"


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """One layer, lowest first in its image."""

    diff_id: str
    size: int  # uncompressed bytes of its files
    digest: str | None = None  # of the blob in a registry or layout
    created_by: str | None = None
    cached: bool = False  # findings came from the layer cache


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """The image as its source describes it."""

    name: str  # as the user wrote it, normalised
    platform: Platform
    config_digest: str
    layers: tuple[LayerFacts, ...]
    manifest_digest: str | None = None
    index_digest: str | None = None  # the outermost one's
    inner_indexes: tuple[str, ...] = ()  # digests of those between it and the manifest
    repo_digests: tuple[str, ...] = ()
    created: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that contributed facts."""

    name: str
    version: str
    vendor: str | None = None


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What a lower layer has and a container of the image does not see."""

    item: Model | Package
    hidden_by: str  # diff ID of the layer that took it away
    replaced: bool  # by a file or package of the same name; else it was deleted


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything that was found in one image (one platform of it)."""

    target: str
    image: ImageFacts
    models: tuple[Model, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    packages: tuple[Package, ...] = ()
    findings: tuple[Finding, ...] = ()
    tools: tuple[Tool, ...] = ()
    shadowed: tuple[Shadowed, ...] | None = None  # None: lower layers were not asked for
