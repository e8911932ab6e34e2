"""Models and data sets as components: card, licences, lineage, files, identity."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import pytest

from lading import bom
from lading.inventory import (
    Dataset,
    Fact,
    Finding,
    Inspection,
    Level,
    Model,
    Origin,
    Role,
    Safety,
    Verdict,
)
from lading.models import vocabulary
from support import bom_inspections as samples


def render(*models: Model, datasets: tuple[Dataset, ...] = ()) -> dict[str, Any]:
    inspection = Inspection("x", samples.image(), models=models, datasets=datasets)
    document = bom.render(inspection, timestamp=samples.MOMENT)
    bom.validate(document)
    return document


def component(*models: Model) -> dict[str, Any]:
    found: dict[str, Any] = render(*models)["components"][0]
    return found


def properties(of: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in of["properties"]}


@pytest.fixture(scope="module")
def full() -> dict[str, Any]:
    return bom.render(samples.full(), timestamp=samples.MOMENT)


def named(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in document["components"] if one["name"] == name)


def test_card_is_filled_from_facts(full: dict[str, Any]) -> None:
    card = named(full, "benjamin/wtp-bert-tiny")["modelCard"]
    parameters = card["modelParameters"]
    assert parameters["task"] == "token-classification"
    assert parameters["architectureFamily"] == "bert"
    assert parameters["modelArchitecture"] == "BertForTokenClassification"
    assert parameters["inputs"] == [{"format": "input_ids: I64[-1,512]"}]
    assert parameters["outputs"] == [{"format": "logits"}]
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "accuracy"},
        {"type": "f1", "value": "0.931", "slice": "UD English"},
    ]
    considerations = card["considerations"]
    assert considerations["useCases"] == ["Splitting text into sentences."]
    assert considerations["technicalLimitations"] == [
        "Not evaluated on poetry.\n\nBiased to the web."
    ]


def test_limits_are_risks_only_under_a_heading_that_says_so() -> None:
    limits = {vocabulary.LIMITATIONS: "Slow."}
    plain = samples.model(facts=samples.facts(where="README.md: Limitations", **limits))
    risky = samples.model(facts=samples.facts(where="README.md: Bias and Risks", **limits))
    assert "ethicalConsiderations" not in component(plain)["modelCard"]["considerations"]
    found = component(risky)["modelCard"]["considerations"]["ethicalConsiderations"]
    assert found == [{"name": "Slow."}]


def test_every_fact_says_where_it_came_from(full: dict[str, Any]) -> None:
    known = properties(named(full, "benjamin/wtp-bert-tiny"))
    assert known["lading:fact:parameters"] == "4385920"
    assert known["lading:fact:parameters:origin"] == "observed: app/models/wtp/model.safetensors"
    assert known["lading:fact:license:origin"] == "declared: app/models/wtp/README.md"
    assert known["lading:fact:commit:origin"] == "matched: sha256 of model.safetensors"
    for name in samples.full().models[0].facts:
        assert f"lading:fact:{name}:origin" in known


def test_fields_that_owasp_aibom_asks_for(full: dict[str, Any]) -> None:
    """What its generator's field registry looks for in ``components[0]``, as far as it is known."""
    alone = dataclasses.replace(samples.full(), models=samples.full().models[:1])
    document = bom.render(alone, timestamp=samples.MOMENT)
    first = document["components"][0]
    assert {"bomFormat", "specVersion", "serialNumber", "version"} <= document.keys()
    wanted = {"type", "name", "version", "purl", "description", "licenses", "supplier"}
    assert wanted <= first.keys()
    kinds = {one["type"] for one in first["externalReferences"]}
    assert {"distribution", "vcs", "website", "documentation"} <= kinds
    card = first["modelCard"]
    assert {"task", "modelArchitecture", "datasets"} <= card["modelParameters"].keys()
    assert card["considerations"].keys() == {
        "useCases",
        "technicalLimitations",
        "ethicalConsiderations",
    }
    in_card = {one["name"].removeprefix("genai:aibom:modelcard:") for one in card["properties"]}
    assert in_card == {"contextLength", "vocabSize", "quantizationFileType", "hyperparameter"}
    spdx = {name for name in properties(first) if name.startswith("spdx:")}
    assert spdx == {
        "spdx:domain",
        "spdx:informationAboutApplication",
        "spdx:metric",
        "spdx:primaryPurpose",
        "spdx:suppliedBy",
        "spdx:typeOfModel",
    }


