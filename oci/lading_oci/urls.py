"""What this client needs of URLs: origins, loopback, and texts without secrets."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from lading_oci.errors import MalformedError

__all__ = ["Origin", "is_loopback", "join", "origin_of", "redact", "target_of"]

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port: what credentials belong to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """``host[:port]``, IPv6 in brackets, the default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def origin_of(url: str) -> Origin:
    """Return the origin of an absolute http(s) URL.

    Raises:
        MalformedError: it is no such URL.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in _PORTS or not host:
        raise MalformedError("this is not an http or https URL", got=redact(url))
    return Origin(scheme, host.lower(), _PORTS[scheme] if port is None else port)


def target_of(url: str) -> str:
    """Return what stands in the request line: path and query, non-ASCII refused.

    Raises:
        MalformedError: the URL holds characters that a request line cannot.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii() or any(ord(character) <= 0x20 for character in target):
        raise MalformedError("a URL has characters that must be escaped", got=redact(url))
    return target


def join(base: str, location: str) -> str:
    """Resolve a ``Location`` or ``Link`` against the URL that was asked for."""
    try:
        return urljoin(base, location)
    except ValueError:
        raise MalformedError("an answer points to no URL", where=redact(base)) from None


def redact(url: str) -> str:
    """Return the URL without user information, query and fragment: those can hold secrets."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(unreadable URL)"
    text = f"{parts.scheme}://{host}{parts.path}" if parts.scheme else parts.path
    shown = "".join(c if c.isprintable() else "?" for c in text[:500])
    return f"{shown}?…" if parts.query else shown


def is_loopback(host: str) -> bool:
    """Say whether a host name (no port, no brackets) can only mean this machine."""
    host = host.lower().rstrip(".")
    if host in {"localhost", "::1"} or host.endswith(".localhost"):
        return True
    numbers = host.split(".")
    return (
        len(numbers) == 4  # an IPv4 address has four parts
        and numbers[0] == "127"
        and all(part.isdecimal() and part.isascii() and int(part) < 256 for part in numbers)
    )
