"""Which image a target means, and what is said where it means none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lading.errors import EngineError, InputError, RegistryError, UsageError
from lading.image import open_image, split_target
from lading.image.files import FilePart, open_file
from lading.inventory import Platform
from support.image_stores import ONE, TWO, docker_archive, names, scanned, write

if TYPE_CHECKING:
    from pathlib import Path


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
