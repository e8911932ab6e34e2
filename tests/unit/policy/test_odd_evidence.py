"""Evidence of any shape: every rule answers, and no shape makes a yes out of a no."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest.predicates import CYCLONEDX, SARIF, SLSA_PROVENANCE_V1, SLSA_VSA_V1, TRIVY
from lading.attest.provenance import BUILD_TYPE
from lading.policy import judge
from support.policy_samples import attested, bom, evidence, model, package, policy

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = """
- {rule: attestations, require: [bom, provenance]}
- {rule: freshness, max-age: 1d}
- rule: attested-models
- rule: attested-datasets
- {rule: model-sources, allow: ['acme/*']}
- {rule: model-licenses, allow: [MIT], base-models: all}
- {rule: model-formats, allow: [safetensors]}
- {rule: model-safety, deny-globals: ['os.*']}
- {rule: model-cards, require: [license, task, datasets], max-parameters: 5, tasks: ['x*']}
- {rule: dataset-licenses, allow: [MIT]}
- {rule: packages, deny: [{purl: 'pkg:pypi/x', versions: '<2'}]}
- {rule: package-licenses, allow: [MIT]}
- {rule: base-images, allow: ['debian:*']}
- {rule: vulnerabilities, deny: high}
- {rule: reports, type: sarif, max: {error: 0}}
- {rule: drift, deny: [weights-changed, model-added, safety-worsened, license-changed]}
- {rule: rego, rego: a.rego}
"""
DOCUMENT = bom(
    model(
        "acme/a",
        "MIT",
        attested=True,
        repository="acme/a",
        parameters="4",
        bases=["acme/a"],
        globals=["a.b"],
        findings=[{"id": "x", "level": "note", "message": "m"}],
        card={"modelParameters": {"task": "x", "datasets": [{"ref": "d"}]}},
    ),
    package("pkg:pypi/x@2", "MIT"),
)
PROVENANCE = {
    "buildDefinition": {
        "buildType": BUILD_TYPE,
        "resolvedDependencies": [
            {"name": "context", "annotations": {"unresolved": "x"}},
            {"name": "debian:12", "uri": "pkg:docker/debian@12", "digest": {"sha256": "b" * 64}},
        ],
    }
}
SCAN = {
    "SchemaVersion": 2,
    "ArtifactName": "x",
    "Results": [{"Vulnerabilities": [{"VulnerabilityID": "a", "PkgName": "b", "Severity": "LOW"}]}],
}
REPORT = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": []}]}
DOCUMENTS = {
    CYCLONEDX: DOCUMENT,
    SLSA_PROVENANCE_V1: PROVENANCE,
    TRIVY: SCAN,
    SARIF: REPORT,
}


def odd(value: Any) -> Iterator[Any]:
    """Yield the document with each of its values replaced by something odd."""
    yield from (1, "\ud800", [1], [{}], {"a": 1})
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {one: each for one, each in value.items() if one != key}
            for other in odd(inner):
                yield {**value, key: other}
    if isinstance(value, list):
        for at, inner in enumerate(value):
            for other in odd(inner):
                yield [*value[:at], other, *value[at + 1 :]]


def judged(documents: dict[str, Any]) -> bool:
    def engine(_module: str, _query: str, given: dict[str, Any]) -> list[str]:
        json.dumps(given)
        return []

    rules = policy(RULES, read_module=lambda _: b"package lading", engine=engine)
    others = [
        attested(kind, predicate) for kind, predicate in documents.items() if kind != CYCLONEDX
    ]
    given = evidence(bom=documents[CYCLONEDX], attestations=others, previous=DOCUMENT)
    verdict = judge(rules, given)
    json.dumps(verdict.to_json())
    return verdict.passed


def test_the_evidence_passes_as_it_is() -> None:
    assert judged(DOCUMENTS)


@pytest.mark.parametrize("kind", list(DOCUMENTS))
def test_any_other_shape_is_answered(kind: str) -> None:
    for document in odd(DOCUMENTS[kind]):
        if isinstance(document, dict):  # what a statement's predicate always is
            judged({**DOCUMENTS, kind: document or {"a": 1}})


def test_a_seal_of_another_shape_is_nobodys() -> None:
    assert judged({**DOCUMENTS, SLSA_VSA_V1: {"verifier": 7}})
