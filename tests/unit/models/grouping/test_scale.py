"""Images made to be slow: very many files, copies and links cost time in proportion, not more."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lading.inventory import Role
from lading.models import group
from support.models_fixtures import COMMIT, npy_bytes, onnx_bytes, safetensors_bytes
from support.models_streams import look, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 15_000
SECONDS = 40.0  # each takes a second or two; what is quadratic takes many minutes


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < SECONDS


def test_many_copies_in_one_directory() -> None:
    file = seen("srv/a.safetensors", safetensors_bytes())
    files = [replace(file, path=f"srv/{number}.safetensors") for number in range(MANY)]
    (model,) = group(files, {}).models

    assert len(model.files[0].also_at) == MANY - 1


def test_many_copies_in_many_directories() -> None:
    file = seen("srv/a.safetensors", safetensors_bytes())
    files = [replace(file, path=f"srv/{number}/a.safetensors") for number in range(MANY)]
    (model,) = group(files, {}).models

    assert len(model.files[0].also_at) == MANY - 1


def test_many_models_and_companions_in_one_directory() -> None:
    weights = seen("srv/a.onnx", onnx_bytes(external="none.bin"))
    blob = look("srv/a.bin", bytes(range(256)))
    card = seen("srv/LICENSE", b"MIT License\nPermission is hereby granted, free of charge\n")
    assert blob is not None
    count = MANY // 3
    files = [
        one
        for number in range(count)
        for one in (
            replace(weights, path=f"srv/{number}.onnx", sha256=f"{number:064x}"),
            replace(blob, path=f"srv/{number}.bin", sha256=f"{number + count:064x}"),
            replace(card, path=f"srv/license-{number}.txt"),
        )
    ]
    models = group(files, {}).models

    assert len(models) == count
    assert max(len(model.files) for model in models) < 100


def test_many_links_to_one_blob() -> None:
    root = "hub/models--acme--x"
    blob = seen(f"{root}/blobs/{'a' * 64}", safetensors_bytes())
    links = {
        f"{root}/snapshots/{COMMIT}/{number}.safetensors": f"../../blobs/{'a' * 64}"
        for number in range(MANY)
    }
    (model,) = group([blob], links).models

    (file,) = (file for file in model.files if file.role is Role.WEIGHTS)
    assert len(file.also_at) == MANY


def test_many_repositories_of_the_same_weights() -> None:
    file = seen("srv/a.npy", npy_bytes(np.zeros(3)))
    files = [
        replace(file, path=f"hub/models--acme--{number}/snapshots/{COMMIT}/a.npy")
        for number in range(MANY // 3)
    ]

    assert len(group(files, {}).models) == MANY // 3
