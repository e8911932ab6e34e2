"""What counts as a model where a file alone could be a model or just data."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lading.inventory import Fact, Origin, Role
from lading.models import group
from lading.models.grouping.naming import hub_purl
from lading.models.grouping.place import resolve
from support import model_encoders as enc
from support.models_fixtures import (
    COMMIT,
    evil_pickle,
    hf_files,
    npy_bytes,
    npz_bytes,
    safetensors_bytes,
    write_files,
    write_hf_cache,
)
from support.models_streams import examine_tree, group_tree

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = "usr/lib/python3/dist-packages"
PLAIN = pickle.dumps({"a": [1, 2, 3]}, 4)
ARRAY = pickle.dumps(np.zeros(3), 4)


@pytest.mark.parametrize(
    ("path", "content", "counts"),
    [
        ("srv/classifier.pkl", PLAIN, True),
        ("srv/cache.pkl", PLAIN, False),
        ("srv/cache.pkl", ARRAY, True),
        (f"{PACKAGES}/x/classifier.pkl", PLAIN, False),
        (f"{PACKAGES}/x/data.pkl", ARRAY, False),
        (f"{PACKAGES}/x/pretrained.pkl", ARRAY, True),
        (f"{PACKAGES}/x/assets/weights/onet.pkl", ARRAY, True),
        (f"{PACKAGES}/x/weights/cache/onet.pkl", ARRAY, False),
        (f"{PACKAGES}/x/tests/data.pkl", ARRAY, False),
        ("srv/features.npy", npy_bytes(np.zeros(3)), True),
        (f"{PACKAGES}/x/features.npy", npy_bytes(np.zeros(3)), False),
        (f"{PACKAGES}/x/weights.npy", npy_bytes(np.zeros(3)), True),
        (f"{PACKAGES}/x/model.safetensors", safetensors_bytes(), True),
        (f"{PACKAGES}/x/testing/model.safetensors", safetensors_bytes(), False),
        (f"{PACKAGES}/x/cache.pkl", evil_pickle(), True),
        ("srv/tests/credentials.pkl", evil_pickle("acme.auth", "Credentials"), False),
        ("srv/tests/model.pkl", evil_pickle("acme.auth", "Credentials"), True),
        ("srv/credentials.pkl", evil_pickle("acme.auth", "Credentials"), True),
        ("srv/tests/credentials.pkl", evil_pickle(), True),
        ("root/go/pkg/mod/x@v1/testdata/model.safetensors", safetensors_bytes(), False),
        ("srv/node_modules/x/model.safetensors", safetensors_bytes(), True),
    ],
)
def test_what_counts(tmp_path: Path, path: str, content: bytes, counts: bool) -> None:
    write_files(tmp_path, {path: content})

    assert bool(group_tree(tmp_path).models) is counts


def test_arrays_beside_what_names_them_are_parts_of_it(tmp_path: Path) -> None:
    """As gensim keeps large arrays: ``NAME.ATTRIBUTE.npy``."""
    arrays = {
        f"m/{name}.npy": npy_bytes(np.full(3, number))
        for number, name in enumerate(("lda.model.expElogbeta", "lda.model.state.sstats"))
    }
    write_files(tmp_path, {"m/lda.model": ARRAY, "m/lda.model.state": ARRAY, **arrays})
    write_files(tmp_path, {"m/lda2.npy": npy_bytes(np.ones(9))})
    found = {model.name: len(model.files) for model in group_tree(tmp_path).models}

    assert found == {"lda": 3, "lda2": 1}  # two of them have the same bytes


def test_one_file_a_parameter_is_one_model(tmp_path: Path) -> None:
    """As Paddle's ``save_persistables`` writes them, with and without the program."""
    for where, more in (("a/lac", {}), ("b/cls", {"__model__": enc.paddle_program()})):
        files = {
            f"fc_{n}.{w}_0": enc.paddle_params((2 + n, ord(w))) for n in range(3) for w in "wb"
        }
        write_files(tmp_path / where, {**files, "word_emb": enc.paddle_params((5, 4)), **more})
    write_files(
        tmp_path / "c/det",
        {"__model__": enc.paddle_program(), "__params__": enc.paddle_params((4, 3), (3,))},
    )
    write_files(
        tmp_path / "d",
        {"x.pdiparams": enc.paddle_params((4, 3), (3,)), "y.pdiparams": enc.paddle_params((3, 3))},
    )
    models = {model.name: model for model in group_tree(tmp_path).models}

    assert set(models) == {"lac", "cls", "det", "x", "y"}
    assert (models["det"].fact("parameters"), models["x"].fact("parameters")) == (15, 15)
    parameters = 20 + sum((2 + n) * ord(w) for n in range(3) for w in "wb")
    assert models["lac"].fact("parameters") == models["cls"].fact("parameters") == parameters


