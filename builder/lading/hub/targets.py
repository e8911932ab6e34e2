"""Sources as people write them.

::

    dir:PATH   file:PATH
    git:URL_OR_PATH[@REVISION][//FOLDER]
    hf:ORG/NAME[@REVISION][//FOLDER]   hf-dataset:ORG/NAME[@REVISION][//FOLDER]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lading.errors import UsageError

__all__ = ["PREFIXES", "Target", "is_hub_name", "parse_target"]

PREFIXES = ("dir", "file", "git", "hf", "hf-dataset")

_HUB_NAME = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]{0,254}", re.ASCII)
_URL = re.compile(r"([a-z][a-z0-9+.-]*://[^/]*)(/.*)", re.IGNORECASE)
_CREDENTIALS = re.compile(r"^(https?://)[^/@]*@", re.IGNORECASE)
_SCP = re.compile(r"([\w.-]+@[\w.-]+:)(.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed source. ``place`` is a path, URL or Hub name; ``folder`` has no slash around it."""

    kind: str
    place: str
    revision: str | None = None
    folder: str = ""

    def __str__(self) -> str:
        """Return it as written, without credentials in a URL."""
        place = _CREDENTIALS.sub(r"\1", self.place)
        revision = f"@{self.revision}" if self.revision else ""
        return f"{self.kind}:{place}{revision}" + (f"//{self.folder}" if self.folder else "")


def is_hub_name(text: str) -> bool:
    """Whether ``text`` has the form of a repository's name on the Hub."""
    return _HUB_NAME.fullmatch(text) is not None


def parse_target(text: str) -> Target:
    """Parse a source.

    Raises:
        UsageError: it is none.
    """
    kind, colon, rest = text.partition(":")
    if not colon or kind not in PREFIXES or not rest or "\0" in rest:
        raise _wrong(text, "dir:PATH, file:PATH, git:URL, hf:ORG/NAME or hf-dataset:ORG/NAME")
    if kind in ("dir", "file"):
        return Target(kind, rest)
    head, rest = _head(rest) if kind == "git" else ("", rest)
    rest, _, folder = rest.partition("//")
    place, revision = _revision(head, rest, local=kind == "git" and not head)
    if kind != "git" and not is_hub_name(place):
        raise _wrong(text, f"{kind}:ORG/NAME[@REVISION][//FOLDER]")
    if revision is not None and not _REVISION.fullmatch(revision):
        raise _wrong(text, "a revision of letters, digits and . _ / + -")
    return Target(kind, head + place, revision, _folder(folder, text))


def _head(place: str) -> tuple[str, str]:
    """Split off what may hold ``@`` or ``//`` and is neither revision nor folder."""
    found = _URL.fullmatch(place) or _SCP.fullmatch(place)
    return (found[1], found[2]) if found else ("", place)


def _revision(head: str, place: str, *, local: bool) -> tuple[str, str | None]:
    if local and Path(place).exists():  # a directory may have an @ in its name
        return place, None
    name, at, revision = place.partition("@") if head or not local else place.rpartition("@")
    return (name, revision) if at and name else (place, None)


def _folder(folder: str, text: str) -> str:
    parts = [part for part in folder.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise _wrong(text, "a folder inside the repository")
    return "/".join(parts)


def _wrong(text: str, wanted: str) -> UsageError:
    return UsageError("This is no source of a model or data set", got=text[:300], wanted=wanted)
