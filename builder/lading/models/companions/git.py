"""What a Git checkout says about where it came from and which commit it is.

gitrepository-layout(5): ``HEAD``, ``refs/heads/…``, ``packed-refs``, ``config``. A URL may hold a
password, so only the repository's name on the Hugging Face Hub is taken from it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.inventory import Role
from lading.limits import LIMITS
from lading.models import vocabulary as v

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["CHECKOUT", "PLACE", "parse"]

#: The kind of these files.
CHECKOUT: Final = "git"
#: Paths of the files that are read: a checkout's directory and the file's name in ``.git``.
PLACE: Final = re.compile(r"((?:.*/)?)\.git/(HEAD|config|packed-refs|refs/heads/.{1,200})\Z")

_HUB: Final = re.compile(
    r"(?:https?://|ssh://|git@)(?:[^/\s@]{1,500}@)?(?:www\.)?(?:huggingface\.co|hf\.co)[:/]"
    r"/?(?!datasets/|spaces/)([\w.-]{1,96}/[\w.-]{1,96}?)(?:\.git)?/?\Z"
)
_ORIGIN: Final = re.compile(r'\[remote "origin"\]([^\[]*)')
_URL: Final = re.compile(r"^\s*url\s*=\s*(\S+)\s*$", re.MULTILINE)
_SYMBOLIC: Final = re.compile(r"ref: (refs/heads/\S{1,200})\s*\Z")
_COMMIT: Final = re.compile(r"([0-9a-f]{40})\s*\Z")
_PACKED: Final = re.compile(r"^([0-9a-f]{40}) (refs/heads/\S{1,200})$", re.MULTILINE)


def parse(source: Source, report: Report) -> bool:
    """Note the repository, or what references point to; False when there is nothing to note."""
    place = PLACE.match(report.path)
    if place is None:
        return False
    report.role = Role.OTHER
    report.fact(v.KIND, CHECKOUT, "")
    text = source.read(LIMITS.companion_text).decode("utf-8", "replace")
    if place[2] == "config":
        return _config(text, report)
    if place[2] == "packed-refs":
        refs = [[name, commit] for commit, name in _PACKED.findall(text)]
    else:
        found = _COMMIT.match(text) or _SYMBOLIC.match(text)
        refs = [[place[2], found[1]]] if found else []
    report.fact(v.REFS, refs, "")
    return bool(refs)


def _config(text: str, report: Report) -> bool:
    origin = _ORIGIN.search(text)
    url = _URL.search(origin[1]) if origin else None
    hub = _HUB.match(url[1]) if url else None
    report.fact(v.REPOSITORY, hub[1] if hub else None, 'remote "origin"')
    return hub is not None
