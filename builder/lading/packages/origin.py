"""Who installed a Python distribution, why, and from where: INSTALLER, REQUESTED, direct_url.json.

Formats: https://packaging.python.org/specifications/recording-installed-packages/ and
https://packaging.python.org/specifications/direct-url/.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.inventory import PackageFile

__all__ = ["PythonOrigin", "origin"]

# Installers that write REQUESTED for what a person asked for, so that its absence says something.
_RECORDING_INSTALLERS = frozenset({"pip", "uv", "poetry", "pdm"})
_WORD = re.compile(r"[A-Za-z0-9._ +-]{1,64}")
_HEX = re.compile(r"[0-9a-f]{32,128}")
_DIRECT_URL_BYTES = 64 * 1024
_ALGORITHMS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


@dataclass(frozen=True, slots=True)
class PythonOrigin:
    """How a distribution came into its environment. ``hashes`` are of the archive it came from."""

    requested: bool | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)


def origin(files: Mapping[str, PackageFile]) -> PythonOrigin:
    """Read the origin of one distribution from the files of its metadata directory, by name."""
    properties: dict[str, str] = {}
    installer = _installer(files.get("INSTALLER"))
    if installer is not None:
        properties["lading:python:installer"] = installer
    requested: bool | None = None
    if "REQUESTED" in files:
        requested = True
    elif installer in _RECORDING_INSTALLERS:
        requested = False
    hashes: dict[str, str] = {}
    direct = _json_object(files.get("direct_url.json"))
    if direct is not None:
        properties.update(_direct_url(direct, hashes))
    tags = _wheel_tags(files.get("WHEEL"))
    if tags is not None:
        properties["lading:python:wheel-tag"] = tags
    return PythonOrigin(requested, hashes, properties)


def _installer(file: PackageFile | None) -> str | None:
    if file is None:
        return None
    word = file.content[:128].decode("utf-8", "replace").strip()
    return word if _WORD.fullmatch(word) else None


def _wheel_tags(file: PackageFile | None) -> str | None:
    if file is None:
        return None
    text = file.content[:65536].decode("utf-8", "replace")
    tags = [line[4:].strip() for line in text.splitlines() if line.startswith("Tag:")]
    joined = ",".join(tag for tag in tags[:16] if _WORD.fullmatch(tag))
    return joined or None


def _json_object(file: PackageFile | None) -> dict[str, Any] | None:
    if file is None or len(file.content) > _DIRECT_URL_BYTES:
        return None
    try:
        value = json.loads(file.content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _direct_url(direct: Mapping[str, Any], hashes: dict[str, str]) -> dict[str, str]:
    properties: dict[str, str] = {}
    url = _public_url(direct.get("url"))
    if url is not None:
        properties["lading:python:direct-url"] = url
    vcs = direct.get("vcs_info")
    if isinstance(vcs, dict):
        for key, name in (
            ("vcs", "vcs"),
            ("commit_id", "vcs-commit"),
            ("requested_revision", "vcs-requested-revision"),
        ):
            value = vcs.get(key)
            if isinstance(value, str) and 0 < len(value) <= 256 and value.isprintable():
                properties[f"lading:python:{name}"] = value
    directory = direct.get("dir_info")
    if isinstance(directory, dict):
        properties["lading:python:editable"] = str(directory.get("editable") is True).lower()
    archive = direct.get("archive_info")
    if isinstance(archive, dict):
        _archive_hashes(archive, hashes)
    return properties


def _archive_hashes(archive: Mapping[str, Any], hashes: dict[str, str]) -> None:
    declared = archive.get("hashes")
    pairs = list(declared.items()) if isinstance(declared, dict) else []
    single = archive.get("hash")  # the older spelling, "sha256=<hex>"
    if isinstance(single, str):
        algorithm, _, value = single.partition("=")
        pairs.append((algorithm, value))
    for algorithm, value in pairs[:16]:
        name = _ALGORITHMS.get(str(algorithm))
        if name and isinstance(value, str) and _HEX.fullmatch(value):
            hashes.setdefault(name, value)


def _public_url(url: object) -> str | None:
    """Return a URL without user name, password, query or fragment: they may hold secrets."""
    if not isinstance(url, str) or len(url) > 2048 or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    host = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, host + port, parts.path, "", "")) or None
