"""``lading`` as a process: how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lading.exit_codes import ExitCode
from support.image_stores import docker_archive, tar_of

FULL = Path("/dev/full")
HEADER = b'{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'
TENSORS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(4)
LADING = [sys.executable, "-m", "lading"]
NO_KEY = ("verify", "--key", "/nonexistent.pub", "registry:127.0.0.1:1/x:1")


def test_it_ends_with_the_status_and_has_written_everything() -> None:
    ran = subprocess.run([*LADING, *NO_KEY, "--json"], capture_output=True, text=True, check=False)

    assert ran.returncode == ExitCode.INPUT
    assert ran.stdout.rstrip().endswith("}")
    assert "/nonexistent.pub" in ran.stderr


def test_the_installed_program_is_the_same() -> None:
    program = Path(sys.executable).with_name("lading")
    ran = subprocess.run([program, *NO_KEY], capture_output=True, text=True, check=False)

    assert ran.returncode == ExitCode.INPUT


def completed(words: str) -> list[str]:
    asked = {"_LADING_COMPLETE": "complete_bash", "COMP_WORDS": words}
    environment = {**os.environ, **asked, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    program = Path(sys.executable).with_name("lading")
    return subprocess.check_output([program], env=environment, text=True).split()


def test_shells_complete_the_options_of_a_build_ours_and_dockers() -> None:
    assert completed("lading build --si") == ["--signing-key"]
    assert {"--platform", "--policy-file", "--push"} <= set(completed("lading build --p"))
    assert completed("lading build ./mod") == [], "paths are the shell's own business"
    assert "--key" in completed("lading verify --")


@pytest.mark.skipif(not FULL.exists(), reason="no full device here")
@pytest.mark.parametrize("words", [("--version",), (*NO_KEY, "--json"), ("verify", "--help")])
def test_output_that_cannot_be_written_is_no_success(words: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        ran = subprocess.run([*LADING, *words], stdout=full, stderr=subprocess.PIPE, check=False)

    assert ran.returncode != ExitCode.OK
    assert b"No space left on device" in ran.stderr


@pytest.fixture
def archive(tmp_path: Path) -> str:
    path = tmp_path / "a.tar"
    path.write_bytes(docker_archive([tar_of({"é\udcff.safetensors": TENSORS})]))
    return f"docker-archive:{path}"


@pytest.mark.skipif(not FULL.exists(), reason="no full device here")
@pytest.mark.parametrize("words", [("inspect",), ("inspect", "--json"), ("bom",)])
def test_a_full_disk_is_no_defect_of_ours(words: tuple[str, ...], archive: str) -> None:
    with FULL.open("w") as full:
        ran = subprocess.run(
            [*LADING, *words, archive], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ran.returncode == ExitCode.INPUT
    assert b"Standard output cannot be written. Got: No space left on device." in ran.stderr


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("inspect", "{}"), ExitCode.OK),
        (("bom", "{}"), ExitCode.OK),
        (("inspect", "--json", "oci-dir:/nonexistent"), ExitCode.INPUT),
        (("diff", "{before}", "{after}"), ExitCode.NOT_VERIFIED),
        (("diff", "--json", "{before}", "{after}"), ExitCode.NOT_VERIFIED),
    ],
)
def test_that_nobody_reads_on_changes_no_status(
    words: tuple[str, ...], status: ExitCode, archive: str, tmp_path: Path
) -> None:
    names = {}
    for name, fill in (("before", b"\0"), ("after", b"\1")):
        path = tmp_path / f"{name}.tar"
        path.write_bytes(docker_archive([tar_of({"m.safetensors": TENSORS[:-1] + fill})]))
        names[name] = f"docker-archive:{path}"
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nobody:
        ran = subprocess.run(
            [*LADING, *(word.format(archive, **names) for word in words)],
            stdout=nobody,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert ran.returncode == status
    assert b"Traceback" not in ran.stderr
    assert b"Broken pipe" not in ran.stderr


def test_a_terminal_that_shows_ascii_alone(archive: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(
        [*LADING, "inspect", archive], env=environment, capture_output=True, check=False
    )
    assert ran.returncode == ExitCode.OK
    assert rb"\xe9\xff" in ran.stdout
