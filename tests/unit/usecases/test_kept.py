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
from support import bom_inspections as samples

SYFT = Syft(Path("/syft"), "1.2.3", "size:time")


def through_json(found: Inspection) -> Inspection:
    data = json.loads(json.dumps(kept.to_json(found)))
    return kept.from_json(data, found.image, found.target)


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
    again = kept.from_json(kept.to_json(found), renamed, "other")
    assert (again.target, again.image.name) == ("other", "other")
    assert again.image.repo_digests == ("x@sha256:1",)


def test_the_key_changes_with_all_that_findings_depend_on() -> None:
    image = samples.image()

    def key(facts: Any = image, syft: Syft = SYFT, all_layers: bool = False) -> str | None:
        return kept.key_of(facts, syft, all_layers=all_layers)

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
    assert kept.key_of(unpinned, SYFT, all_layers=False) is None


def test_the_key_changes_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept.key_of(samples.image(), SYFT, all_layers=False)
    monkeypatch.setattr(kept, "_ROOMS", ("image",))
    assert kept.key_of(samples.image(), SYFT, all_layers=False) != before


@pytest.mark.parametrize("broken", [{}, {"sizes": []}, {"sizes": None, "models": 3}])
def test_an_entry_of_another_shape_is_told(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        kept.from_json(broken, samples.image(), "x")
