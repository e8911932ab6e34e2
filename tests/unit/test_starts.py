"""What every start would wait for is not loaded on the ways that are walked often."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lading.attest.keys import generate, load_private
from lading.attest.signatures import sign

if TYPE_CHECKING:
    from pathlib import Path

#: Of Python's own modules, those that cost a millisecond or more each, with what they load.
COSTLY = {
    "collections", "contextlib", "dataclasses", "enum", "functools", "hashlib", "importlib",
    "inspect", "json", "pathlib", "re", "shutil", "socket", "subprocess", "tempfile", "typing",
    "urllib.parse", "warnings",
}  # fmt: skip


def _loaded(code: str) -> set[str]:
    """Return what ``code`` loads into a fresh interpreter, besides what that one begins with."""
    wrapped = (
        f"import sys; before = set(sys.modules)\n{code}\n"
        "print(*sorted(set(sys.modules) - before), sep='\\n')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", wrapped], capture_output=True, text=True, check=True, timeout=60
    )
    return set(ran.stdout.splitlines())


@pytest.mark.parametrize("module", ["lading", "lading.records", "lading_oci.errors"])
def test_what_everything_loads_loads_nothing_costly(module: str) -> None:
    loaded = _loaded(f"import {module}")

    assert module in loaded
    assert not loaded & COSTLY


def test_walking_through_a_tar_loads_nothing_costly() -> None:
    loaded = _loaded("import lading.image.files, lading.image.tar")

    assert {"lading.image.tar_sparse", "lading.limits", "zlib"} <= loaded
    assert not loaded & COSTLY


def test_saying_the_version_loads_what_ends_it_in_order_and_nothing_else() -> None:
    loaded = _loaded("from lading.cli import main; main(['--version'])")

    assert "lading.cli.render" in loaded
    assert not loaded & COSTLY


def test_an_unchanged_image_is_told_by_a_socket_and_a_digest(tmp_path: Path) -> None:
    """``signal``, which the program itself loads, brings ``enum`` and what that needs."""
    loaded = _loaded(
        "import os, signal; before = set(sys.modules);"
        f"os.environ['DOCKER_HOST'] = 'unix://{tmp_path}/none.sock';"
        "from lading.cli import inspecting, printed, quick;"
        "assert printed.ask('x:1', json_wanted=False, all_layers=False) is None"
    )

    assert {"lading.cli.printed", "lading.packages.syft_places", "zlib"} <= loaded
    assert loaded & COSTLY == {"contextlib", "hashlib", "importlib", "socket", "warnings"}


def test_docker_starts_building_before_what_it_can_do_without_is_loaded(tmp_path: Path) -> None:
    """A key that was opened before, a context that git does not know, and no settings file."""
    docker, key = tmp_path / "docker", tmp_path / "lading.key"
    docker.write_text("#!/bin/sh\nexit 7\n")
    docker.chmod(0o755)
    key.write_bytes(generate("p256").private_pem)
    settings = {"HOME": str(tmp_path), "PATH": str(tmp_path), "XDG_CACHE_HOME": f"{tmp_path}/cache"}
    loaded = _loaded(
        f"import os; os.chdir({str(tmp_path)!r})\n"
        f"os.environ.clear(); os.environ.update({settings})\n"
        "from lading.attest.signers.options import SigningOptions\n"
        "from lading.cli import build, opened\n"
        f"opened.keep(opened.mark_of(SigningOptions({str(key)!r})))\n"
        "from lading.engine import builder\n"
        "started = []; run = builder.subprocess.Popen\n"
        "def start(words, **how):\n"
        "    started.append((words, set(sys.modules))); return run(words, **how)\n"
        "builder.subprocess.Popen = start\n"
        f"build.run(['-t', 'x:1', '--signing-key', {str(key)!r}, '.'])\n"
        "(words, modules), = started; assert words[1] == 'build', words\n"
        "for name in set(sys.modules) - modules: del sys.modules[name]"
    )

    assert {"lading.usecases.build", "lading.engine.git", "lading_oci.references"} <= loaded
    needed = {"collections", "contextlib", "enum", "functools", "importlib", "re", "subprocess"}
    assert loaded & COSTLY == {*needed, "warnings"}


def test_a_signature_is_verified_without_what_signing_asks_for(tmp_path: Path) -> None:
    for kind in ("p256", "p384", "ed25519"):
        pair = generate(kind)
        (tmp_path / f"{kind}.pub").write_bytes(pair.public_pem)
        (tmp_path / kind).write_bytes(sign(load_private(pair.private_pem), b"message"))
    loaded = _loaded(
        "import pathlib\n"
        "from lading.attest.keys import load_public\n"
        "from lading.attest.signatures import verifies\n"
        "for kind in ('p256', 'p384', 'ed25519'):\n"
        f"    signature = pathlib.Path({str(tmp_path)!r}, kind).read_bytes()\n"
        f"    key = load_public(pathlib.Path({str(tmp_path)!r}, kind + '.pub'))\n"
        "    assert verifies(key, signature, b'message')\n"
        "    assert not verifies(key, signature, b'another')\n"
        "    if kind == 'p384':\n"
        "        loaded = set(sys.modules)\n"
        "assert 'cryptography.hazmat.backends.openssl.backend' not in loaded"
    )

    assert "cryptography.hazmat.primitives.asymmetric.ec" in loaded
