"""Rules about models and data sets."""

from __future__ import annotations

import dataclasses

import pytest

from support.policy_samples import bom, evidence, model, refused

GLOBAL = {
    "id": "pickle-dangerous-global",
    "level": "error",
    "message": "loading it imports os.system",
}


def test_licences_of_models_are_judged_by_name_and_unknown_is_a_no() -> None:
    given = evidence(model("good", "MIT"), model("bad", "CC-BY-NC-4.0"), model("silent"))

    assert refused("- {rule: model-licenses, allow: [MIT]}", given) == [
        "the model bad has a licence that is not on the list: CC-BY-NC-4.0",
        "the model silent has no licence that is known",
    ]
    allowed = "- {rule: model-licenses, allow: [MIT], unknown: allow, exclude: ['ba?']}"
    assert refused(allowed, given) == []


def test_a_denied_licence_says_that_it_is_rail() -> None:
    given = evidence(model("sd", "creativeml-openrail-m"))

    assert refused("- {rule: model-licenses, rail: deny}", given) == [
        "the model sd has a licence that is denied: creativeml-openrail-m (RAIL)"
    ]


@pytest.mark.parametrize(
    ("base_models", "licences", "lookup", "refusals"),
    [
        ("ignore", {}, True, 0),
        ("known", {}, False, 0),
        ("all", {}, False, 1),
        ("known", {"org/base": "MIT"}, True, 0),
        ("known", {"org/base": "llama3"}, True, 1),
        ("known", {"org/base": None}, True, 1),
        ("all", {"org/base": "llama3"}, False, 1),  # not looked up: the rule did not say so
    ],
)
def test_the_licence_of_a_base_model_counts_too(
    base_models: str, licences: dict[str, str | None], lookup: bool, refusals: int
) -> None:
    given = evidence(model("tuned", "MIT", bases=["org/base"]), licences=licences)
    rule = f"- {{rule: model-licenses, allow: [MIT], base-models: {base_models}"
    rule += ", lookup: hub}" if lookup else "}"

    assert len(refused(rule, given)) == refusals


def test_base_models_of_base_models_count_and_circles_end() -> None:
    licences = {"org/a": "MIT", "org/b": "llama3"}
    bases = {"org/a": ("org/b", "tuned"), "org/b": ("org/A", "org/a")}
    given = evidence(model("tuned", "MIT", bases=["org/a"]), licences=licences, bases=bases)

    assert refused("- {rule: model-licenses, allow: [MIT], lookup: hub}", given) == [
        "org/b, from which tuned was made, has a licence that is not on the list: llama3"
    ]
    assert refused("- {rule: model-licenses, allow: [MIT]}", given) == []  # nothing was asked


def test_a_base_model_in_the_image_is_judged_as_a_model() -> None:
    given = evidence(model("tuned", "MIT", bases=["org/base"]), model("org/base", "llama3"))

    assert refused("- {rule: model-licenses, allow: [MIT], base-models: all}", given) == [
        "the model org/base has a licence that is not on the list: llama3"
    ]


def test_formats() -> None:
    given = evidence(model("a"), model("b", format="pickle"))

    assert refused("- {rule: model-formats, allow: [safetensors]}", given) == [
        "the model b is in the format pickle"
    ]
    assert refused("- {rule: model-formats, deny: [pick*]}", given) == [
        "the model b is in the format pickle"
    ]


def test_what_is_not_judged_safe_is_refused_with_the_worst_finding() -> None:
    given = evidence(
        model("a"),
        model("b", verdict="dangerous", findings=[{"id": "x", "level": "note"}, GLOBAL]),
    )

    assert refused("- rule: model-safety", given) == [
        "the model b is dangerous: loading it imports os.system"
    ]
    assert refused("- {rule: model-safety, allow: [safe, dangerous]}", given) == []


