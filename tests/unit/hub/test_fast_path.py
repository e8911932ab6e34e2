"""Verifying a model before it is loaded costs little: nothing slow is imported for it."""

from __future__ import annotations

import json
import subprocess
import sys

SLOW = {
    "docker", "huggingface_hub", "httpx2", "requests", "urllib3", "sigstore", "oras", "rich",
    "numpy", "jsonschema_rs", "securesystemslib", "zstandard", "cyclonedx", "yaml", "asyncio",
}  # fmt: skip


def test_verifying_a_directory_loads_no_slow_library(tmp_path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")
    code = (
        "import json, sys, lading.cli as cli;"
        f"cli.main(['keygen', '--no-password', '-o', {str(tmp_path / 'k')!r}]);"
        f"status = cli.main(['verify', {f'dir:{tmp_path}'!r}, '--key', {str(tmp_path / 'k.pub')!r},"
        f" '--evidence', {str(tmp_path / 'store')!r}]);"
        "print(json.dumps([status, sorted({name.split('.')[0] for name in sys.modules}),"
        "sorted(name for name in sys.modules if name.startswith('lading.'))]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    status, loaded, ours = json.loads(ran.stdout.splitlines()[-1])

    assert status == 11
    assert not set(loaded) & SLOW
    assert "lading.models" not in ours  # no detector is needed to compare digests
