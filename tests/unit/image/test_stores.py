"""Archives and layouts that hold images: whole ones are read, broken ones are refused by name."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from lading.errors import EngineError, InputError, LimitError, RegistryError, UsageError
from lading.image import archive as archive_module
from lading.image import open_every, open_image, split_target
from lading.image.archive import ArchiveFile
from lading.image.files import FilePart, open_file
from lading.image.saved import read_saved
from lading.inventory import Platform
from lading.limits import Limits
from lading_oci.digest import digest_of
from lading_oci.layout import Layout
from lading_oci.manifests import descriptor_json
from support.image_stores import config_of, docker_archive, layout, tar_of
from support.oci_images import LAYER, describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lading.image.interface import Entry

ONE = tar_of({"one": b"1"})
TWO = tar_of({"two": b"2"})


def names(entries: Iterator[Entry]) -> list[str]:
    return [entry.path for entry in entries]


def scanned(target: str, platform: str | None = None) -> list[list[str]]:
    """Return the names in each layer, lowest first."""
    image = open_image(target, platform=platform)
    try:
        diff_ids = [layer.diff_id for layer in image.facts.layers]
        told: dict[str, list[str]] = {}
        found = image.scan(names, diff_ids, told.__setitem__)
        assert found == told
        return [found[diff_id] for diff_id in diff_ids]
    finally:
        image.close()
        image.close()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# -- docker-archive: ---------------------------------------------------------------------------


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
    ("annotations", "name"),
    [
        ({"org.opencontainers.image.ref.name": "1"}, None),
        ({"org.opencontainers.image.ref.name": "ghcr.io/acme/svc:1"}, "ghcr.io/acme/svc:1"),
        (
            {
                "org.opencontainers.image.ref.name": "1",
                "io.containerd.image.name": "docker.io/library/svc:1",
            },
            "svc:1",
        ),
        ({"io.containerd.image.name": "NOT/A NAME"}, None),
        ({}, None),
    ],
)
def test_an_image_in_a_layout_has_its_own_name(
    tmp_path: Path, annotations: dict[str, str], name: str | None
) -> None:
    path = tmp_path / "l"
    layout(path, {"amd64": ONE})
    index = json.loads((path / "index.json").read_text())
    for entry in index["manifests"]:
        entry["annotations"] = annotations
    (path / "index.json").write_text(json.dumps(index))
    image = open_image(f"oci-dir:{path}", platform="linux/amd64")
    assert image.facts.name == (name or f"oci-dir:{path}")
    image.close()
    for one in open_every(f"oci-dir:{path}"):
        assert one.facts.name == image.facts.name
        one.close()


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


# -- what docker save streams -------------------------------------------------------------------


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


# -- OCI layouts ---------------------------------------------------------------------------------


def archived(path: Path) -> Path:
    out = path.with_suffix(".tar")
    with tarfile.open(out, "w") as tar:
        tar.add(path, ".")
    return out


@pytest.mark.parametrize("kind", ["oci-dir", "oci-archive"])
def test_a_layout_of_two_platforms(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "l"
    layout(path, {"amd64": ONE, "arm64": TWO})
    place = path if kind == "oci-dir" else archived(path)
    assert scanned(f"{kind}:{place}", "linux/arm64") == [["two"]]
    assert scanned(f"{kind}:{place}:1", "linux/amd64") == [["one"]]
    with pytest.raises(InputError, match="platform"):
        scanned(f"{kind}:{place}", "linux/s390x")
    with pytest.raises(InputError, match="no such image"):
        scanned(f"{kind}:{place}:2")


@pytest.mark.parametrize("kind", ["oci-dir", "oci-archive"])
def test_a_blob_that_is_not_what_its_name_says(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "l"
    layout(path, {"amd64": ONE})
    blob = path / "blobs" / "sha256" / digest_of(ONE)[7:]
    blob.chmod(0o644)
    blob.write_bytes(TWO)
    with pytest.raises(InputError, match="not those that their descriptor promises"):
        scanned(f"{kind}:{path if kind == 'oci-dir' else archived(path)}", "linux/amd64")


@pytest.mark.parametrize("kind", ["manifest", "blob", "index", "no index"])
def test_an_archive_of_a_layout_that_lacks_something(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "l"
    layout(path, {"amd64": ONE})
    blobs = path / "blobs" / "sha256"
    if kind == "blob":
        (blobs / digest_of(ONE)[7:]).unlink()
    elif kind == "manifest":
        for blob in blobs.iterdir():
            if b'"layers"' in blob.read_bytes():
                blob.write_bytes(b"{}")
    elif kind == "index":
        (path / "index.json").write_text('{"manifests": 3}')
    else:
        (path / "index.json").unlink()
    with pytest.raises(InputError):
        scanned(f"oci-archive:{archived(path)}", "linux/amd64")
    with pytest.raises(InputError):
        scanned(f"oci-dir:{path}", "linux/amd64")


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"layers": []}, "do not fit"),
        ({"schemaVersion": 1}, "kind that lading does not read"),
        ({"layers": 7}, "a"),
        ({"config": {"mediaType": "x", "digest": "sha256:1", "size": 1}}, "a"),
    ],
)
def test_a_manifest_that_is_no_images(
    tmp_path: Path, changed: dict[str, Any], problem: str
) -> None:
    layout(tmp_path / "l", {"amd64": ONE}, **changed)
    with pytest.raises(InputError, match=problem):
        scanned(f"oci-dir:{tmp_path / 'l'}", "linux/amd64")


def other_config(path: Path, kind: str) -> dict[str, Any]:
    store = Layout(path)
    described = describe(b'{"name": "chart"}', kind)
    store.push_blob(described, b'{"name": "chart"}')
    return {"config": descriptor_json(described)}


@pytest.mark.parametrize(
    ("kind", "more", "got"),
    [
        ("application/vnd.cncf.helm.config.v1+json", {}, "helm.config"),
        ("application/vnd.oci.empty.v1+json", {"artifactType": "text/sarif"}, "text/sarif"),
    ],
)
def test_an_artifact_is_no_image(tmp_path: Path, kind: str, more: dict[str, str], got: str) -> None:
    path = tmp_path / "l"
    layout(path, {"amd64": ONE}, **other_config(path, kind), **more)
    with pytest.raises(InputError, match="an artifact, not a container image") as caught:
        scanned(f"oci-dir:{path}", "linux/amd64")
    assert got in str(caught.value.got)


def test_an_image_of_a_type_of_its_own_is_one(tmp_path: Path) -> None:
    path, config = tmp_path / "l", describe(config_of([ONE]), "application/vnd.acme.image+json")
    Layout(path).push_blob(config, config_of([ONE]))
    layout(path, {"amd64": ONE}, config=descriptor_json(config), artifactType="application/x")
    assert scanned(f"oci-dir:{path}", "linux/amd64") == [["one"]]


def test_a_foreign_layer_is_told_from_a_lost_one(tmp_path: Path) -> None:
    path, layer = tmp_path / "l", describe(ONE, f"{LAYER}.foreign.diff")
    layout(path, {"amd64": ONE}, layers=[descriptor_json(layer)])
    lost = path / "blobs" / layer.digest.replace(":", "/")
    lost.unlink()
    with pytest.raises(InputError, match="foreign layer"):
        scanned(f"oci-dir:{path}", "linux/amd64")
    layout(path, {"amd64": ONE}, tag="2")
    lost.unlink()
    with pytest.raises(InputError, match="the layout does not have"):
        scanned(f"oci-dir:{path}:2", "linux/amd64")


def test_which_image_of_a_layout_must_be_clear(tmp_path: Path) -> None:
    layout(tmp_path / "l", {"amd64": ONE}, tag="1")
    layout(tmp_path / "l", {"amd64": TWO}, tag="2")
    assert scanned(f"oci-dir:{tmp_path / 'l'}:2", "linux/amd64") == [["two"]]
    with pytest.raises(InputError, match="not clear") as caught:
        scanned(f"oci-dir:{tmp_path / 'l'}")
    assert caught.value.got == "images named 1, 2"


def test_indexes_within_indexes_end(tmp_path: Path) -> None:
    store = Layout(tmp_path / "l")
    inner = layout(tmp_path / "l", {"amd64": ONE}).resolve("1")
    for depth in range(6):
        body = {
            "schemaVersion": 2,
            "mediaType": inner.media_type,
            "manifests": [
                {"mediaType": inner.media_type, "digest": inner.digest, "size": inner.size}
            ],
        }
        inner = store.push_manifest(json.dumps(body).encode(), inner.media_type, tag=f"d{depth}")
    assert scanned(f"oci-dir:{tmp_path / 'l'}:d1", "linux/amd64") == [["one"]]
    with pytest.raises(LimitError, match="nested"):
        scanned(f"oci-dir:{tmp_path / 'l'}:d5", "linux/amd64")


# -- targets -------------------------------------------------------------------------------------


def test_targets_that_cannot_be_meant(tmp_path: Path) -> None:
    assert split_target("docker:x:1") == ("docker", "x:1")
    assert split_target("registry.example:5000/x") == (None, "registry.example:5000/x")
    for target, error in (
        ("docker:", UsageError),
        ("", UsageError),
        ("registry:x", UsageError),  # nothing was given to reach registries with
        (f"dir:{tmp_path / 'none'}", InputError),
        (f"oci-dir:{tmp_path / 'none'}", InputError),
        (f"oci-dir:{tmp_path}", InputError),
        (f"docker-archive:{tmp_path}", InputError),
    ):
        with pytest.raises(error):
            open_image(target)
    with pytest.raises(UsageError, match="platform"):
        open_image("docker:x", platform="a/b/c/d")


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("oci-dri:some/Path", "did you mean oci-dir:some/Path?"),
        ("OCI-DIR:some/path", "did you mean oci-dir:some/path?"),
        ("dockerarchive:a.tar/b", "did you mean docker-archive:a.tar/b?"),
        ("hf:acme/tiny", "models and data sets are for `lading attest` and `lading verify`"),
        ("https://ghcr.io/acme/svc:1", "an image's name has no scheme: ghcr.io/acme/svc:1"),
        ("nonsense:a/b", None),
    ],
)
def test_a_mistyped_prefix_is_asked_of_nobody(target: str, hint: str | None) -> None:
    with pytest.raises(UsageError, match="no such kind of target") as caught:
        open_image(target)
    assert caught.value.hint == hint
    assert "docker-archive:" in str(caught.value.wanted)


def test_a_path_that_has_a_colon_itself(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar:2", docker_archive([ONE]))
    write(tmp_path / "a.tar", docker_archive([TWO]))
    assert scanned(f"docker-archive:{path}") == [["one"]]


def test_a_name_that_is_nowhere_tells_what_each_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lading_oci.registry import open_registry

    # not a socket's path: docker-py leaves open what it could not connect to one
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "127.0.0.1:1").mkdir()
    (tmp_path / "127.0.0.1:1" / "x").mkdir()
    with pytest.raises(EngineError, match="engine"):
        open_image("docker:x")
    with pytest.raises(EngineError):
        open_image("Not A Name", repository_opener=open_registry)
    with pytest.raises(RegistryError, match="neither") as caught:
        open_image("127.0.0.1:1/x", repository_opener=open_registry)
    assert re.search("engine: .*registry: ", str(caught.value.got))
    assert "dir:" in str(caught.value.hint)


def test_a_directory_is_one_layer(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"x")
    image = open_image(f"dir:{tmp_path}", platform=Platform("linux", "arm64"))
    assert image.facts.platform == Platform("linux", "arm64")
    assert image.scan(names, ["dir"]) == {"dir": ["d", "d/f"]}
    assert image.scan(names, ["sha256:0"]) == {}


def test_only_regular_files_are_opened_as_archives(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError):
            open_file(path)
    descriptor, size = open_file(write(tmp_path / "f", b"abc"))
    part = FilePart(descriptor, 1, size)
    assert part.skip(10) == 2
    assert part.readinto(memoryview(bytearray(4))) == 0
    with pytest.raises(InputError, match="cannot be read"):
        FilePart(-1, 0, 5).readinto(memoryview(bytearray(4)))