def test_a_danger_in_a_packages_tests_is_told_though_it_is_no_model(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{PACKAGES}/x/tests/evil.pkl": evil_pickle()})
    found = group_tree(tmp_path)

    assert found.models == ()
    assert [one.path for one in found.findings] == [f"{PACKAGES}/x/tests/evil.pkl"]


def test_a_copy_with_a_file_of_its_own(tmp_path: Path) -> None:
    write_hf_cache(tmp_path / "hub")
    extra = {**hf_files(), "tokenizer.model": b"\x0a\x07pieces!", "LICENSE": b"another"}
    write_files(tmp_path / "app", dict(extra))
    (model,) = group_tree(tmp_path).models

    paths = [file.path for file in model.files]
    assert "app/tokenizer.model" in paths
    assert "app/LICENSE" not in paths
    config = next(file for file in model.files if file.path.endswith("config.json"))
    assert "app/config.json" in {one.path for one in config.also_at}


def test_code_in_a_cache_belongs_to_its_model(tmp_path: Path) -> None:
    write_hf_cache(tmp_path / "hub", files={**hf_files(), "modeling_x.py": b"import os\n"})
    (model,) = group_tree(tmp_path).models

    assert Role.CODE in {file.role for file in model.files}


class TestPurl:
    def test_a_commit_that_is_only_claimed_identifies_nothing(self) -> None:
        facts = {
            "repository": Fact("acme/x", Origin.OBSERVED, "x"),
            "commit": Fact(COMMIT, Origin.DECLARED, "x"),
        }
        assert hub_purl(facts) is None

    def test_names_are_quoted(self) -> None:
        facts = {
            "repository": Fact("acme/ä b", Origin.OBSERVED, "x"),
            "commit": Fact(COMMIT, Origin.OBSERVED, "x"),
        }
        assert hub_purl(facts) == f"pkg:huggingface/acme/%C3%A4%20b@{COMMIT}"


class TestResolve:
    @pytest.mark.parametrize(
        ("links", "path", "result"),
        [
            ({"a": "b"}, "a/x", "b/x"),
            ({"a": "/b"}, "a", "b"),
            ({"d/a": "../b"}, "d/a", "b"),
            ({"a": "../../../b"}, "a", "b"),
            ({"a": "b", "b": "a"}, "a", None),
            ({"a": "./a/../c"}, "a", None),
            ({"a": "b/c", "b": "d"}, "a", "d/c"),
        ],
    )
    def test_links(self, links: dict[str, str], path: str, result: str | None) -> None:
        assert resolve(path, links) == result

    def test_a_link_that_grows_ends(self) -> None:
        assert resolve("a", {"a": "a/" * 2000 + "b"}) is None


def test_what_packages_ship_is_judged_as_theirs_wherever_they_lie(tmp_path: Path) -> None:
    """As ``pip install --target`` lays them, beside files of the image's own."""
    files = {
        "srv/deps/x/tests/data.npz": npz_bytes(a=np.zeros(3)),
        "srv/deps/x/features.npy": npy_bytes(np.ones(3)),
        "srv/deps/x/train.csv": b"a,b\n" + b"1,2\n" * 300_000,
        "srv/deps/own.npy": npy_bytes(np.zeros(4)),
    }
    write_files(tmp_path, files)
    found, links = examine_tree(tmp_path)
    alone = group(found, links)
    shipped = group(found, links, shipped=frozenset(list(files)[:3]))

    assert len(alone.models) == 3
    assert len(alone.datasets) == 1
    assert [model.name for model in shipped.models] == ["own"]
    assert shipped.datasets == ()
