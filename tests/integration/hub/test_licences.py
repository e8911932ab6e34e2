"""Licences that a policy has looked up on the Hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.errors import InputError, LadingError, LimitError
from lading.hub import licences

if TYPE_CHECKING:
    from pathlib import Path

    from support.hub_server import Hub


@pytest.fixture(autouse=True)
def of_this_hub(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setattr("huggingface_hub.hf_api.ENDPOINT", hub.url, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)


def test_a_licence_is_asked_for_once_a_day(hub: Hub) -> None:
    hub.add("acme/base", card={"license": "apache-2.0"}).commit({"README.md": b"x"})
    hub.add("acme/two", card={"license": ["mit", "cc0-1.0"]}).commit({"README.md": b"x"})
    hub.add("acme/none").commit({"README.md": b"x"})

    found = [licences.hub_lineage(name)[0] for name in ("acme/base", "acme/two", "acme/none") * 2]

    assert found == ["apache-2.0", "mit AND cc0-1.0", None] * 2
    asked = [one.path for one in hub.asked if one.path.startswith("/api/models/")]
    assert len(asked) == len(set(asked)) == 3


def test_what_a_model_was_made_from_is_kept_with_it(hub: Hub) -> None:
    hub.add("acme/one", card={"base_model": "acme/two"}).commit({"README.md": b"x"})
    hub.add("acme/two", card={"base_model": ["a/b", "c/d"]}).commit({"README.md": b"x"})
    hub.add("acme/many", card={"base_model": [f"a/{n}" for n in range(99)]}).commit({"a": b"x"})

    assert [licences.hub_lineage("acme/one") for _ in range(2)] == [(None, ("acme/two",))] * 2
    assert licences.hub_lineage("acme/two") == (None, ("a/b", "c/d"))
    with pytest.raises(LimitError):
        licences.hub_lineage("acme/many")


def test_what_is_no_name_is_not_asked_for(hub: Hub) -> None:
    assert licences.hub_lineage("../../api/whoami") == (None, ())
    assert licences.hub_lineage("/srv/models/base") == (None, ())
    assert hub.asked == []


def test_no_answer_is_no_licence_but_an_error(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError):
        licences.hub_lineage("acme/nothing")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(LadingError):
        licences.hub_lineage("acme/unreachable")
