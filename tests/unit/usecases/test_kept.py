"""Inspections kept between runs are the inspections, and only of the very same layers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from lading.inventory import Inspection, Platform, Shadowed
from lading.packages import Syft
from lading.usecases import kept
from lading.usecases.footing import Footing
from support import bom_inspections as samples

SYFT = Syft(Path("/syft"), "1.2.3", "size:time")


def through_json(found: Inspection) -> Inspection:
    data = json.loads(json.dumps(kept.to_json(found, footing(found))))
    return kept.from_json(data, found.image, found.target)


def footing(found: Inspection, above: int = 0) -> Footing:
    return Footing(len(found.image.layers) - above, frozenset({"a/model", "caf\udce9"}))


def as_cached(found: Inspection) -> Inspection:
    layers = tuple(dataclasses.replace(layer, cached=True) for layer in found.image.layers)
    return dataclasses.replace(found, image=dataclasses.replace(found.image, layers=layers))


def same(one: Inspection, other: Inspection) -> bool:
    """Compare as documents do: JSON knows no tuples."""
    return json.dumps(dataclasses.asdict(one)) == json.dumps(dataclasses.asdict(other))


def test_nothing_is_lost() -> None:
    full = samples.full()
    shadowed = tuple(
        Shadowed(item, "sha256:" + "0" * 64, replaced=bool(number))
        for number, item in enumerate((full.models[0], full.packages[0]))
    )
    for found in (full, dataclasses.replace(full, shadowed=shadowed)):
        again = through_json(found)
        assert same(again, as_cached(found))
        assert again.packages == found.packages
        assert [model.safety for model in again.models] == [model.safety for model in found.models]
        assert again.findings == found.findings


def test_the_sources_facts_are_todays() -> None:
    found = samples.full()
    renamed = dataclasses.replace(found.image, name="other", repo_digests=("x@sha256:1",))
    again = kept.from_json(kept.to_json(found, footing(found)), renamed, "other")
    assert (again.target, again.image.name) == ("other", "other")
    assert again.image.repo_digests == ("x@sha256:1",)


def test_the_key_changes_with_all_that_findings_depend_on() -> None:
    image = samples.image()

    def key(facts: Any = image, syft: Syft = SYFT, all_layers: bool = False) -> str | None:
        keys = kept.keys_of(facts, syft, all_layers=all_layers)
        return keys and keys(len(facts.layers))

    keys = [
        key(),
        key(dataclasses.replace(image, layers=image.layers[:1])),
        key(dataclasses.replace(image, platform=Platform("linux", "s390x"))),
        key(syft=dataclasses.replace(SYFT, fingerprint="other")),
        key(syft=dataclasses.replace(SYFT, version="1.2.4")),
        key(all_layers=True),
    ]
    assert len(set(keys)) == len(keys)
    assert key() == key(dataclasses.replace(image, name="another name"))


def test_a_directory_has_no_key() -> None:
    image = samples.image()
    (first, *_) = image.layers
    unpinned = dataclasses.replace(image, layers=(dataclasses.replace(first, diff_id="dir"),))
    assert kept.keys_of(unpinned, SYFT, all_layers=False) is None


def test_the_key_changes_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept.keys_of(samples.image(), SYFT, all_layers=False)
    monkeypatch.setattr(kept, "_ROOMS", ("image",))
    after = kept.keys_of(samples.image(), SYFT, all_layers=False)
    assert before is not None
    assert after is not None
    assert after(1) != before(1)


def test_of_fewer_layers_the_key_is_that_of_an_image_of_these() -> None:
    image = samples.image()
    whole = kept.keys_of(image, SYFT, all_layers=False)
    lowest = kept.keys_of(
        dataclasses.replace(image, layers=image.layers[:1]), SYFT, all_layers=False
    )
    assert whole is not None
    assert lowest is not None
    assert whole(1) == lowest(1) != whole(2)


def test_layers_above_the_footing_are_told_as_they_are() -> None:
    found = samples.full()
    data = json.loads(json.dumps(kept.to_json(found, footing(found, above=1))))
    top = dataclasses.replace(found.image.layers[-1], size=7, cached=False)
    again = kept.from_json(data, found.image, found.target, [top])
    assert kept.paths_of(data) == ["a/model", "caf\udce9"]
    assert again.image.layers == (*as_cached(found).image.layers[:-1], top)
    assert again.packages == found.packages


@pytest.mark.parametrize("broken", [{}, {"sizes": []}, {"sizes": None, "models": 3}])
def test_an_entry_of_another_shape_is_told(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        kept.from_json(broken, samples.image(), "x")
