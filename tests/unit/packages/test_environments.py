from __future__ import annotations

import pytest

from lading.inventory import PackageFile
from lading.packages.environments import environments

USR = "usr/lib/python3/dist-packages"
LOCAL = "usr/local/lib/python3.11/dist-packages"
VENV = "opt/venv/lib/python3.12/site-packages"


def config(prefix: str, *lines: str) -> PackageFile:
    return PackageFile(f"{prefix}/pyvenv.cfg", "\n".join(lines).encode())


def test_the_path_names_the_version() -> None:
    found = environments([VENV], [])
    assert found.versions == {VENV: "3.12.0"}


@pytest.mark.parametrize("key", ["version", "version_info"])
def test_a_virtual_environment_knows_its_exact_version(key: str) -> None:
    found = environments([VENV], [config("opt/venv", "home = /usr/bin", f"{key} = 3.12.7.final.0")])
    assert found.versions[VENV] == "3.12.7"


def test_headers_and_dpkg_know_the_exact_version() -> None:
    site = "usr/local/lib/python3.13/site-packages"
    header = PackageFile(
        "usr/local/include/python3.13/patchlevel.h", b'/* */\n#define PY_VERSION  "3.13.1+"\n'
    )
    status = PackageFile(
        "var/lib/dpkg/status",
        b"Package: bash\nVersion: 5.2\n\nPackage: python3.11-minimal\n"
        b"Status: install ok installed\nVersion: 3.11.2-6+deb12u8\n\nPackage: z\nVersion: 9.9.9\n",
    )
    found = environments([site, LOCAL, USR], [header, status])
    assert found.versions[site] == "3.13.1"
    assert found.versions[LOCAL] == "3.11.2"


def test_directories_without_a_version_take_the_newest_there_is() -> None:
    found = environments(["app/deps", USR, LOCAL], [])
    assert found.versions["app/deps"] == "3.11.0"
    assert found.versions[USR] == "3.11.0"


def test_without_any_trace_no_version_is_made_up() -> None:
    assert environments(["app/deps"], []).versions == {}


def test_system_directories_see_each_other() -> None:
    found = environments([USR, LOCAL, VENV], [])
    assert found.search[LOCAL] == (LOCAL, USR)


def test_another_minor_version_is_not_seen() -> None:
    other = "usr/local/lib/python3.9/site-packages"
    found = environments([LOCAL, other], [])
    assert found.search[LOCAL] == (LOCAL,)


def test_a_virtual_environment_sees_itself_and_the_system_only_if_it_says_so() -> None:
    lib64 = VENV.replace("/lib/", "/lib64/")
    system = "usr/lib/python3.12/site-packages"
    closed = environments([VENV, lib64, system], [config("opt/venv", "version = 3.12.1")])
    assert closed.search[VENV] == (VENV, lib64)
    open_ = environments(
        [VENV, lib64, system],
        [config("opt/venv", "version = 3.12.1", "include-system-site-packages = true")],
    )
    assert open_.search[VENV] == (VENV, lib64, system)


def test_a_user_directory_sees_the_system() -> None:
    user = "root/.local/lib/python3.11/site-packages"
    assert environments([user, LOCAL], []).search[user] == (user, LOCAL)


def test_a_vendored_directory_sees_what_it_lies_in() -> None:
    vendored = f"{VENV}/setuptools/_vendor"
    assert environments([vendored, VENV], []).search[vendored] == (vendored, VENV)


def test_pypy_is_told_apart() -> None:
    site = "opt/pypy/lib/pypy3.10/site-packages"
    found = environments([site, VENV], [])
    assert found.pypy == {site}
    assert found.versions[site] == "3.10.0"


def test_a_huge_configuration_costs_nothing() -> None:
    file = PackageFile("v/pyvenv.cfg", b"x = y\n" * 1_000_000 + b"version = 9.9.9\n")
    site = "v/lib/python3.10/site-packages"
    assert environments([site], [file]).versions[site] == "3.10.0"


def test_debians_interpreter_and_another_of_the_same_version_are_apart() -> None:
    other = "usr/local/lib/python3.11/site-packages"
    found = environments([USR, LOCAL, other], [])
    assert found.search[other] == (other,)
    assert found.search[USR] == (USR, LOCAL)


def test_debians_packages_run_on_debians_interpreter_not_on_a_newer_one() -> None:
    status = PackageFile(
        "var/lib/dpkg/status", b"Package: python3.11-minimal\nVersion: 3.11.2-6\n\n"
    )
    found = environments([USR, "usr/local/lib/python3.13/site-packages", VENV], [status])
    assert found.versions[USR] == "3.11.2"