def test_identity_needs_a_commit() -> None:
    assert "version" not in component(samples.model())
    known = samples.facts(**{vocabulary.COMMIT: samples.COMMIT, vocabulary.VERSION: "2"})
    assert component(samples.model(facts=known))["version"] == samples.COMMIT
    version = component(samples.model(facts=samples.facts(**{vocabulary.VERSION: 2})))["version"]
    assert version == "2"


def test_one_weight_file_is_the_models_hash_and_several_are_not(full: dict[str, Any]) -> None:
    (single,) = named(full, "benjamin/wtp-bert-tiny")["hashes"]
    assert single == {
        "alg": "SHA-256",
        "content": samples.digest("app/models/wtp/model.safetensors"),
    }
    assert "hashes" not in named(full, "acme/big")


def test_root_digest_is_that_of_model_signing() -> None:
    """Sorted as paths are, component by component: a byte order would put a-b before a."""
    model = samples.model(files=(samples.weights("m/a-b/c"), samples.weights("m/a/b")))
    raw = b"".join(bytes.fromhex(samples.digest(path)) for path in ("m/a/b", "m/a-b/c"))
    expected = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert properties(component(model))["lading:model:root"] == expected


def test_files_are_nested_with_layer_role_size_and_digest(full: dict[str, Any]) -> None:
    model = named(full, "benjamin/wtp-bert-tiny")
    assert [one["name"] for one in model["components"]] == [
        "/app/models/wtp/README.md",
        "/app/models/wtp/config.json",
        "/app/models/wtp/model.safetensors",
    ]
    weights = model["components"][2]
    assert weights["hashes"][0]["content"] == model["hashes"][0]["content"]
    assert properties(weights) == {
        "lading:file:also-at": "/root/.cache/model.safetensors",
        "lading:file:format": "safetensors",
        "lading:file:role": "weights",
        "lading:file:size": "4000000",
        "lading:layer": samples.LAYERS[2].diff_id,
        "lading:safety:verdict": "safe",
    }


def test_occurrences_have_every_place(full: dict[str, Any]) -> None:
    found = named(full, "benjamin/wtp-bert-tiny")["evidence"]["occurrences"]
    places = {one["location"]: one["additionalContext"] for one in found}
    assert len(places) == 4
    copy = dict(part.split("=", 1) for part in places["/root/.cache/model.safetensors"].split())
    assert copy == {
        "layer": samples.LAYERS[1].diff_id,
        "role": "weights",
        "size": "4000000",
        "sha256": samples.digest("app/models/wtp/model.safetensors"),
    }


def test_identity_that_was_matched_by_digest_has_evidence(full: dict[str, Any]) -> None:
    model = named(full, "benjamin/wtp-bert-tiny")
    (identity,) = model["evidence"]["identity"]
    assert identity["concludedValue"] == model["purl"]
    assert identity["methods"][0]["technique"] == "hash-comparison"
    declared = samples.facts(**{vocabulary.COMMIT: samples.COMMIT})
    found = component(samples.model(facts=declared, purl=model["purl"]))
    assert "identity" not in found["evidence"]


@pytest.mark.parametrize(
    ("value", "name"), [("hf:acme/tiny@abc", "hf:acme/tiny@abc"), (None, None)]
)
def test_attested_content_without_a_purl_is_known_by_its_name(
    value: str | None, name: str | None
) -> None:
    attested = {"attested": Fact(value, Origin.MATCHED, "sha256:…")}
    evidence = component(samples.model("m", facts=attested))["evidence"]
    found = [one["concludedValue"] for one in evidence.get("identity", ())]
    assert found == ([name] if name else [])


