"""Conda's packages: listed once each, beside the Python distributions that they installed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lading.limits import LIMITS
from lading.packages import SyftResult, collect, merge_packages, os_packages, python_distributions
from lading.packages.merge import OS_PACKAGE
from support.packages_fixtures import MemoryFile, dist_info

if TYPE_CHECKING:
    from lading.inventory import Package, PackageFile

ROOT = "opt/conda"
SITE = f"{ROOT}/lib/python3.11/site-packages"
NUMPY: dict[str, Any] = {
    "arch": None,
    "build": "py311h64a7726_0",
    "channel": "https://conda.anaconda.org/conda-forge/linux-64",
    "depends": ["libblas >=3.9.0,<4.0a0", "python >=3.11,<3.12.0a0", "numpy"],
    "files": [f"lib/python3.11/site-packages/numpy/{number}.py" for number in range(300)]
    + ["lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA"],
    "fn": "numpy-1.26.4-py311h64a7726_0.conda",
    "license": "BSD-3-Clause",
    "name": "numpy",
    "requested_spec": "numpy=1.26",
    "sha256": "3f" * 32,
    "subdir": "linux-64",
    "version": "1.26.4",
}
PURL = "pkg:conda/numpy@1.26.4?build=py311h64a7726_0&channel=conda-forge&subdir=linux-64&type=conda"
BLAS = NUMPY | {
    "name": "libblas",
    "version": "3.9.0",
    "build": "20_linux64_openblas",
    "depends": [],
    "files": ["lib/libblas.so.3"],
    "requested_spec": "None",
}


def kept(record: object, root: str = ROOT, layer: str = "sha256:l") -> PackageFile:
    content = record if isinstance(record, bytes) else json.dumps(record).encode()
    name = f"{record['name']}.json" if isinstance(record, dict) and "name" in record else "x.json"
    prefix = f"{root}/" if root else ""
    found = collect(MemoryFile(f"{prefix}conda-meta/{name}", content), layer)
    assert found is not None
    return found


def packages(*files: PackageFile) -> dict[str, Package]:
    python = python_distributions(files)
    return {one.purl: one for one in merge_packages(python, SyftResult(), files)}


def test_a_package_with_its_build_channel_licence_and_layer() -> None:
    found = packages(kept(NUMPY), kept(BLAS))
    numpy = found.pop(PURL)
    (blas,) = found.values()
    assert blas.purl.startswith("pkg:conda/libblas@3.9.0?build=20_linux64_openblas&channel=")
    assert (numpy.name, numpy.version, numpy.type) == ("numpy", "1.26.4", "conda")
    assert (numpy.layer, numpy.path) == ("sha256:l", "opt/conda/conda-meta/numpy.json")
    assert (numpy.licenses, numpy.hashes) == (("BSD-3-Clause",), {"SHA-256": "3f" * 32})
    assert numpy.requires == (blas.purl,)
    assert (numpy.requested, blas.requested) == (True, False)


@pytest.mark.parametrize("root", ["opt/conda", "opt/conda/envs/web", ""])
def test_a_distribution_that_conda_installed_says_so(root: str) -> None:
    prefix = f"{root}/" if root else ""
    site = f"{prefix}lib/python3.11/site-packages"
    files = [kept(NUMPY, root), *dist_info("numpy", "1.26.4", site=site)]
    own = dist_info("requests", "2.32.0", site=site)
    found = packages(*files, *own)
    assert sorted(found) == [PURL, "pkg:pypi/numpy@1.26.4", "pkg:pypi/requests@2.32.0"]
    assert found["pkg:pypi/numpy@1.26.4"].properties[OS_PACKAGE] == PURL
    assert OS_PACKAGE not in found["pkg:pypi/requests@2.32.0"].properties


def test_the_same_package_in_two_environments_is_listed_in_each() -> None:
    files = [kept(NUMPY), kept(NUMPY, "opt/conda/envs/web")]
    merged = merge_packages(python_distributions(files), SyftResult(), files)
    assert [one.purl for one in merged] == [PURL, PURL]


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("https://repo.anaconda.com/pkgs/main/linux-64", "main"),
        ("conda-forge", "conda-forge"),
        ("https://user:secret@conda.example/t/tk-secret/own/linux-64", "own"),
        ("https://[conda", ""),
        ("", ""),
    ],
)
def test_a_channel_is_its_name_and_no_secret(channel: str, name: str) -> None:
    (purl,) = packages(kept(NUMPY | {"channel": channel}))
    wanted = f"channel={name}&" if name else ""
    assert purl == PURL.replace("channel=conda-forge&", wanted)
    assert "secret" not in purl


def test_old_records_have_less() -> None:
    (purl,) = packages(kept({"name": "Zlib", "version": "1.2 b", "fn": "zlib-1.2-0.tar.bz2"}))
    assert purl == "pkg:conda/zlib@1.2%20b?type=tar.bz2"


def test_a_record_is_kept_without_its_files() -> None:
    content = kept(NUMPY).content
    assert len(content) < 700
    assert b"numpy-1.26.4.dist-info/METADATA" in content


def test_syft_is_not_shown_the_records() -> None:
    def no_syft() -> Any:
        raise AssertionError("there is nothing for syft")

    assert os_packages([kept(NUMPY)], syft=no_syft) == SyftResult()


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_a_record_that_cannot_be_read_is_told(content: bytes) -> None:
    file = kept(content)
    (finding,) = os_packages([file], syft=lambda: pytest.fail("no syft")).findings
    assert (finding.id, finding.path) == (
        "package-record-unreadable",
        "opt/conda/conda-meta/x.json",
    )
    assert packages(file) == {}


def test_a_record_that_is_too_large_is_told() -> None:
    large = MemoryFile("conda-meta/x.json", b"{}", size=LIMITS.package_file + 1)
    file = collect(large)
    assert file is not None
    assert (file.size, large.consumed) == (LIMITS.package_file + 1, 0)


@pytest.mark.parametrize("record", [{}, {"name": "x"}, {"name": 1, "version": 2}, {"name": ""}])
def test_other_json_beside_the_records_is_no_package(record: dict[str, Any]) -> None:
    assert packages(kept(json.dumps(record).encode())) == {}


@pytest.mark.parametrize("path", ["opt/conda/pkgs/x/info/index.json", "my-conda-meta/x.json"])
def test_other_places_are_not_read(path: str) -> None:
    assert collect(MemoryFile(path, json.dumps(NUMPY).encode())) is None


def test_values_of_other_kinds_are_left_out() -> None:
    odd = {"depends": "libblas", "files": [1, None], "license": ["MIT"], "sha256": "zz", "build": 0}
    (purl,) = found = packages(kept(NUMPY | odd))
    assert purl == PURL.replace("build=py311h64a7726_0&", "")
    assert (found[purl].licenses, found[purl].hashes, found[purl].requires) == ((), {}, ())
