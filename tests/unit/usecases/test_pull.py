"""An engine that holds something else than what was verified is found out."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from lading.errors import VerificationError
from lading.usecases.pull import pull_verified
from lading_oci.layout import Layout
from lading_oci.references import parse_reference
from support.oci_images import make_image, push_image, push_index

if TYPE_CHECKING:
    from pathlib import Path

NAME = parse_reference("registry.example/acme/svc:1")
ODD = "sha256:" + "0" * 64


@dataclasses.dataclass
class Engine:
    """An engine that says it holds ``image_id``, whatever it pulled; ``named`` under the tag."""

    image_id: str
    named: str | None = None
    pulled: list[str] = dataclasses.field(default_factory=list)
    tagged: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)

    def pull(self, reference: str, progress: Any = None) -> None:
        self.pulled.append(reference)

    def inspect_image(self, name: str) -> dict[str, Any]:
        return {"Id": self.image_id if "@" in name else self.named or self.image_id}

    def tag(self, image_id: str, repository: str, tag: str) -> None:
        self.tagged.append((image_id, repository, tag))


def _config(image: Any) -> str:
    return str(json.loads(image.manifest)["config"]["digest"])


def test_the_name_is_given_to_what_was_proved(tmp_path: Path) -> None:
    store, image = Layout(tmp_path), make_image("one")
    digest = push_image(store, image).digest
    engine = Engine(_config(image))

    pull_verified(NAME, digest, repository=store, engine=engine)

    assert engine.pulled == [f"registry.example/acme/svc@{digest}"]
    assert engine.tagged == [(_config(image), "registry.example/acme/svc", "1")]


def test_a_store_that_knows_images_by_their_manifests(tmp_path: Path) -> None:
    store = Layout(tmp_path)
    digest = push_image(store, make_image("one")).digest
    engine = Engine(digest)

    assert pull_verified(NAME, digest, repository=store, engine=engine).image_id == digest


def test_another_image_gets_no_name(tmp_path: Path) -> None:
    store = Layout(tmp_path)
    digest = push_image(store, make_image("one")).digest
    engine = Engine(ODD)

    with pytest.raises(VerificationError) as refused:
        pull_verified(NAME, digest, repository=store, engine=engine)

    assert refused.value.code == "pulled"
    assert refused.value.got == ODD
    assert engine.tagged == []


def test_another_image_under_the_name_is_found_out(tmp_path: Path) -> None:
    store, image = Layout(tmp_path), make_image("one")
    digest = push_image(store, image).digest
    engine = Engine(_config(image), named=ODD)

    with pytest.raises(VerificationError) as refused:
        pull_verified(NAME, digest, repository=store, engine=engine)

    facts = refused.value
    assert (facts.code, facts.where) == ("pulled", "registry.example/acme/svc:1")
    assert (facts.got, facts.wanted) == (ODD, _config(image))


def test_another_platform_than_the_wanted_one_gets_no_name(tmp_path: Path) -> None:
    store = Layout(tmp_path)
    images = {one: make_image(one, architecture=one) for one in ("amd64", "arm64")}
    index = push_index(store, images).digest
    engine = Engine(_config(images["amd64"]))

    assert pull_verified(NAME, index, repository=store, engine=engine).image_id == engine.image_id
    with pytest.raises(VerificationError):
        pull_verified(NAME, images["arm64"].descriptor.digest, repository=store, engine=engine)