def test_verdict_is_the_worst_of_model_and_files() -> None:
    finding = Finding("odd", Level.WARNING, "odd opcode", "m/a")
    files = (
        samples.weights("m/a", safety=Safety(Verdict.SUSPICIOUS, (finding,))),
        samples.weights("m/b", safety=Safety(Verdict.UNSCANNABLE)),
    )
    known = properties(component(samples.model(files=files)))
    assert known["lading:safety:verdict"] == "suspicious"
    assert '"id":"odd"' in known["lading:finding"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {"license": "apache-2.0"},
            [{"license": {"id": "Apache-2.0", "acknowledgement": "declared"}}],
        ),
        (
            {"license": "MIT OR Apache-2.0"},
            [{"expression": "MIT OR Apache-2.0", "acknowledgement": "declared"}],
        ),
        (
            {"license": "llama3.1"},
            [{"license": {"name": "llama3.1", "acknowledgement": "declared"}}],
        ),
        (
            {"license": "other", "license_name": "Acme", "license_link": "https://acme.example/L"},
            [
                {
                    "license": {
                        "name": "Acme",
                        "url": "https://acme.example/L",
                        "acknowledgement": "declared",
                    }
                }
            ],
        ),
        ({"license": "other"}, [{"license": {"name": "other", "acknowledgement": "declared"}}]),
        ({"license": {"odd": 1}}, None),
        ({"license_link": "https://acme.example/L"}, None),
    ],
)
def test_licence_of_a_model(facts: dict[str, Any], expected: Any) -> None:
    found = component(samples.model(facts=samples.facts(**facts)))
    assert found.get("licenses") == expected


def test_licence_that_was_read_from_its_text_is_concluded() -> None:
    known = {vocabulary.LICENSE: Fact("MIT", Origin.OBSERVED, "LICENSE")}
    (found,) = component(samples.model(facts=known))["licenses"]
    assert found["license"]["acknowledgement"] == "concluded"


def test_base_model_in_the_image_is_an_ancestor_and_an_edge(full: dict[str, Any]) -> None:
    base, derived = named(full, "benjamin/wtp-bert-tiny"), named(full, "acme/big")
    (ancestor,) = derived["pedigree"]["ancestors"]
    assert ancestor["purl"] == base["purl"]
    assert "bom-ref" not in ancestor
    assert base["bom-ref"] in edges(full)[derived["bom-ref"]]


def test_what_is_only_declared_is_excluded_and_no_loose_end(full: dict[str, Any]) -> None:
    model = named(full, "benjamin/wtp-bert-tiny")
    base = named(full, "google/bert_uncased_L-2_H-128_A-2")
    training = named(full, "mc4")
    for one in (base, training):
        assert one["scope"] == "excluded"
        assert properties(one) == {"lading:presence": "declared"}
        assert one["bom-ref"] in edges(full)[model["bom-ref"]]
        assert one["bom-ref"] not in edges(full)[full["metadata"]["component"]["bom-ref"]]
    assert base["externalReferences"][0]["url"].endswith("/google/bert_uncased_L-2_H-128_A-2")
    assert training["externalReferences"][0]["url"] == "https://huggingface.co/datasets/mc4"


def test_data_set_in_the_image_is_referred_to_by_the_card(full: dict[str, Any]) -> None:
    data = named(full, "acme/reviews")
    assert data["type"] == "data"
    assert data["data"] == [{"type": "dataset", "name": "acme/reviews"}]
    assert data["licenses"][0]["license"]["id"] == "CC-BY-4.0"
    card = named(full, "benjamin/wtp-bert-tiny")["modelCard"]
    assert {"ref": data["bom-ref"]} in card["modelParameters"]["datasets"]


def test_a_model_is_not_its_own_base() -> None:
    known = samples.facts(**{vocabulary.BASE_MODEL: ["acme/x"]})
    document = render(samples.model("acme/x", facts=known))
    base = [one for one in document["components"] if one.get("scope") == "excluded"]
    assert [one["name"] for one in base] == ["acme/x"]


def test_distribution_that_ships_a_model_has_an_edge_to_it(full: dict[str, Any]) -> None:
    model = next(one for one in full["components"] if one["name"] == "toy" and "purl" not in one)
    assert model["bom-ref"] in edges(full)["pkg:pypi/toy@0.1"]
    assert properties(model)["lading:model:distribution"] == "pkg:pypi/toy@0.1"


def test_equal_models_are_one_and_others_keep_apart() -> None:
    same = samples.model("m")
    other = samples.model("m", files=(samples.weights("elsewhere"),))
    facts = samples.model("m", facts=samples.facts(**{vocabulary.LIMITATIONS: "Slow."}))
    found = [
        one
        for one in render(same, same, other, facts)["components"]
        if one["type"] == "machine-learning-model"
    ]
    assert len(found) == 3
    assert sum("modelCard" in one for one in found) == 1


