"""A program that dpkg installed is not a package of its own."""

from __future__ import annotations

import pytest

from lading.inventory import Package, PackageFile
from lading.packages import PythonResult, SyftResult, merge_packages
from lading.packages.syft_bom import FOUND_BY

DIGEST = b"0123456789abcdef0123456789abcdef"


def program(path: str, found_by: str = "binary-classifier-cataloger") -> Package:
    return Package(
        "pkg:generic/bash@5.2", "bash", "5.2", "generic", path=path, properties={FOUND_BY: found_by}
    )


def listed(path: str) -> PackageFile:
    return PackageFile("var/lib/dpkg/info/bash.md5sums", DIGEST + b"  " + path.encode() + b"\n")


@pytest.mark.parametrize(
    ("path", "installed", "links", "kept"),
    [
        ("usr/bin/bash", "usr/bin/bash", {}, False),
        ("usr/bin/bash", "bin/bash", {"bin": "usr/bin"}, False),
        ("usr/bin/bash", "bin/bash", {"bin": "/usr/bin"}, False),
        ("usr/bin/bash", "bin/bash", {}, True),
        ("opt/bash", "bin/bash", {"bin": "usr/bin"}, True),
    ],
)
def test_dpkg_owns_what_its_lists_name(
    path: str, installed: str, links: dict[str, str], kept: bool
) -> None:
    found = SyftResult((program(path),))
    merged = merge_packages(PythonResult(), found, [listed(installed)], links)
    assert bool(merged) is kept


def test_only_programs_told_by_their_bytes_are_left_out() -> None:
    found = SyftResult((program("usr/bin/bash", "go-module-binary-cataloger"),))
    assert merge_packages(PythonResult(), found, [listed("usr/bin/bash")]) == found.packages
