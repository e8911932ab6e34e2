"""Data sets: which files are one, and what is known of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from support.model_encoders import lfs_pointer, tar, tfrecord
from support.models_fixtures import evil_pickle, safetensors_bytes, write_files
from support.models_streams import group_tree

MADE = Path(__file__).parents[1] / "formats" / "made"
COMMIT = "ab" * 20


def made(name: str) -> bytes:
    return gzip.decompress((MADE / f"{name}.gz").read_bytes())


PARQUET, ARROW = made("table.parquet"), made("stream.arrow")


def test_splits_of_one_directory_are_one(tmp_path: Path) -> None:
    files = {
        "srv/houses/train-00000-of-00002.parquet": PARQUET,
        "srv/houses/train-00001-of-00002.parquet": PARQUET,
        "srv/houses/test.parquet": PARQUET,
        "srv/houses/README.md": b"# Houses\n",
    }
    write_files(tmp_path, dict(files))
    found = group_tree(tmp_path)
    (dataset,) = found.datasets

    assert (dataset.name, dataset.format) == ("houses", "parquet")
    assert dataset.facts["splits"].value == ["test", "train"]
    assert found.models == ()


def test_other_names_are_data_sets_of_their_own(tmp_path: Path) -> None:
    write_files(tmp_path, {"d/a.parquet": PARQUET, "d/b.arrow": ARROW})

    assert [one.name for one in group_tree(tmp_path).datasets] == ["a", "b"]


def test_the_cache_of_the_datasets_library(tmp_path: Path) -> None:
    info = {
        "builder_name": "parquet",
        "dataset_name": "prose",
        "license": "mit",
        "features": {"text": {"dtype": "string"}},
        "splits": {"train": {"num_examples": 6}},
        "version": {"version_str": "1.2.0"},
    }
    place = f"root/.cache/huggingface/datasets/acme___prose/default/0.0.0/{COMMIT}"
    write_files(
        tmp_path / place,
        {"dataset_info.json": json.dumps(info), "prose-train.arrow": ARROW},
    )
    (dataset,) = group_tree(tmp_path).datasets

    facts = {name: fact.value for name, fact in dataset.facts.items()}
    assert dataset.name == "acme/prose"
    assert facts["repository"] == "acme/prose"
    assert (facts["rows"], facts["splits"], facts["license"]) == (6, ["train"], "MIT")
    assert facts["version"] == "1.2.0"
    assert len(dataset.files) == 2


def test_a_data_set_of_the_hub_cache_is_no_model(tmp_path: Path) -> None:
    root = tmp_path / "hub/datasets--acme--prose"
    card = b"---\nlicense: apache-2.0\nlanguage: [en]\n---\n# Prose\n"
    write_files(root, {"refs/main": COMMIT})
    for name, content in {"data/train.parquet": PARQUET, "README.md": card}.items():
        write_files(root / "blobs", {f"{len(content):040}": content})
        link = root / "snapshots" / COMMIT / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("../" * (2 + name.count("/")) + f"blobs/{len(content):040}")
    found = group_tree(tmp_path)
    (dataset,) = found.datasets

    assert found.models == ()
    assert (dataset.name, dataset.format) == ("acme/prose", "parquet")
    assert dataset.facts["commit"].value == COMMIT
    assert dataset.facts["license"].value == "Apache-2.0"
    assert dataset.facts["rows"].value == 3


def test_weights_do_not_hide_among_data(tmp_path: Path) -> None:
    place = f"hub/datasets--acme--prose/snapshots/{COMMIT}"
    files = {
        f"{place}/train.parquet": PARQUET,
        f"{place}/model.safetensors": safetensors_bytes(),
        "d/dataset_info.json": b'{"features": {"a": 1}, "splits": {}}',
        "d/payload.pkl": evil_pickle(),
    }
    write_files(tmp_path, dict(files))
    found = group_tree(tmp_path)

    assert [one.name for one in found.datasets] == ["acme/prose"]
    assert {model.format for model in found.models} == {"safetensors", "pickle"}
    assert all(model.purl is None for model in found.models)


def test_pointers_in_place_of_data_are_told(tmp_path: Path) -> None:
    write_files(tmp_path, {"d/train.parquet": lfs_pointer()})
    found = group_tree(tmp_path)

    assert [one.name for one in found.datasets] == ["d"]
    assert [one.id for one in found.findings] == ["lfs-pointer"]


@pytest.mark.parametrize(
    "path",
    [
        "usr/lib/python3/dist-packages/pyarrow/tests/data/v0.7.1.parquet",
        "venv/lib/python3.11/site-packages/x/testing/x.arrow",
    ],
)
def test_data_of_a_packages_tests_is_none(tmp_path: Path, path: str) -> None:
    write_files(tmp_path, {path: PARQUET})

    assert group_tree(tmp_path).datasets == ()


def test_a_packages_own_tables_are_none(tmp_path: Path) -> None:
    table = b"a,b\n" + b"1,2\n" * 300_000
    path = "lib/python3.11/site-packages/sklearn/datasets/data/x.csv"
    write_files(tmp_path, {path: table, "srv/data/x.csv": table})

    assert [one.files[0].path for one in group_tree(tmp_path).datasets] == ["srv/data/x.csv"]


def test_shards_of_records_and_samples(tmp_path: Path) -> None:
    samples = [(f"{n}.{part}", b"x") for n in range(3) for part in ("jpg", "txt")]
    write_files(
        tmp_path,
        {
            "d/clips-00000-of-00002.tfrecord": tfrecord(b"a"),
            "d/clips-00001-of-00002.tfrecord": tfrecord(b"b", b"c"),
            "w/cc3m-00000.tar": tar(samples),
            "w/cc3m-00001.tar": tar(samples[:4]),
        },
    )
    found = {one.name: one for one in group_tree(tmp_path).datasets}

    assert set(found) == {"clips", "cc3m"}
    assert found["clips"].facts["rows"].value == 3
    assert (found["cc3m"].format, found["cc3m"].facts["rows"].value) == ("webdataset", 5)
