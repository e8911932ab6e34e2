"""Inspections for the BOM's tests: one that is full, and one that is big."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lading.inventory import (
    Dataset,
    Fact,
    Finding,
    ImageFacts,
    Inspection,
    LayerFacts,
    Level,
    Model,
    ModelFile,
    Occurrence,
    Origin,
    Package,
    Platform,
    Role,
    Safety,
    Tool,
    Verdict,
)
from lading.models import vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "COMMIT",
    "LAYERS",
    "MOMENT",
    "big",
    "digest",
    "facts",
    "full",
    "image",
    "model",
    "package",
    "shuffled",
    "weights",
]

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def digest(of: str) -> str:
    """Return the SHA-256 of a text: a digest that is as good as any."""
    return hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest()


LAYERS = tuple(
    LayerFacts(f"sha256:{digest(name)}", size, created_by=f"RUN {name}")
    for name, size in (
        ("base", 70_000_000),
        ("pip install", 900_000_000),
        ("COPY model", 17_000_000),
    )
)


def image(**changes: Any) -> ImageFacts:
    """Return the facts of an image that was pushed."""
    manifest = f"sha256:{digest('manifest')}"
    known = ImageFacts(
        name="ghcr.io/acme/svc:1",
        platform=Platform("linux", "amd64"),
        config_digest=f"sha256:{digest('config')}",
        layers=LAYERS,
        manifest_digest=manifest,
        repo_digests=(f"ghcr.io/acme/svc@{manifest}",),
        created="2026-01-01T00:00:00Z",
        labels={
            "org.opencontainers.image.source": "https://github.com/acme/svc",
            "org.opencontainers.image.vendor": "Acme Inc.",
            "org.opencontainers.image.licenses": "Apache-2.0",
            "org.opencontainers.image.description": "A text classification service",
        },
    )
    return dataclasses.replace(known, **changes)


def weights(path: str, content: str | None = None, **changes: Any) -> ModelFile:
    """Return a weight file whose bytes are named by ``content`` (the path when not given)."""
    known = ModelFile(
        path=path,
        size=4_000_000,
        sha256=digest(content or path),
        role=Role.WEIGHTS,
        format="safetensors",
        layer=LAYERS[2].diff_id,
    )
    return dataclasses.replace(known, **changes)


def facts(
    origin: Origin = Origin.DECLARED, where: str = "README.md", **values: Any
) -> dict[str, Fact]:
    """Return facts of one origin."""
    return {name: Fact(value, origin, where) for name, value in values.items()}


def model(name: str = "acme/wtp-bert-tiny", **changes: Any) -> Model:
    """Return a small model with no facts: weights and a config."""
    folder = f"app/models/{name}"
    files = (
        weights(f"{folder}/model.safetensors"),
        weights(f"{folder}/config.json", role=Role.CONFIG, format=None, size=600),
    )
    return dataclasses.replace(Model(name=name, format="safetensors", files=files), **changes)


def package(name: str, version: str = "1.0", **changes: Any) -> Package:
    """Return a Python distribution."""
    known = Package(
        purl=f"pkg:pypi/{name}@{version}",
        name=name,
        version=version,
        type="pypi",
        layer=LAYERS[1].diff_id,
        path=f"usr/lib/python3/site-packages/{name}-{version}.dist-info/METADATA",
    )
    return dataclasses.replace(known, **changes)


def full() -> Inspection:
    """Return an inspection in which everything that the BOM can say is known."""
    return Inspection(
        target="docker:ghcr.io/acme/svc:1",
        image=image(),
        models=(_described(), _sharded(), _unsafe()),
        datasets=(_dataset(),),
        packages=_packages(),
        findings=(
            Finding("record-changed", Level.WARNING, "changed after install", "usr/lib/x.py"),
            Finding("layer-skipped", Level.NOTE, "no files"),
        ),
        tools=(Tool("syft", "1.51.0", "Anchore, Inc."),),
    )


def _described() -> Model:
    known = {
        **facts(
            where="app/models/wtp/README.md",
            **{
                vocabulary.DESCRIPTION: "Segments text into sentences.\nVery small.",
                vocabulary.TASK: "token-classification",
                vocabulary.LICENSE: "mit",
                vocabulary.TAGS: ["sentence-segmentation", "arxiv:2305.18893"],
                vocabulary.LANGUAGES: ["en", "de"],
                vocabulary.BASE_MODEL: ["google/bert_uncased_L-2_H-128_A-2"],
                vocabulary.BASE_MODEL_RELATION: "finetune",
                vocabulary.DATASETS: ["acme/reviews", "mc4"],
                vocabulary.METRICS: [
                    {"type": "f1", "value": 0.931, "dataset": "UD English", "task": "segmentation"},
                    {"type": "accuracy"},
                ],
                vocabulary.INTENDED_USE: "Splitting text into sentences.",
                vocabulary.LIBRARY: "transformers",
                vocabulary.AUTHOR: "Benjamin",
            },
        ),
        **facts(
            where="app/models/wtp/README.md: Bias, Risks, and Limitations",
            **{vocabulary.LIMITATIONS: "Not evaluated on poetry.\n\nBiased to the web."},
        ),
        **facts(
            Origin.OBSERVED,
            "app/models/wtp/model.safetensors",
            **{
                vocabulary.PARAMETERS: 4_385_920,
                vocabulary.DTYPE: "F32",
                vocabulary.TENSOR_COUNT: 39,
                vocabulary.ARCHITECTURE: "BertForTokenClassification",
                vocabulary.ARCHITECTURE_FAMILY: "bert",
                vocabulary.CONTEXT_LENGTH: 512,
                vocabulary.VOCABULARY_SIZE: 30_522,
                vocabulary.QUANTIZATION: "none",
                vocabulary.INPUTS: [{"name": "input_ids", "type": "I64", "shape": [-1, 512]}],
                vocabulary.OUTPUTS: ["logits"],
            },
        ),
        **facts(
            Origin.MATCHED,
            "sha256 of model.safetensors",
            **{vocabulary.REPOSITORY: "benjamin/wtp-bert-tiny", vocabulary.COMMIT: COMMIT},
        ),
    }
    folder = "app/models/wtp"
    return Model(
        name="benjamin/wtp-bert-tiny",
        format="safetensors",
        files=(
            weights(
                f"{folder}/model.safetensors",
                also_at=(Occurrence("root/.cache/model.safetensors", LAYERS[1].diff_id),),
            ),
            weights(f"{folder}/config.json", role=Role.CONFIG, format=None, size=600),
            weights(f"{folder}/README.md", role=Role.CARD, format=None, size=2000),
        ),
        facts=known,
        purl=f"pkg:huggingface/benjamin/wtp-bert-tiny@{COMMIT}",
    )


def _sharded() -> Model:
    folder = "app/models/big"
    names = [f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)]
    return Model(
        name="acme/big",
        format="safetensors",
        files=(
            *(weights(f"{folder}/{name}", size=1_000_000_000) for name in names),
            weights(f"{folder}/model.safetensors.index.json", role=Role.INDEX, format=None),
        ),
        facts=facts(
            **{
                vocabulary.BASE_MODEL: ["benjamin/wtp-bert-tiny"],
                vocabulary.BASE_MODEL_RELATION: "adapter",
                vocabulary.LICENSE: "other",
                vocabulary.LICENSE_NAME: "acme-community",
                vocabulary.LICENSE_LINK: "https://acme.example/LICENSE",
            }
        ),
    )


def _unsafe() -> Model:
    finding = Finding(
        "pickle-global",
        Level.ERROR,
        "loading it calls os.system",
        "usr/lib/python3/site-packages/toy/model.pkl",
        LAYERS[1].diff_id,
    )
    safety = Safety(Verdict.DANGEROUS, (finding,))
    path = "usr/lib/python3/site-packages/toy/model.pkl"
    return Model(
        name="toy",
        format="pickle",
        files=(weights(path, format="pickle", layer=LAYERS[1].diff_id, safety=safety),),
        safety=safety,
        distribution="pkg:pypi/toy@0.1",
    )


def _dataset() -> Dataset:
    files = tuple(
        weights(f"data/reviews/{split}.parquet", role=Role.DATA, format="parquet")
        for split in ("train", "test")
    )
    return Dataset(
        name="acme/reviews",
        format="parquet",
        files=files,
        facts=facts(
            Origin.OBSERVED,
            "data/reviews",
            **{vocabulary.ROWS: 1000, vocabulary.LICENSE: "cc-by-4.0"},
        ),
    )


def _packages() -> tuple[Package, ...]:
    return (
        package(
            "torch",
            "2.9.0",
            licenses=("BSD-3-Clause",),
            requires=("pkg:pypi/numpy@2.3.0", "pkg:pypi/absent@1"),
            requested=True,
            hashes={"SHA-256": digest("torch"), "sha3": "nonsense"},
            summary="Tensors",
            homepage="https://pytorch.org",
            supplier="PyTorch Team",
        ),
        package("numpy", "2.3.0", licenses=("BSD-3-Clause AND MIT",), requested=False),
        package("toy", "0.1", licenses=("Some text\nof our own",)),
        package("ring-a", requires=("pkg:pypi/ring-b@1.0",)),
        package("ring-b", requires=("pkg:pypi/ring-a@1.0",)),
        Package(
            purl="pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13",
            name="libc6",
            version="2.41-12",
            type="deb",
            layer=LAYERS[0].diff_id,
            licenses=("LGPL-2.1-only", "GPL-2.0-or-later OR MIT", "Carnegie-Mellon"),
            cpe="cpe:2.3:a:gnu:glibc:2.41:*:*:*:*:*:*:*",
            properties={"source": "glibc"},
        ),
    )


def shuffled(inspection: Inspection, seed: int) -> Inspection:
    """Return the same inspection with every order that means nothing changed."""
    rng = random.Random(seed)

    def mixed(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(rng.sample(values, len(values)))

    def mixed_facts(values: Mapping[str, Fact]) -> dict[str, Fact]:
        return dict(mixed(tuple(values.items())))

    def file(one: ModelFile) -> ModelFile:
        return dataclasses.replace(one, also_at=mixed(one.also_at), facts=mixed_facts(one.facts))

    def thing(one: Any) -> Any:
        files = mixed(tuple(file(each) for each in one.files))
        return dataclasses.replace(one, files=files, facts=mixed_facts(one.facts))

    return dataclasses.replace(
        inspection,
        models=mixed(tuple(thing(one) for one in inspection.models)),
        datasets=mixed(tuple(thing(one) for one in inspection.datasets)),
        packages=mixed(
            tuple(
                dataclasses.replace(one, requires=mixed(one.requires), licenses=mixed(one.licenses))
                for one in inspection.packages
            )
        ),
        findings=mixed(inspection.findings),
        tools=mixed(inspection.tools),
    )


def big(packages: int) -> Inspection:
    """Return an inspection with that many packages, each requiring a few others."""
    rng = random.Random(7)
    found = tuple(
        package(
            f"package-{number}",
            f"{number}.0",
            licenses=(("MIT", "Apache-2.0 OR MIT", "Apache Software License")[number % 3],),
            hashes={"SHA-256": digest(str(number))},
            requires=tuple(
                f"pkg:pypi/package-{other}@{other}.0" for other in rng.sample(range(packages), 5)
            ),
            summary=f"Does the work of {number}",
            homepage=f"https://example.org/{number}",
        )
        for number in range(packages)
    )
    return dataclasses.replace(full(), packages=found)
