"""The example in docs/oci.md runs as it stands there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import parts
from lading_oci import Layout
from support.oci_images import make_image, push_image
from support.oci_stores import open_at

if TYPE_CHECKING:
    from pathlib import Path

    from support.registries import Registry


def test_the_example(registry_referrers: Registry, tmp_path: Path) -> None:
    host = registry_referrers.host
    image = push_image(open_at(host, "acme/svc"), make_image("documented"), tag="1")
    page = (parts.ROOT / "docs" / "oci.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    ran = subprocess.run(
        [sys.executable, "-c", code.replace("registry.example", host)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    listed, copied = ran.stdout.splitlines()
    assert listed.endswith(" application/vnd.example.report+json")
    assert copied == "1 referrers copied"
    (found,) = Layout(tmp_path / "backup").referrers(image.digest)
    assert listed.startswith(found.digest)
