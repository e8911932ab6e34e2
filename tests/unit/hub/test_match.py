"""Matching models with signed lists, as values."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from lading.errors import PolicyViolation
from lading.hub.oms import Manifest, Origin
from lading.inventory import Fact, ImageFacts, Inspection, Model, ModelFile, Platform, Role
from lading.inventory import Origin as Where
from lading.models import vocabulary as v
from lading.usecases.match import AttestedModels, match, require_attested
from lading.usecases.sources import Held


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _file(name: str, content: str, role: Role = Role.WEIGHTS) -> ModelFile:
    return ModelFile(f"srv/{name}", len(content), _sha(content), role)


def _held(name: str, *contents: str, day: int = 1, commit: str | None = None) -> Held:
    evidence: Any = SimpleNamespace(
        time=datetime(2026, 1, day, tzinfo=UTC),
        claimed_time=None,
        digest=f"sha256:{name}{day}",
        signer="ada",
    )
    files = {f"f{at}": _sha(content) for at, content in enumerate(contents)}
    origin = Origin(uri=f"hf:a/{name}", commit=commit, license="MIT")
    return Held(Manifest(name, files, "sha256:root", origin=origin), evidence, "store")


def _attested(*lists: Held) -> AttestedModels:
    by_file: dict[str, list[Held]] = {}
    for held in sorted(lists, key=lambda one: one.time, reverse=True):
        for sha256 in held.manifest.files.values():
            by_file.setdefault(sha256, []).append(held)
    return AttestedModels({key: tuple(value) for key, value in by_file.items()})


def _inspection(*models: Model) -> Inspection:
    return Inspection("x", ImageFacts("x", Platform("linux", "amd64"), "sha256:0", ()), models)


CONFIG = _file("config.json", "config", Role.CONFIG)


def test_the_list_says_more_than_the_card() -> None:
    card = {v.LICENSE: Fact("GPL-3.0", Where.DECLARED, "card")}
    model = Model("m", "safetensors", (_file("w", "weights"), CONFIG), card)

    (found,) = match(_inspection(model), _attested(_held("m", "weights", "config"))).models

    assert found.facts[v.LICENSE].value == "MIT"
    assert {found.facts[name].origin for name in (v.LICENSE, v.ATTESTED)} == {Where.MATCHED}


def test_the_newest_list_that_has_all_files_counts() -> None:
    model = Model("m", "safetensors", (_file("w", "weights"), CONFIG))
    lists = [
        _held("old", "weights", "config", day=1),
        _held("new", "weights", "config", day=2),
        _held("newest", "weights", day=3),
    ]

    (found,) = match(_inspection(model), _attested(*lists)).models

    assert found.facts[v.ATTESTED].value == "hf:a/new"


def test_files_of_two_lists_together_are_no_match() -> None:
    """A model's weights and another one's tokenizer are neither of both."""
    model = Model("m", "safetensors", (_file("w", "weights"), CONFIG))
    attested = _attested(_held("a", "weights"), _held("b", "config"))

    matched = match(_inspection(model), attested)

    assert v.ATTESTED not in matched.models[0].facts
    assert [one.id for one in matched.findings] == ["model-files-unattested"]
    with pytest.raises(PolicyViolation, match=r"srv/config\.json"):
        require_attested(matched, attested)


def test_a_claim_in_the_image_is_no_match() -> None:
    """What a card says of itself does not make a model an attested one."""
    claim = {v.ATTESTED: Fact("hf:a/m", Where.DECLARED, "card")}
    inspection = _inspection(Model("m", "safetensors", (_file("w", "weights"),), claim))

    with pytest.raises(PolicyViolation, match="in no signed list"):
        require_attested(inspection, _attested())


def test_an_image_without_models_has_none_that_is_unknown() -> None:
    require_attested(_inspection(), _attested())