def test_a_model_that_nobody_scanned_is_refused() -> None:
    plain = {"type": "machine-learning-model", "name": "foreign", "bom-ref": "x"}

    for rule in ("model-safety", "model-sources", "attested-models"):
        assert len(refused(f"- rule: {rule}", evidence(plain))) == 1, rule
    assert len(refused("- {rule: model-formats, allow: ['*']}", evidence(plain))) == 1


def test_globals_of_pickles_can_be_denied_by_pattern() -> None:
    given = evidence(model("a", globals=["collections.OrderedDict", "numpy.core._reconstruct"]))

    assert refused("- {rule: model-safety, deny-globals: ['numpy.*']}", given) == [
        "loading the model a imports numpy.core._reconstruct"
    ]


def test_sources() -> None:
    given = evidence(
        model("a", purl="pkg:huggingface/acme/a@1"),
        model("b", repository="evil/b"),
        model("c", repository="acme/c"),
    )
    rule = "- {rule: model-sources, allow: ['acme/*', 'pkg:huggingface/acme/*']}"

    assert refused(rule, given) == ["the model b comes from evil/b"]
    assert refused("- {rule: model-sources, deny: ['evil/*']}", given) == [
        "the model b comes from evil/b"
    ]


def test_a_model_is_attested_only_when_its_digests_were_matched() -> None:
    claimed = model("liar", attested=True)
    for one in claimed["properties"]:
        if one["name"] == "lading:fact:attested:origin":
            one["value"] = "declared: README.md"

    assert refused("- rule: attested-models", evidence(model("good", attested=True))) == []
    assert refused("- rule: attested-models", evidence(model("plain"), claimed)) == [
        "the model liar is none that was attested",
        "the model plain is none that was attested",
    ]


def test_data_sets_are_attested_like_models() -> None:
    known, unknown = (
        model(name, attested=name == "known") | {"type": "data"} for name in ("known", "unknown")
    )

    assert refused("- rule: attested-datasets", evidence(known, unknown)) == [
        "the data set unknown is none that was attested"
    ]
    assert refused("- rule: attested-models", evidence(known, unknown)) == []


def test_cards() -> None:
    card = {
        "modelParameters": {"task": "text-generation", "architectureFamily": "llama"},
        "considerations": {"technicalLimitations": ["x"]},
    }
    given = evidence(model("a", "MIT", card=card, parameters="7000000000"), model("b"))
    rule = """
        - rule: model-cards
          require: [license, task, limitations]
          architectures: [bert, llama*]
          max-parameters: 1000000000
          exclude: [b]
    """
    assert refused(rule, given) == [
        "the model a has 7,000,000,000 parameters, more than 1,000,000,000"
    ]
    assert refused("- {rule: model-cards, tasks: ['text-*'], require: [license]}", given) == [
        "the model b does not say its license",
        "the model b does not say its task",
    ]


def test_what_is_only_declared_is_not_judged() -> None:
    declared = model("org/base", "llama3", presence="x") | {"scope": "excluded"}

    assert refused("- {rule: model-licenses, allow: [MIT]}", evidence(declared)) == []


def test_without_a_bom_every_rule_about_it_says_no() -> None:
    empty = dataclasses.replace(evidence(), bom=None, attestations=())

    for rule in (
        "{rule: model-safety}",
        "{rule: model-licenses, allow: [MIT]}",
        "{rule: attested-models}",
        "{rule: packages, deny: ['pkg:pypi/a']}",
        "{rule: base-images, allow: ['*']}",
        "{rule: drift, deny: [weights-changed]}",
        "{rule: freshness, max-age: 1d}",
        "{rule: attestations, require: [bom]}",
        "{rule: signers, allow: [{identity: a, issuer: b}]}",
        "{rule: vulnerabilities, deny: critical}",
        "{rule: reports, type: sarif}",
    ):
        assert len(refused(f"- {rule}", empty)) == 1, rule


def test_a_bom_with_a_field_of_the_wrong_type_is_a_no() -> None:
    broken = bom(model("a")) | {"components": [{"type": "machine-learning-model", "name": 7}]}

    assert refused("- rule: model-safety", evidence(bom=broken)) == [
        "a component of the BOM has no name"
    ]