def test_references_depend_on_the_files_and_not_on_the_place_in_the_list() -> None:
    one, two = samples.model("a"), samples.model("b")
    refs = {named(render(one), "a")["bom-ref"], named(render(two, one), "a")["bom-ref"]}
    assert len(refs) == 1
    changed = dataclasses.replace(
        one, files=(samples.weights("app/models/a/model.safetensors", "x"),)
    )
    assert component(changed)["bom-ref"] not in refs


def test_ill_typed_facts_are_as_if_unknown() -> None:
    odd = {
        vocabulary.TASK: {"a": 1},
        vocabulary.TAGS: [1, None, "ok", {"x": []}],
        vocabulary.BASE_MODEL: 7,
        vocabulary.DATASETS: [["nested"]],
        vocabulary.METRICS: ["accuracy", 3, {"value": 1}, {"type": "f1", "value": float("nan")}],
        vocabulary.INPUTS: {"name": None, "shape": "x"},
        vocabulary.REPOSITORY: "../../etc",
        vocabulary.COMMIT: ["x", "y"],
    }
    found = component(samples.model(facts=samples.facts(**odd)))
    assert found["tags"] == ["ok"]
    assert "pedigree" not in found
    assert "externalReferences" not in found
    metrics = found["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert {"type": "f1", "value": "NaN"} in metrics
    assert {"type": "accuracy"} in metrics


def test_card_and_licence_files_are_referenced() -> None:
    files = (
        samples.weights("m/model.bin"),
        samples.weights("m/RE AD\udc80ME.md", role=Role.CARD, format=None),
        samples.weights("m/LICENSE", role=Role.LICENSE, format=None),
    )
    found = component(samples.model(files=files))["externalReferences"]
    assert [(one["type"], one["url"]) for one in found] == [
        ("license", "/m/LICENSE"),
        ("model-card", "/m/RE%20AD%80ME.md"),
    ]


def test_long_texts_are_cut_and_say_so() -> None:
    known = samples.facts(**{vocabulary.DESCRIPTION: "x" * 100_000})
    text = component(samples.model(facts=known))["description"]
    assert len(text) < 20_000
    assert text.endswith("…")


def test_supplier_is_the_organisation_of_the_repository_else_the_author() -> None:
    known = {vocabulary.REPOSITORY: "acme/x", vocabulary.AUTHOR: "Ann"}
    supplier = component(samples.model(facts=samples.facts(**known)))["supplier"]
    assert supplier == {"name": "acme", "url": ["https://huggingface.co/acme"]}
    alone = samples.facts(**{vocabulary.AUTHOR: "Ann"})
    assert component(samples.model(facts=alone))["supplier"] == {"name": "Ann"}


def test_where_a_model_can_be_had() -> None:
    known = {vocabulary.SOURCE_URL: "https://acme.example/model.zip"}
    (found,) = component(samples.model(facts=samples.facts(**known)))["externalReferences"]
    assert found == {"type": "distribution", "url": "https://acme.example/model.zip"}


def test_data_set_of_the_hub() -> None:
    known = {vocabulary.REPOSITORY: "acme/reviews", vocabulary.DESCRIPTION: "Reviews."}
    data = dataclasses.replace(samples.full().datasets[0], facts=samples.facts(**known))
    (found,) = render(datasets=(data,))["components"]
    url = "https://huggingface.co/datasets/acme/reviews"
    assert found["data"] == [
        {
            "type": "dataset",
            "name": "acme/reviews",
            "description": "Reviews.",
            "contents": {"url": url},
        }
    ]
    assert found["externalReferences"] == [{"type": "website", "url": url}]


def test_two_models_share_one_declared_base() -> None:
    known = samples.facts(**{vocabulary.BASE_MODEL: ["acme/base", "acme/base"]})
    document = render(samples.model("a", facts=known), samples.model("b", facts=known))
    bases = [one for one in document["components"] if one.get("scope") == "excluded"]
    assert [one["name"] for one in bases] == ["acme/base"]


def edges(document: dict[str, Any]) -> dict[str, list[str]]:
    return {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
