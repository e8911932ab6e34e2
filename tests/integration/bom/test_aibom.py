"""A model with a full card: what readers of AI BOMs look for is where they look for it.

The fields are those of the OWASP AIBOM generator's registry (its names, tiers and places, as of
April 2026), of ``components[0]``. Those that no header and no card field can answer are listed
too: none of them may appear.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.xml import XmlValidator

from lading import bom
from lading.cli import main
from support.models_fixtures import APACHE, safetensors_bytes

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = {
    "_name_or_path": "google-bert/bert-base-uncased",
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 512,
    "vocab_size": 30522,
}
CARD = """---
language: [en, de]
license: apache-2.0
library_name: transformers
pipeline_tag: text-classification
tags: [sentiment, "arxiv:1810.04805"]
base_model: google-bert/bert-base-uncased
datasets: [stanfordnlp/imdb]
co2_eq_emissions: {emissions: 120, source: codecarbon}
model-index:
- name: sentiment
  results:
  - task: {type: text-classification}
    dataset: {name: IMDB, type: stanfordnlp/imdb}
    metrics: [{type: accuracy, value: 0.93}]
---
# Sentiment
- **Developed by:** Acme Research
## Uses
### Direct Use
Classify reviews of films.
### Out-of-Scope Use
Medical decisions.
## Bias, Risks, and Limitations
Films alone; the model is biased towards them.
## Training Details
IMDB, 25,000 reviews.
### Preprocessing
Lower case.
## Model Examination
Weights of words were looked at.
"""

CARD_PROPERTIES = {
    "attentionHeadCount", "blockCount", "contextLength", "embeddingLength", "feedForwardLength",
    "hyperparameter", "modelCardExplainability", "tokenizerClass", "vocabSize",
}  # fmt: skip
SPDX_PROPERTIES = {
    "domain", "informationAboutApplication", "informationAboutTraining", "metric",
    "modelDataPreprocessing", "modelExplainability", "primaryPurpose", "suppliedBy",
    "typeOfModel",
}  # fmt: skip


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A Hugging Face cache with the model: names in a snapshot, bytes in blobs."""
    snapshot = tmp_path / "root" / "hub" / "models--acme--sentiment" / "snapshots" / COMMIT
    files = {
        "README.md": CARD.encode(),
        "config.json": json.dumps(CONFIG).encode(),
        "tokenizer_config.json": b'{"tokenizer_class": "BertTokenizer"}',
        "LICENSE": APACHE.encode(),
        "model.safetensors": safetensors_bytes(),
    }
    snapshot.mkdir(parents=True)
    for name, content in files.items():
        (snapshot / name).write_bytes(content)
    return tmp_path / "root"


def written(target: Path, out: Path, *words: str) -> bytes:
    assert main(["bom", f"dir:{target}", "-o", str(out), *words]) == 0
    return out.read_bytes()


def named(properties: list[dict[str, str]], prefix: str) -> set[str]:
    names = (one["name"] for one in properties)
    return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}


def test_every_field_that_can_be_known_is_there(cache: Path, tmp_path: Path) -> None:
    document: dict[str, Any] = json.loads(written(cache, tmp_path / "bom.json"))
    first = document["components"][0]
    assert {"bomFormat", "specVersion", "serialNumber", "version"} <= document.keys()
    assert first["type"] == "machine-learning-model"
    assert first["name"] == "acme/sentiment"
    assert first["version"] == COMMIT
    assert first["purl"] == f"pkg:huggingface/acme/sentiment@{COMMIT}"
    assert first["description"]
    assert first["licenses"][0]["license"]["id"] == "Apache-2.0"
    assert first["supplier"]["name"] == "acme"
    assert first["authors"] == [{"name": "Acme Research"}]
    kinds = {one["type"] for one in first["externalReferences"]}
    assert {"distribution", "vcs", "website", "documentation"} <= kinds
    card = first["modelCard"]
    assert card["modelParameters"]["task"] == "text-classification"
    assert card["modelParameters"]["modelArchitecture"] == "BertForSequenceClassification"
    assert len(card["modelParameters"]["datasets"]) == 1
    said = card["considerations"]
    assert "Classify reviews" in said["useCases"][0]
    assert said["technicalLimitations"] == ["Films alone; the model is biased towards them."]
    assert said["ethicalConsiderations"][0]["name"] == said["technicalLimitations"][0]
    (emitted,) = said["environmentalConsiderations"]["properties"]
    assert emitted["value"] == "120 g of CO2 equivalent; source: codecarbon"
    assert named(card["properties"], "genai:aibom:modelcard:") == CARD_PROPERTIES
    assert named(first["properties"], "spdx:") == SPDX_PROPERTIES


@pytest.mark.parametrize("version", ["1.6", "1.7"])
def test_it_is_valid_in_every_form(version: str, cache: Path, tmp_path: Path) -> None:
    content = written(cache, tmp_path / "bom.json", "--spec-version", version)
    bom.validate(json.loads(content))
    xml = written(cache, tmp_path / "bom.xml", "--spec-version", version, "--format", "xml")
    assert b"<environmentalConsiderations>" in xml
    assert XmlValidator(SchemaVersion.from_version(version)).validate_str(xml.decode()) is None
