"""``registry:`` images: chosen by platform, named as the user means them, and never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.errors import EngineError, InputError, RegistryError
from lading.image import docker, open_image
from support.image_stores import layout, tar_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lading.image.interface import Entry
    from lading_oci.layout import Layout

ONE, TWO = tar_of({"one": b"1"}), tar_of({"two": b"2"})
NAME = "registry.example/svc"


@pytest.fixture
def store(tmp_path: Path) -> Layout:
    return layout(tmp_path / "store", {"amd64": ONE, "arm64": TWO}, tag="latest")


def names(entries: Iterator[Entry]) -> list[str]:
    return [entry.path for entry in entries]


@pytest.mark.parametrize(("platform", "wanted"), [("linux/amd64", "one"), ("linux/arm64", "two")])
def test_the_platform_that_is_asked_for(store: Layout, platform: str, wanted: str) -> None:
    image = open_image(f"registry:{NAME}", platform=platform, repository_opener=lambda _: store)
    diff_ids = [layer.diff_id for layer in image.facts.layers]
    assert list(image.scan(names, diff_ids).values()) == [[wanted]]
    assert image.facts.name == f"{NAME}:latest"
    image.close()


def test_a_platform_that_is_not_there(store: Layout) -> None:
    with pytest.raises(InputError, match="platform") as caught:
        open_image(f"registry:{NAME}", platform="linux/s390x", repository_opener=lambda _: store)
    assert "arm64" in str(caught.value.got)


def _no_engine(*_: object, **__: object) -> None:
    raise EngineError("the engine does not have the image")


def test_a_bare_name_that_the_engine_lacks_is_the_registrys(
    store: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "DockerImage", _no_engine)
    engine = object()
    image = open_image(
        NAME,
        platform="linux/amd64",
        engine=engine,  # type: ignore[arg-type]
        repository_opener=lambda _: store,
    )
    assert image.facts.name == f"{NAME}:latest"
    with pytest.raises(EngineError, match="does not have"):
        open_image(NAME, engine=engine)  # type: ignore[arg-type]


def test_a_name_that_is_nowhere_says_what_each_said(
    store: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "DockerImage", _no_engine)
    monkeypatch.chdir(tmp_path)
    for name, hinted in (("svc/nothing:2", False), ("store", True)):
        if hinted:
            store = layout(tmp_path / "other", {"amd64": ONE}, tag="2")
        with pytest.raises(RegistryError, match="neither in the engine nor") as caught:
            open_image(
                name,
                engine=object(),  # type: ignore[arg-type]
                repository_opener=lambda _, found=store: found,  # type: ignore[misc]
            )
        assert "engine: " in str(caught.value.got)
        assert ("dir:" in str(caught.value.hint)) is hinted
