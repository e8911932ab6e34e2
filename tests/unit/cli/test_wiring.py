"""Which registries are asked about an engine's image, when all its platforms are wanted."""

from __future__ import annotations

from typing import Any

import pytest

from lading.cli import wiring
from lading.inventory import ImageFacts, Inspection, Platform

DIGEST, CONFIG = (f"sha256:{letter * 64}" for letter in "ab")


class AskedError(Exception):
    """A registry was asked."""


@pytest.mark.parametrize(
    ("config", "asks"), [("", False), (CONFIG, True)], ids=["containerd", "classic"]
)
def test_a_manifest_that_was_never_pushed_is_asked_of_no_registry(
    config: str, asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A classic engine knows a manifest's digest only from a registry; it may be an index's."""
    facts = ImageFacts("svc:1", Platform("linux", "amd64"), config, (), manifest_digest=DIGEST)
    found = Inspection("svc:1", facts, ())

    def opener(**_: Any) -> Any:
        raise AskedError

    monkeypatch.setattr(wiring, "inspect", lambda *_, **__: found)
    monkeypatch.setattr(wiring, "repository_opener", opener)
    if asks:
        with pytest.raises(AskedError):
            wiring.inspect_all("docker:svc:1")
    else:
        assert wiring.inspect_all("docker:svc:1") == [found]
