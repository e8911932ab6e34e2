"""Sources on a Hub: attested without their weights, verified wherever they were downloaded to."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from support.hub_server import Hub
    from support.product import Lading

NAME = "acme/ticket-router-tiny"


@pytest.fixture
def commit(hub: Hub, files: dict[str, bytes]) -> str:
    return hub.add(NAME).commit(files)


def test_a_model_is_attested_without_downloading_its_weights(
    lading: Lading, hub: Hub, files: dict[str, bytes], commit: str
) -> None:
    document = lading.ok("attest", f"hf:{NAME}", "--json").json()

    assert document["source"] == f"hf:{NAME}@{commit}"
    assert document["purl"] == f"pkg:huggingface/{NAME}@{commit}"
    assert document["license"] == "MIT"
    assert document["unread"] == ["model.safetensors"]
    assert document["files"] == len(files) - 1
    assert sorted(hub.fetched()) == sorted(files.keys() - {"model.safetensors", ".gitattributes"})


def test_a_download_verifies_as_what_was_attested(lading: Lading, model: Path, commit: str) -> None:
    lading.ok("attest", f"hf:{NAME}")

    found = lading.ok("verify", f"dir:{model}", "--as", f"hf:{NAME}", "--json").json()

    assert found["source"] == f"hf:{NAME}@{commit}"
    assert found["whole"] is True
    assert len(found["files"]) == 6


def test_the_clients_own_snapshot_verifies(
    lading: Lading, hub: Hub, tmp_path: Path, commit: str
) -> None:
    lading.ok("attest", f"hf:{NAME}")
    code = (
        "from huggingface_hub import snapshot_download as d;"
        f"print(d({NAME!r}, cache_dir={str(tmp_path / 'cache')!r}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=dict(lading.env),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    snapshot = ran.stdout.strip()

    assert lading.ok("verify", f"dir:{snapshot}", "--json").json()["commit"] == commit


def test_a_swapped_weight_of_equal_size_is_refused(
    lading: Lading, model: Path, commit: str
) -> None:
    lading.ok("attest", f"hf:{NAME}")
    weights = model / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))

    ran = lading("verify", f"dir:{model}", "--json")

    assert ran.status == 10
    document = ran.json()
    assert document["verified"] is False
    assert document["difference"] == {"changed": ["model.safetensors"], "missing": [], "extra": []}
    assert document["error"]["code"] == "content"


def test_revisions_and_folders(lading: Lading, hub: Hub, commit: str) -> None:
    other = hub.repositories[False, NAME].commit(
        {"onnx/model.onnx": b"weights", "onnx/config.json": b"{}", "README.md": b"x"}, "dev"
    )

    whole = lading.ok("attest", f"hf:{NAME}@dev", "--json").json()
    part = lading.ok("attest", f"hf:{NAME}@{other}//onnx", "--json").json()
    old = lading.ok("attest", f"hf:{NAME}@{commit}", "--json").json()

    assert whole["commit"] == part["commit"] == other
    assert whole["files"] == 3
    assert part["files"] == 2
    assert part["source"] == f"hf:{NAME}@{other}//onnx"
    assert old["commit"] == commit


def test_a_data_set(lading: Lading, hub: Hub, tmp_path: Path) -> None:
    rows = {"data/train.parquet": b"PAR1 rows", "README.md": b"---\nlicense: cc0-1.0\n---\n"}
    hub.add("acme/tickets", is_dataset=True).commit(rows)

    document = lading.ok("attest", "hf-dataset:acme/tickets", "--json").json()
    assert document["license"] == "CC0-1.0"
    assert document["purl"] is None
    (tmp_path / "tickets" / "data").mkdir(parents=True)
    for path, content in rows.items():
        (tmp_path / "tickets" / path).write_bytes(content)
    lading.ok("verify", f"dir:{tmp_path / 'tickets'}")
    (tmp_path / "tickets" / "data" / "train.parquet").write_bytes(b"PAR1 r0ws")

    ran = lading("verify", f"dir:{tmp_path / 'tickets'}")

    assert ran.status == 10
    assert "changed: data/train.parquet" in " ".join(ran.err.split())


def test_a_file_that_is_not_the_listed_one_is_refused(
    lading: Lading, hub: Hub, files: dict[str, bytes], commit: str
) -> None:
    repository = hub.repositories[False, NAME]
    for lie in (files["config.json"][:-1] + b" ", files["config.json"] + b" ", b""):
        repository.lies["config.json"] = lie

        ran = lading("attest", f"hf:{NAME}")

        assert ran.status == 20
        assert "config.json" in ran.err
    assert not (lading.cwd / "data" / "lading" / "evidence").exists()


def test_what_the_hub_refuses_is_said(lading: Lading, hub: Hub, commit: str) -> None:
    hub.add("acme/gated", gated=True).commit({"config.json": b"{}"})

    missing = lading("attest", "hf:acme/nothing")
    revision = lading("attest", f"hf:{NAME}@nothing")
    folder = lading("attest", f"hf:{NAME}//nothing")
    gated = lading("attest", "hf:acme/gated")

    assert [one.status for one in (missing, revision, folder, gated)] == [22, 22, 22, 22]
    assert "gated" in gated.err
    member = {**lading.env, "HF_TOKEN": "hf_member"}
    assert lading("attest", "hf:acme/gated", env=member).status == 0


def test_no_hub_is_an_error_of_the_network(lading: Lading) -> None:
    ran = lading("attest", f"hf:{NAME}", env={"HF_ENDPOINT": "http://127.0.0.1:1"})

    assert ran.status == 20


def test_a_token_stays_with_the_hub(lading: Lading, hub: Hub, files: dict[str, bytes]) -> None:
    """A file that is on another host is asked for there without the token."""
    hub.add("acme/moved", away=True).commit({"config.json": files["config.json"]})

    lading.ok("attest", "hf:acme/moved")
    hub.asked.clear()
    assert lading("attest", "hf:acme/moved", env={"HF_TOKEN": "hf_secret"}).status == 0

    away = [one for one in hub.asked if one.host.startswith("localhost")]
    assert away
    assert {one.authorization for one in away} == {None}
    assert {one.authorization for one in hub.asked if one not in away} == {"Bearer hf_secret"}


def test_the_server_is_a_hub_to_its_client(hub: Hub, files: dict[str, bytes], commit: str) -> None:
    """Info, pages of a tree, redirects and ranges, through the real client."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=False)
    info = api.model_info(NAME, files_metadata=True)
    tree = {one.path: one for one in api.list_repo_tree(NAME, recursive=True)}

    (weights,) = (one for one in info.siblings or [] if one.rfilename == "model.safetensors")
    assert info.sha == commit
    assert weights.lfs is not None
    assert weights.lfs.sha256 == hashlib.sha256(files["model.safetensors"]).hexdigest()
    assert tree.keys() == files.keys()
    assert tree["model.safetensors"].lfs.sha256 == weights.lfs.sha256  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ["../evil.json", "/etc/evil.json", "a//b.json", "./c.json"])
def test_a_list_with_a_path_that_leads_out_is_refused(lading: Lading, hub: Hub, path: str) -> None:
    hub.add("acme/evil").commit({path: b"{}", "config.json": b"{}"})

    ran = lading("attest", "hf:acme/evil")

    assert ran.status == 20
    assert "plain name" in ran.err


def test_verifying_a_hub_from_afar_says_what_was_not_read(
    lading: Lading, hub: Hub, files: dict[str, bytes], commit: str
) -> None:
    lading.ok("attest", f"hf:{NAME}")

    found = lading.ok("verify", f"hf:{NAME}", "--json").json()

    assert found["unread"] == ["model.safetensors"]
    assert "unread    1" in lading.ok("verify", f"hf:{NAME}").out
    hub.repositories[False, NAME].commit(files | {"config.json": b"{}"})  # main moved on
    assert lading("verify", f"hf:{NAME}").status == 10
    lading.ok("verify", f"hf:{NAME}@{commit}")
