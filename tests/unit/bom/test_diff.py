"""Comparing two documents: the poisoning signal first of all."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from lading import bom
from lading.inventory import Inspection, Model, Package
from lading.models import vocabulary
from support import bom_inspections as samples


def read(inspection: Inspection) -> bom.Bom:
    return bom.read(bom.encode(bom.render(inspection, timestamp=samples.MOMENT)))


def compare(before: Inspection, after: Inspection) -> bom.Diff:
    return bom.diff(read(before), read(after))


def models(*found: Model) -> Inspection:
    return Inspection("x", samples.image(), models=found)


def packages(*found: Package) -> Inspection:
    return Inspection("x", samples.image(), packages=found)


def poisoned(model: Model) -> Model:
    first, *rest = model.files
    return dataclasses.replace(
        model, files=(dataclasses.replace(first, sha256=samples.digest("evil")), *rest)
    )


def test_nothing_changed() -> None:
    found = compare(samples.full(), samples.shuffled(samples.full(), 3))
    assert found.same
    assert found.to_json()["same"] is True


def test_weights_that_changed_in_silence() -> None:
    model = samples.full().models[0]
    found = compare(models(model), models(poisoned(model)))
    assert not found.same
    assert len(found.models.unannounced) == 1
    (change,) = found.to_json()["models"]["weights_changed"]
    assert change["unannounced"] is True
    assert change["name"] == "benjamin/wtp-bert-tiny"
    assert change["version"] == {"before": samples.COMMIT, "after": samples.COMMIT}
    assert change["weights"]["after"] == [f"SHA-256:{samples.digest('evil')}"]
    assert found.models.added == found.models.removed == ()


def test_weights_that_changed_with_a_new_version_are_announced() -> None:
    before, after = (
        samples.model(facts=samples.facts(**{vocabulary.VERSION: version})) for version in "12"
    )
    found = compare(models(before), models(poisoned(after)))
    assert len(found.models.weights_changed) == 1
    assert found.models.unannounced == ()
    assert found.to_json()["models"]["versions_changed"] == [
        {"name": "acme/wtp-bert-tiny", "before": "1", "after": "2"}
    ]


def test_no_version_on_either_side_announces_nothing() -> None:
    found = compare(models(samples.model()), models(poisoned(samples.model())))
    assert len(found.models.unannounced) == 1


def test_a_new_release_of_the_distribution_announces_its_models() -> None:
    def shipped(version: str) -> Model:
        return samples.model("toy", distribution=f"pkg:pypi/toy@{version}")

    assert compare(models(shipped("1")), models(poisoned(shipped("1")))).models.unannounced
    found = compare(models(shipped("1")), models(poisoned(shipped("2"))))
    assert found.models.weights_changed
    assert not found.models.unannounced


def test_one_changed_shard_is_a_change() -> None:
    big = samples.full().models[1]
    assert compare(models(big), models(poisoned(big))).models.unannounced


def test_a_changed_config_is_no_change_of_weights() -> None:
    model = samples.model()
    weights, config = model.files
    other = dataclasses.replace(
        model, files=(weights, dataclasses.replace(config, sha256="0" * 64))
    )
    assert compare(models(model), models(other)).same


def test_added_removed_and_renamed() -> None:
    one = samples.model("one")
    renamed = dataclasses.replace(one, name="uno")
    found = compare(models(one, samples.model("two")), models(renamed, samples.model("three")))
    document = found.to_json()["models"]
    assert [change["name"] for change in document["added"]] == ["three"]
    assert [change["name"] for change in document["removed"]] == ["two"]
    assert document["renamed"] == [{"before": "one", "after": "uno"}]


def test_moved_and_copied() -> None:
    def at(*places: str) -> Model:
        files = (samples.weights(f"{one}/m.onnx", "same") for one in places)
        return samples.model("m", files=tuple(files))

    found = compare(models(at("srv")), models(at("opt")))
    assert not found.same
    assert found.to_json()["models"]["moved"] == [
        {"name": "m", "before": ["/srv/m.onnx"], "after": ["/opt/m.onnx"]}
    ]
    assert not found.models.unannounced
    assert compare(models(at("srv")), models(at("srv", "opt"))).models.moved == ()


def test_another_name_and_other_weights_in_the_same_place_are_another_model() -> None:
    """A policy that refuses new models must hear of it."""
    before = samples.model("one")
    found = compare(models(before), models(poisoned(dataclasses.replace(before, name="two"))))
    assert [one.name for one in found.models.added] == ["two"]
    assert [one.name for one in found.models.removed] == ["one"]


def test_models_of_one_name_are_told_apart_by_their_files() -> None:
    def at(place: str) -> Model:
        return samples.model("model", files=(samples.weights(f"{place}/model.onnx"),))

    found = compare(models(at("a"), at("b")), models(at("b"), poisoned(at("a"))))
    (change,) = found.to_json()["models"]["weights_changed"]
    assert change["locations"]["after"] == ["/a/model.onnx"]


def test_models_are_found_again_by_purl() -> None:
    one = samples.model("local", purl=f"pkg:huggingface/a/b@{samples.COMMIT}")
    two = poisoned(dataclasses.replace(one, name="a/b", purl="pkg:huggingface/a/b@" + "f" * 40))
    found = compare(models(one), models(two)).models
    assert len(found.renamed) == len(found.weights_changed) == 1
    assert found.added == ()


def test_licence_and_verdict_changes() -> None:
    toy = samples.full().models[2]
    before = dataclasses.replace(toy, facts=samples.facts(license="mit"))
    safe = dataclasses.replace(toy.files[0], safety=type(toy.safety)())
    after = dataclasses.replace(
        toy, facts=samples.facts(license="agpl-3.0"), safety=safe.safety, files=(safe,)
    )
    document = compare(models(before), models(after)).to_json()["models"]
    assert document["licenses_changed"] == [
        {"name": "toy", "before": ["MIT"], "after": ["AGPL-3.0"]}
    ]
    assert document["verdicts_changed"] == [{"name": "toy", "before": "dangerous", "after": "safe"}]


def test_data_sets_are_compared_too() -> None:
    data = samples.full().datasets[0]
    other = dataclasses.replace(data, files=data.files[:1])
    before, after = (Inspection("x", samples.image(), datasets=(one,)) for one in (data, other))
    assert len(compare(before, after).datasets.unannounced) == 1


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (("1.9",), ("1.10",), (["1.9"], ["1.10"], "upgrade")),
        (("2.0",), ("1.0",), (["2.0"], ["1.0"], "downgrade")),
        (("1",), ("one",), (["1"], ["one"], "other")),
        (("1", "2"), ("1", "3"), (["2"], ["3"], "upgrade")),
        (("1",), ("1", "2"), ([], ["2"], "other")),
    ],
)
def test_versions_of_a_package(before: Any, after: Any, expected: Any) -> None:
    found = compare(
        packages(*(samples.package("numpy", version) for version in before)),
        packages(*(samples.package("numpy", version) for version in after)),
    )
    (change,) = found.to_json()["packages"]["changed"]
    assert (change["before"], change["after"], change["direction"]) == expected


def test_packages_added_and_removed_and_their_licences() -> None:
    found = compare(
        packages(samples.package("a", licenses=("MIT",)), samples.package("b")),
        packages(samples.package("a", licenses=("GPL-3.0-only",)), samples.package("c")),
    )
    document = found.to_json()["packages"]
    assert document["added"] == [{"type": "pypi", "name": "c", "versions": ["1.0"]}]
    assert document["removed"] == [{"type": "pypi", "name": "b", "versions": ["1.0"]}]
    assert document["licenses_changed"] == [
        {"type": "pypi", "name": "a", "before": ["MIT"], "after": ["GPL-3.0-only"]}
    ]


def test_the_same_name_in_two_ecosystems_is_two_packages() -> None:
    npm = samples.package("x", purl="pkg:npm/x@1.0", type="npm")
    document = compare(packages(samples.package("x")), packages(npm)).to_json()["packages"]
    assert [one["type"] for one in document["added"]] == ["npm"]
    assert [one["type"] for one in document["removed"]] == ["pypi"]


def test_json_is_json() -> None:
    document = compare(samples.full(), models(samples.model())).to_json()
    assert json.loads(json.dumps(document)) == document
    assert document["before"]["digest"] == samples.image().manifest_digest


def test_digests_are_compared_by_the_algorithms_that_both_have() -> None:
    def read(**hashes: str) -> bom.Bom:
        model = {
            "type": "machine-learning-model",
            "name": "m",
            "hashes": [{"alg": alg, "content": content} for alg, content in hashes.items()],
        }
        document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [model]}
        return bom.read(json.dumps(document).encode())

    one = read(**{"SHA-256": "aa", "SHA-1": "bb"})
    assert bom.diff(one, read(**{"SHA-256": "aa"})).same
    assert bom.diff(one, read(MD5="cc")).same, "neither says what the other says"
    assert bom.diff(one, read(**{"SHA-1": "cc", "MD5": "bb"})).models.unannounced
    assert bom.diff(one, read(**{"SHA-256": "ab", "SHA-1": "bb"})).models.unannounced


def test_names_of_distributions_are_compared_as_pypi_does() -> None:
    def read(name: str) -> bom.Bom:
        library = {"type": "library", "name": name, "version": "1", "purl": "pkg:pypi/a-b@1"}
        document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [library]}
        return bom.read(json.dumps(document).encode())

    assert bom.diff(read("A_b"), read("a-b")).same
