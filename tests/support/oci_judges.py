"""Other people's clients, asked which referrers an image has."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import parts

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "cosign_tree",
    "cosign_verify",
    "crane_manifest",
    "oras_attach",
    "oras_sees",
    "regctl_sees",
]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def run(home: Path, part: str, *words: str) -> str:
    """Run one with an empty home; return its output, fail with what it says."""
    done = subprocess.run(
        [str(parts.require(part)), *words],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "DOCKER_CONFIG": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{part} {' '.join(words)}: {done.stderr}"
    return done.stdout


def oras_sees(home: Path, image: str, *, layout: bool = False) -> set[str]:
    """Return the digests that ``oras discover`` lists, nested ones included."""
    how = "--oci-layout" if layout else "--plain-http"
    found = json.loads(run(home, "oras", "discover", how, "--format", "json", image))
    return set(_nested(found))


def _nested(node: dict[str, Any]) -> list[str]:
    below = node.get("referrers") or []
    return [digest for one in below for digest in (one["digest"], *_nested(one))]


def oras_attach(home: Path, image: str, kind: str) -> str:
    """Attach something by ``oras``; return its digest."""
    said = run(home, "oras", "attach", "--plain-http", "--artifact-type", kind, "-a", "a=b", image)
    found = _DIGEST.search(said.partition("Digest:")[2])
    assert found is not None, said
    return found.group()


def regctl_sees(home: Path, host: str, image: str) -> set[str]:
    """Return the digests that ``regctl artifact list`` lists."""
    shape = "{{range .Descriptors}}{{println .Digest}}{{end}}"
    plain = ("--host", f"reg={host},tls=disabled")
    return set(run(home, "regctl", *plain, "artifact", "list", "--format", shape, image).split())


def crane_manifest(home: Path, name: str) -> dict[str, Any]:
    """Return a manifest by ``crane``."""
    return dict(json.loads(run(home, "crane", "manifest", "--insecure", name)))


def cosign_tree(home: Path, image: str) -> set[str]:
    """Return the referrers with bundles that ``cosign tree`` shows."""
    shown = run(home, "cosign", "tree", "--allow-http-registry", image)
    return set(re.findall(r"via OCI referrer: \S+@(sha256:[0-9a-f]{64})", shown))


def cosign_verify(home: Path, image: str, key: Path, kind: str) -> int:
    """Verify the attestations of a type by ``cosign``; return how many it printed."""
    options = ("--key", str(key), "--insecure-ignore-tlog", "--allow-http-registry")
    shown = run(home, "cosign", "verify-attestation", "--type", kind, *options, image)
    return sum(line.startswith('{"payload"') for line in shown.splitlines())
