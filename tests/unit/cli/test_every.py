"""``--all-platforms`` of ``inspect`` and ``bom``: each platform of a layout, and safe names."""

from __future__ import annotations

import json
import re
import tarfile
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from lading.cli import main
from lading.cli.every import file_names
from lading.inventory import ImageFacts, Platform
from lading_oci.digest import digest_of
from lading_oci.manifests import index_manifest
from support.image_stores import attested_layout, layout, tar_of
from support.schemas import conforms

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.layout import Layout

METADATA = "usr/lib/python3/dist-packages/{0}-1.dist-info/METADATA"


def _layer(name: str) -> bytes:
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
    return tar_of({METADATA.format(name): text.encode()})


@pytest.fixture
def store(here: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A layout of amd64 and arm64, with an attestation as BuildKit lists it beside them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    return attested_layout(here / "both", {"amd64": _layer("one"), "arm64": _layer("two")})


def _archive(here: Path) -> str:
    with tarfile.open(here / "both.tar", "w") as tar:
        tar.add(here / "both", arcname=".")
    return "oci-archive:both.tar:1"


def _ran(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("how", ["oci-dir", "oci-archive"])
def test_each_platform_of_a_layout_is_inspected(
    how: str, store: Layout, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = "oci-dir:both:1" if how == "oci-dir" else _archive(here)
    document = _ran(capsys, "inspect", target, "--all-platforms")
    conforms("inspect-platforms", document)
    assert document["target"] == target
    assert document["digest"] == store.resolve("1").digest
    found = {one["platform"]: [p["name"] for p in one["packages"]] for one in document["platforms"]}
    assert found == {"linux/amd64": ["one"], "linux/arm64": ["two"]}
    for one in document["platforms"]:
        assert one == {
            **_ran(capsys, "inspect", target, "--platform", one["platform"]),
            "layers": one["layers"],  # the second time they come from the cache
        }
    with pytest.raises(jsonschema_rs.ValidationError):
        conforms("inspect-platforms", {**document, "platforms": [{}]})


def test_the_text_of_each_platform_in_turn(
    store: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", "oci-dir:both:1", "--all-platforms"]) == 0
    text = capsys.readouterr().out
    assert re.findall(r"^image .*\((.*)\)$", text, re.MULTILINE) == ["linux/amd64", "linux/arm64"]
    assert text.count("packages  1 ") == 2


def test_what_has_one_platform_gives_one(
    store: Layout, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout(here / "single", {"arm64": _layer("three")})
    single = _ran(capsys, "inspect", "oci-dir:single", "--all-platforms")
    assert [one["platform"] for one in single["platforms"]] == ["linux/arm64"]
    (here / "files").mkdir()
    directory = _ran(capsys, "inspect", "dir:files", "--all-platforms")
    assert len(directory["platforms"]) == 1
    assert directory["digest"] == directory["platforms"][0]["digest"]


def test_images_that_no_index_joins_have_no_digest_together(
    store: Layout, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = json.loads(store.manifest("only-images").content)["manifests"]
    (here / "both" / "index.json").write_bytes(index_manifest(listed))
    document = _ran(capsys, "inspect", "oci-dir:both", "--all-platforms")
    conforms("inspect-platforms", document)
    assert document["digest"] is None
    assert [one["digest"] for one in document["platforms"]] == [one["digest"] for one in listed]


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_bom_is_written_for_each_platform(
    form: str, store: Layout, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "boms").mkdir()
    (here / "boms" / "other.txt").write_text("mine")
    (here / "boms" / f"linux-amd64.cdx.{form}").write_text("of the last time")
    words = ("--all-platforms", "-o", "boms", "--format", form)
    document = _ran(capsys, "bom", "oci-dir:both:1", *words)
    conforms("bom-platforms", document)
    assert document["digest"] == store.resolve("1").digest
    for architecture, package, file in zip(
        ("amd64", "arm64"), ("one", "two"), document["files"], strict=True
    ):
        content = (here / "boms" / f"linux-{architecture}.cdx.{form}").read_bytes()
        assert f"pkg:pypi/{package}@1".encode() in content
        assert file["path"] == f"boms/linux-{architecture}.cdx.{form}"
        assert (file["digest"], file["size"]) == (digest_of(content), len(content))
    assert (here / "boms" / "other.txt").read_text() == "mine"
    assert len(list((here / "boms").iterdir())) == 3


def test_nothing_is_written_when_one_platform_is_damaged(
    store: Layout, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = digest_of(_layer("two")).removeprefix("sha256:")
    blob = here / "both" / "blobs" / "sha256" / digest
    blob.chmod(0o644)
    blob.write_bytes(_layer("bad"))
    words = ("oci-dir:both:1", "--all-platforms")
    assert main(["bom", *words, "-o", "boms"]) != 0
    assert not (here / "boms").exists()
    assert main(["inspect", *words]) != 0
    assert capsys.readouterr().out == ""


def test_a_place_that_is_taken_leaves_the_others_as_they_were(
    store: Layout, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "boms" / "linux-arm64.cdx.json").mkdir(parents=True)
    assert main(["bom", "oci-dir:both:1", "--all-platforms", "-o", "boms"]) == 22
    assert "directory" in capsys.readouterr().err
    assert [path.name for path in (here / "boms").iterdir()] == ["linux-arm64.cdx.json"]
    (here / "file").write_text("mine")
    assert main(["bom", "oci-dir:both:1", "--all-platforms", "-o", "file"]) == 22
    assert (here / "file").read_text() == "mine"


def test_a_link_in_a_files_place_is_replaced_and_not_followed(store: Layout, here: Path) -> None:
    (here / "boms").mkdir()
    (here / "precious").write_text("mine")
    (here / "boms" / "linux-amd64.cdx.json").symlink_to(here / "precious")
    assert main(["bom", "oci-dir:both:1", "--all-platforms", "-o", "boms"]) == 0
    assert (here / "precious").read_text() == "mine"
    assert not (here / "boms" / "linux-amd64.cdx.json").is_symlink()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("inspect", "--platform", "arm64"), "ask for different things"),
        (("bom", "--platform", "arm64", "-o", "boms"), "ask for different things"),
        (("bom",), "-o DIRECTORY"),
    ],
)
def test_usage_errors(
    words: tuple[str, ...], problem: str, store: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    verb, *rest = words
    assert main([verb, "oci-dir:both:1", "--all-platforms", *rest]) == 2
    assert problem in " ".join(capsys.readouterr().err.split())


def _facts(platform: Platform, text: str) -> ImageFacts:
    digest = digest_of(text.encode())
    return ImageFacts("x", platform, digest, (), manifest_digest=digest)


def test_names_of_files_have_the_variant_and_are_safe_and_apart() -> None:
    platforms = [
        Platform("linux", "amd64"),
        Platform("linux", "arm", "v7"),
        Platform("../../etc", "pass\0wd", "/"),
        Platform("", "\u202eamd64"),
        Platform("linux", "386" * 200),
        Platform("windows", "amd64"),
        Platform("Windows", "amd64"),
        Platform("linux-arm", "v7"),
    ]
    facts = [_facts(one, str(number)) for number, one in enumerate(platforms)]
    names = file_names(facts, ".cdx.json")
    assert names[:2] == ["linux-amd64.cdx.json", "linux-arm-v7.cdx.json"]
    assert names[2] == "______etc-pass_wd-_.cdx.json"
    assert all(re.fullmatch(r"[a-z0-9_@-]+\.cdx\.json", name) for name in names)
    assert max(map(len, names)) < 200
    assert len({name.lower() for name in names}) == len(names)
    assert names[5] == f"windows-amd64@{digest_of(b'5').removeprefix('sha256:')}.cdx.json"
