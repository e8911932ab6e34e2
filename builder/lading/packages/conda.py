"""Conda's packages: each is a JSON record in an environment's ``conda-meta``.

``PrefixRecord`` of conda/conda, which mamba and pixi write, too. A record lists every file of its
package, with digests, and is as large as that: only what is of use here is kept of it. Channels may
have a password or token in their URL, of which nothing is kept but the channel's own name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from lading.inventory import Package, PackageFile
from lading.limits import LIMITS
from lading.packages.distributions import is_metadata
from lading.packages.rules import is_conda

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.packages.capture import File

__all__ = ["conda_installed", "record"]

_TEXT = 512
_DEPENDS = 2000
_KEPT = (
    "build", "channel", "fn", "license", "name", "requested_spec", "sha256", "subdir", "url",
    "version",
)  # fmt: skip
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NOBODY = ("", "None")  # who asked for what was pulled in
_ARCHIVES = (".conda", ".tar.bz2")


def record(file: File, layer: str | None) -> PackageFile:
    """Capture a record without its lists of files; with its size alone when it cannot be read."""
    content = file.read(file.size) if file.size <= LIMITS.package_file else b""
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        whole = None
    if not isinstance(whole, dict):
        return PackageFile(file.path, b"", layer, size=file.size)
    kept: dict[str, Any] = {
        key: whole[key][:_TEXT] for key in _KEPT if isinstance(whole.get(key), str)
    }
    if not kept.get("name") or not kept.get("version"):
        return PackageFile(file.path, b"", layer)  # not a package's
    kept["depends"] = [one[:_TEXT] for one in _texts(whole.get("depends"))][:_DEPENDS]
    kept["metadata"] = [one for one in _texts(whole.get("files")) if is_metadata(one)][:_DEPENDS]
    return PackageFile(file.path, json.dumps(kept, sort_keys=True).encode(), layer)


def conda_installed(
    files: Iterable[PackageFile],
) -> tuple[tuple[Package, ...], Mapping[str, str]]:
    """Return the packages of all environments among the captured files.

    And which of them, by its purl, installed which Python metadata file.
    """
    environments: dict[str, list[tuple[PackageFile, dict[str, Any]]]] = {}
    for file in files:
        if is_conda(file.path) and file.content:
            environment = file.path[: file.path.rindex("conda-meta/")]  # "" at the root
            environments.setdefault(environment, []).append((file, json.loads(file.content)))
    packages: list[Package] = []
    owners: dict[str, str] = {}
    for environment, records in environments.items():
        beside = {str(known["name"]): _purl(known) for _, known in records}
        for file, known in records:
            package = _package(file, known, beside)
            packages.append(package)
            owners.update((f"{environment}{path}", package.purl) for path in known["metadata"])
    return tuple(packages), owners


def _package(file: PackageFile, known: Mapping[str, Any], beside: Mapping[str, str]) -> Package:
    purl = _purl(known)
    # A match specification begins with the name: ``python >=3.11,<3.12.0a0``.
    wanted = {one.split()[0] for one in known["depends"] if one.strip()}
    requires = {beside[name] for name in wanted if name in beside} - {purl}
    asked = known.get("requested_spec")
    licence = known.get("license", "").strip()
    digest = known.get("sha256", "")
    return Package(
        purl=purl,
        name=known["name"],
        version=known["version"],
        type="conda",
        layer=file.layer,
        path=file.path,
        licenses=(licence,) if licence else (),
        hashes={"SHA-256": digest} if _SHA256.fullmatch(digest) else {},
        requires=tuple(sorted(requires)),
        requested=None if asked is None else asked not in _NOBODY,
    )


def _purl(known: Mapping[str, Any]) -> str:
    """Return the purl, with what the specification's type ``conda`` tells builds apart by."""
    archive = known.get("fn") or known.get("url", "")
    qualifiers = {
        "build": known.get("build"),
        "channel": _channel(known),
        "subdir": known.get("subdir"),
        "type": next((one[1:] for one in _ARCHIVES if archive.endswith(one)), None),
    }
    text = "&".join(f"{key}={_quoted(one)}" for key, one in qualifiers.items() if one)
    bare = f"pkg:conda/{_quoted(known['name'].lower())}@{_quoted(known['version'])}"
    return f"{bare}?{text}" if text else bare


def _channel(known: Mapping[str, Any]) -> str:
    """Return the last part of a channel's URL, which is its name."""
    try:
        path = urlsplit(known.get("channel", "")).path
    except ValueError:
        return ""
    parts = [part for part in path.split("/") if part]
    if len(parts) > 1 and parts[-1] == known.get("subdir"):
        del parts[-1]
    return parts[-1] if parts else ""


def _quoted(text: object) -> str:
    return quote(str(text).encode("utf-8", "surrogateescape"), safe=":")


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
