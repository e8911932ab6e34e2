"""Hostile text into valid Unicode, IRIs and purls that every CycloneDX reader takes.

CycloneDX is JSON or XML, both Unicode; paths and metadata of an image are bytes of unknown
encoding. What cannot be carried is escaped with a backslash, never dropped.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from lading.limits import LIMITS

__all__ = ["as_text", "cut", "iri", "label", "location", "path_iri", "prose", "purl"]

# Lone surrogates (undecodable bytes), controls other than tab and line feed, and the two
# non-characters that XML 1.0 forbids.
_UNCARRIABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_UNCARRIABLE_IN_PATH = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\\\\]")
_SPACES = re.compile(r"\s+")
_URL = re.compile(
    r"(?:https?|git|git\+https|git\+ssh|ssh|ftps?)://"
    r"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+@)?[A-Za-z0-9._~-]+(?::[0-9]{1,5})?(?:[/?#].*)?",
    re.DOTALL,
)
_PURL = re.compile(r"pkg:[a-z][a-z0-9.+-]*/[^\s/?#@][^\s]*")
_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if character == "\\":
        return "\\\\"
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # PEP 383: an undecodable byte
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def cut(text: str, length: int = LIMITS.bom_text) -> str:
    """Return at most ``length`` characters of ``text``; an ellipsis ends what was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def prose(text: str) -> str:
    """Return a text of several lines: controls escaped, line ends as line feeds, bounded."""
    text = cut(text)
    if text.isascii() and text.isprintable():
        return text
    return _UNCARRIABLE.sub(_escape, text.replace("\r\n", "\n").replace("\r", "\n"))


def label(text: str) -> str:
    """Return a text of one line: as :func:`prose`, with runs of white space as one blank."""
    return _SPACES.sub(" ", prose(text)).strip()


def location(path: str) -> str:
    r"""Return an image path as a location: leading slash, escaped so that no two paths collide.

    An undecodable byte becomes ``\xNN``, a control character ``\xNN`` or ``\uNNNN``, a backslash
    ``\\``.
    """
    return "/" + _UNCARRIABLE_IN_PATH.sub(_escape, path)


def path_iri(path: str) -> str:
    """Return an image path as a relative IRI reference, its bytes percent-encoded."""
    return "/" + quote(path.encode("utf-8", "surrogatepass" if _wide(path) else "surrogateescape"))


def _wide(path: str) -> bool:
    """Say whether a path has surrogates that stand for no byte (so it came from JSON, not tar)."""
    return any(
        "\ud800" <= character < "\udc80" or "\udd00" <= character <= "\udfff" for character in path
    )


def iri(text: str) -> str | None:
    """Return ``text`` as an absolute IRI, percent-encoded where needed; None when it is none."""
    text = text.strip()
    if len(text) > LIMITS.bom_text or not _URL.fullmatch(text):
        return None
    encoded = quote(text.encode("utf-8", "surrogatepass"), safe="!#$%&'()*+,/:;=?@~-._")
    scheme, _, rest = _PERCENT.sub("%25", encoded).partition("#")
    return scheme + ("#" + rest.replace("#", "%23") if rest else "")


def purl(text: str | None) -> str | None:
    """Return ``text`` when it has a package URL's form, else None.

    See https://github.com/package-url/purl-spec; the parts are taken as the reader wrote them.
    """
    if text is None or len(text) > LIMITS.bom_text or not text.isascii() or not text.isprintable():
        return None
    return text if _PURL.fullmatch(text) else None


def as_text(value: Any) -> str | None:
    """Return a fact's value as a property's text: strings bare, all else as compact JSON.

    ``None``, and what is empty, is no text: None.
    """
    if value is None or value in ("", [], {}, ()):
        return None
    if isinstance(value, str):
        return prose(value) or None
    try:
        return prose(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
    except (TypeError, ValueError, RecursionError):  # mixed keys, foreign types, no bottom
        return prose(repr(type(value)))
