"""The signed list of a model's files: the predicate of OpenSSF Model Signing.

``https://model_signing/signature/v1.0`` as the reference implementation (model-signing 1.1)
writes and checks it: ``resources`` of name, algorithm and digest, sorted; ``serialization`` says
how they were listed; the statement's one subject has the model's name and the root digest. Other
fields of the predicate are for readers of their own: ``source`` is ours, and says where the
files are from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from lading.errors import VerificationError
from lading.hub.interface import IGNORED
from lading.root_digest import path_order, root_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Manifest", "Origin", "build_predicate", "parse_predicate"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MAX_TEXT: Final = 4096


@dataclass(frozen=True, slots=True)
class Origin:
    """What the signer says of where the files are from; everything may be unknown."""

    uri: str | None = None
    kind: str | None = None  # "model" or "dataset"
    repository: str | None = None
    commit: str | None = None
    tree: str | None = None
    license: str | None = None
    purl: str | None = None
    time: str | None = None  # when it was listed, ISO 8601 in UTC
    unread: tuple[str, ...] = ()  # digests taken from metadata, bytes not seen

    def to_json(self) -> dict[str, Any]:
        """Return the predicate's ``source``."""
        texts = {name: getattr(self, name) for name in _TEXTS}
        known = {name: value for name, value in texts.items() if value is not None}
        return {**known, "unread": list(self.unread)} if self.unread else known


_TEXTS: Final = tuple(one.name for one in fields(Origin) if one.name != "unread")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A signed list. ``files`` maps path → SHA-256 (hexadecimal); ``root`` is ``sha256:…``."""

    name: str
    files: Mapping[str, str]
    root: str
    ignored: tuple[str, ...] = IGNORED
    origin: Origin = Origin()


def build_predicate(files: Mapping[str, str], origin: Origin, *, links: bool) -> dict[str, Any]:
    """Return the predicate of (path → SHA-256) ``files``."""
    return {
        "serialization": {
            "method": "files",
            "hash_type": "sha256",
            "allow_symlinks": links,
            "ignore_paths": list(IGNORED),
        },
        "resources": [
            {"name": path, "algorithm": "sha256", "digest": files[path]}
            for path in sorted(files, key=path_order)
        ],
        "source": origin.to_json(),
    }


def parse_predicate(
    subjects: list[tuple[str, str | None]], predicate: Mapping[str, Any]
) -> Manifest:
    """Read a verified statement; ``subjects`` are (name, hexadecimal SHA-256).

    Steps: one subject; the method is by file with SHA-256; every resource is a plain path below
    the root, once; the resources give the subject's digest.

    Raises:
        VerificationError: ``oms``: it is no such list.
    """
    if len(subjects) != 1 or subjects[0][1] is None:
        raise _wrong("it has not one subject with a SHA-256", str(len(subjects)))
    name, sha256 = subjects[0]
    serialization = predicate.get("serialization")
    if not isinstance(serialization, dict):
        raise _wrong("it does not say how the files were listed")
    how = (serialization.get("method"), serialization.get("hash_type"))
    if how != ("files", "sha256"):
        raise _wrong("its files were listed in a way that is not read here", f"{how[0]}, {how[1]}")
    files = _resources(predicate.get("resources"))
    root = root_digest(files.items())
    if root != f"sha256:{sha256}":
        raise _wrong("its files do not give the digest of its subject", root)
    ignored = serialization.get("ignore_paths", [])
    return Manifest(name, files, root, _ignored(ignored), _origin(predicate.get("source")))


def _resources(value: object) -> dict[str, str]:
    if not isinstance(value, list) or not value:
        raise _wrong("it lists no files")
    files: dict[str, str] = {}
    for one in value:
        if not isinstance(one, dict):
            raise _wrong("it lists what is no file")
        name, digest = one.get("name"), one.get("digest")
        if one.get("algorithm") != "sha256" or not isinstance(digest, str):
            raise _wrong("it has a file without SHA-256", str(name)[:200])
        if not isinstance(name, str) or not _plain(name) or not _SHA256.fullmatch(digest):
            raise _wrong("it has a file without a plain name and digest", ascii(name)[:200])
        if name in files:
            raise _wrong("it lists a file twice", ascii(name)[:200])
        files[name] = digest
    return files


def _plain(name: str) -> bool:
    """Whether a path stays below the root: relative, no empty, ``.`` or ``..`` parts."""
    return len(name) <= _MAX_TEXT and not {"", ".", ".."} & set(name.split("/"))


def _ignored(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _wrong("what it ignores is no list of paths")
    return tuple(dict.fromkeys((*IGNORED, *(one.strip("/") for one in value if _plain(one)))))


def _origin(value: object) -> Origin:
    if not isinstance(value, dict):
        return Origin()
    texts = {
        name: value[name]
        for name in _TEXTS
        if isinstance(value.get(name), str) and 0 < len(value[name]) <= _MAX_TEXT
    }
    unread = value.get("unread")
    paths = tuple(one for one in unread if isinstance(one, str)) if isinstance(unread, list) else ()
    return Origin(**texts, unread=paths)


def _wrong(what: str, got: str | None = None) -> VerificationError:
    return VerificationError(f"the signed list of files is none: {what}", code="oms", got=got)
