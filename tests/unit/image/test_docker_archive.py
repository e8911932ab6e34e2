"""Docker archives and saved streams: whole ones are read, broken ones are refused by name."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from lading.errors import InputError, LimitError
from lading.image import archive as archive_module
from lading.image import open_image
from lading.image.archive import ArchiveFile
from lading.image.saved import read_saved
from lading.limits import Limits
from lading_oci.digest import digest_of
from support.image_stores import ONE, TWO, config_of, docker_archive, names, scanned, tar_of, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_docker_archive(tmp_path: Path, pack: Any) -> None:
    path = write(tmp_path / "a.tar", pack(docker_archive([ONE, TWO])))
    assert scanned(f"docker-archive:{path}") == [["one"], ["two"]]
    assert scanned(f"docker-archive:{path}:img0:1") == [["one"], ["two"]]
    image = open_image(f"docker-archive:{path}")
    assert image.scan(names, [digest_of(TWO)]) == {digest_of(TWO): ["two"]}
    assert image.scan(names, [digest_of(b"another")]) == {}
    image.close()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_one_layer_twice_and_under_another_name(tmp_path: Path, pack: Any) -> None:
    """Engines before 25 write a repeated layer as a link to its first place."""
    listed = [{"Config": "c", "RepoTags": None, "Layers": ["a/layer.tar", "b/layer.tar"]}]
    files = {"a/layer.tar": ONE, "c": config_of([ONE, ONE])}
    whole = tar_of(
        {**files, "manifest.json": json.dumps(listed).encode()}, {"b/layer.tar": "../a/layer.tar"}
    )
    path = write(tmp_path / "a.tar", pack(whole))
    assert scanned(f"docker-archive:{path}") == [["one"], ["one"]]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "this is no docker archive"),
        (b"\0" * 511, "ends in the middle"),
        (b"not a tar at all" * 100, "damaged"),
        (tar_of({"index.json": b"{}"}), "this is no docker archive"),
        (docker_archive([ONE], manifest={}), "manifest.json"),
        (docker_archive([ONE], manifest=[7]), "malformed"),
        (docker_archive([ONE], manifest=[{"Config": "0.json", "Layers": [1]}]), "malformed"),
        (docker_archive([ONE], manifest=[{"Config": "0.json", "Layers": []}]), "do not fit"),
        (docker_archive([ONE], manifest=[]), "no such image"),
        (docker_archive([ONE], [TWO]), "not clear"),
        (docker_archive([ONE], replaced={"0.json": None}), "lacks a file"),
        (docker_archive([ONE], replaced={"0.json": b"{"}), "configuration"),
        (docker_archive([ONE], replaced={"0-0/layer.tar": None}), "lacks a file"),
        (docker_archive([ONE], replaced={"0-0/layer.tar": TWO}), "not what the image's conf"),
        (docker_archive([ONE], replaced={"0-0/layer.tar": ONE[:512]}), "ends in the middle"),
        (gzip.compress(docker_archive([ONE]))[:-30], "ends early"),
    ],
)
def test_what_is_no_whole_docker_archive(tmp_path: Path, content: bytes, problem: str) -> None:
    path = write(tmp_path / "a.tar", content)
    with pytest.raises(InputError, match=problem):
        scanned(f"docker-archive:{path}")


@pytest.mark.parametrize("name", ["svc", "svc:latest", "docker.io/library/svc", "x/svc:2", "NOT A"])
def test_names_in_a_docker_archive_are_read_as_docker_reads_them(tmp_path: Path, name: str) -> None:
    tags = (["svc:latest"], ["docker.io/x/svc:2", "NOT A"])
    manifest = [
        {"Config": f"{number}.json", "RepoTags": names, "Layers": [f"{number}-0/layer.tar"]}
        for number, names in enumerate(tags)
    ]
    path = write(tmp_path / "a.tar", docker_archive([ONE], [TWO], manifest=manifest))
    wanted = "two" if name in {"x/svc:2", "NOT A"} else "one"
    assert scanned(f"docker-archive:{path}:{name}") == [[wanted]]
    with pytest.raises(InputError, match="no such image"):
        scanned(f"docker-archive:{path}:{name}x")


@pytest.mark.parametrize(
    ("tags", "asked", "name"),
    [
        (["b/svc:2", "docker.io/library/svc:1"], "", "b/svc:2"),
        (["b/svc:2", "docker.io/library/svc:latest"], ":svc", "svc:latest"),
        (["NOT A"], "", "NOT A"),
        (None, "", "docker-archive:{}"),
    ],
)
def test_an_image_in_an_archive_has_its_own_name(
    tmp_path: Path, tags: list[str] | None, asked: str, name: str
) -> None:
    manifest = [{"Config": "0.json", "RepoTags": tags, "Layers": ["0-0/layer.tar"]}]
    path = write(tmp_path / "a.tar", docker_archive([ONE], manifest=manifest))
    image = open_image(f"docker-archive:{path}{asked}")
    assert image.facts.name == name.format(path)
    image.close()


@pytest.mark.parametrize(
    ("kind", "content", "hint"),
    [
        ("docker-archive", tar_of({"index.json": b"{}"}), "oci-archive:"),
        ("oci-archive", docker_archive([ONE]), "docker-archive:"),
        ("docker-archive", tar_of({"a": b""}), None),
        ("oci-archive", tar_of({"a": b""}), None),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_other_kind_of_archive_is_named_when_it_is_that(
    tmp_path: Path, kind: str, content: bytes, hint: str | None, pack: Any
) -> None:
    path = write(tmp_path / "a.tar", pack(content))
    with pytest.raises(InputError, match="this is no") as caught:
        open_image(f"{kind}:{path}")
    assert (hint in caught.value.hint) if hint and caught.value.hint else caught.value.hint is hint


def test_two_layers_that_claim_the_same_place(tmp_path: Path) -> None:
    manifest = [{"Config": "0.json", "Layers": ["0-0/layer.tar", "0-0/layer.tar"]}]
    path = write(tmp_path / "a.tar", docker_archive([ONE, TWO], manifest=manifest))
    with pytest.raises(InputError, match=r"contradict|not what the image's configuration"):
        scanned(f"docker-archive:{path}")


def test_the_wrong_platform_is_not_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", docker_archive([ONE]))
    assert scanned(f"docker-archive:{path}", "linux/amd64") == [["one"]]
    with pytest.raises(InputError, match="platform"):
        scanned(f"docker-archive:{path}", "linux/arm64")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_documents_and_members_are_bounded(
    tmp_path: Path, pack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.tar", pack(docker_archive([ONE])))
    monkeypatch.setattr(archive_module, "LIMITS", Limits(archive_members=2))
    with pytest.raises(LimitError, match="too much"):
        ArchiveFile(path)
    monkeypatch.setattr(archive_module, "LIMITS", Limits(archive_documents=10))
    if pack is not bytes:
        with pytest.raises(LimitError, match="too much"):
            ArchiveFile(path)
    monkeypatch.undo()
    archive = ArchiveFile(path)
    with pytest.raises(LimitError, match="document is too large"):
        archive.document("manifest.json", 3)
    assert archive.document("none", 3) is None
    archive.close()


def test_links_in_an_archive_that_turn_in_a_circle(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", tar_of({}, {"manifest.json": "b", "b": "manifest.json"}))
    with pytest.raises(InputError, match="no docker archive"):
        scanned(f"docker-archive:{path}")


def streamed(content: bytes, layers: list[bytes], wanted: list[bytes]) -> dict[str, list[str]]:
    return dict(
        read_saved(
            io.BytesIO(content),
            names,
            diff_ids=[digest_of(layer) for layer in layers],
            wanted={digest_of(layer) for layer in wanted},
            where="x",
        )
    )


def test_a_saved_stream() -> None:
    both = docker_archive([ONE, TWO])
    assert streamed(both, [ONE, TWO], [TWO]) == {digest_of(TWO): ["two"]}
    newer = {f"blobs/sha256/{digest_of(body)[7:]}": body for body in (ONE, TWO)}
    listed = [{"Config": "c", "Layers": list(newer)}]
    whole = tar_of({**newer, "manifest.json": json.dumps(listed).encode()})
    assert streamed(whole, [ONE, TWO], [TWO]) == {digest_of(TWO): ["two"]}


def test_a_saved_stream_with_links() -> None:
    listed = json.dumps([{"Config": "c", "Layers": ["a/layer.tar", "b/layer.tar"]}]).encode()
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, body in (("a/layer.tar", ONE), ("manifest.json", listed)):
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        link = tarfile.TarInfo("b/layer.tar")
        link.type, link.linkname = tarfile.LNKTYPE, "a/layer.tar"
        tar.addfile(link)
    assert streamed(content.getvalue(), [ONE, ONE], [ONE]) == {digest_of(ONE): ["one"]}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (tar_of({}), "has no manifest"),
        (docker_archive([ONE], [TWO]), "not of the image"),
        (docker_archive([ONE, TWO, TWO]), "not of the image"),
        (docker_archive([ONE, TWO], replaced={"0-1/layer.tar": None}), "lacks a layer"),
    ],
)
def test_a_saved_stream_that_is_not_of_the_image(content: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        streamed(content, [ONE, TWO], [ONE, TWO])
