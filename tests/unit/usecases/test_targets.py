"""Names of images, and what people write in their place."""

from __future__ import annotations

import pytest

from lading.errors import UsageError
from lading.image import open_image
from lading.usecases.targets import Scope, parse_image
from lading_oci.errors import FactsError


@pytest.mark.parametrize(
    ("text", "host", "scope"),
    [
        ("svc:1", "docker.io", Scope.ANY),
        ("registry:5000/svc", "registry:5000", Scope.ANY),
        ("localhost:5000/acme/svc:1", "localhost:5000", Scope.ANY),
        ("[::1]:5000/svc", "[::1]:5000", Scope.ANY),
        ("registry:ghcr.io/acme/svc", "ghcr.io", Scope.REGISTRY),
        ("docker:svc", "docker.io", Scope.ENGINE),
        (f"acme/svc@sha256:{'0' * 64}", "docker.io", Scope.ANY),
    ],
)
def test_images(text: str, host: str, scope: Scope) -> None:
    found = parse_image(text)

    assert (found.reference.registry, found.scope) == (host, scope)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("hff:acme/model", "hf:acme/model"),
        ("HF:acme/model", "hf:acme/model"),
        ("hf_dataset:acme/rows", "hf-dataset:acme/rows"),
        ("dirs:a/model", "dir:a/model"),
    ],
)
def test_what_is_nearly_another_target_is_told_so(text: str, meant: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_image(text)

    assert meant in str(refusal.value.hint)


@pytest.mark.parametrize("text", ["xyzzy:a/b", "hf-dataset:a/b", "host:5x/y", "git:a/b", ":a/b"])
def test_what_is_no_image_is_refused(text: str) -> None:
    with pytest.raises(FactsError):
        parse_image(text)


@pytest.mark.parametrize("text", [".", "./svc", "../a/b:1", "/srv/image.tar", "~/image", ".hidden"])
def test_a_path_is_no_image(text: str) -> None:
    with pytest.raises(UsageError, match="no image's name") as refusal:
        parse_image(text)
    assert "dir:" in str(refusal.value.hint)
    with pytest.raises(UsageError, match="no image's name"):
        open_image(text)
