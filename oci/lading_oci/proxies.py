"""HTTP proxies from the environment, the way curl and Go read it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lading_oci.urls import is_loopback

if TYPE_CHECKING:
    from lading_oci.urls import Origin

__all__ = ["proxy_for"]


def proxy_for(origin: Origin) -> str | None:
    """Return the proxy's URL for an origin, or None for a direct connection.

    Loopback hosts are never proxied. ``no_proxy`` holds host names (their subdomains included),
    ``host:port`` pairs, or ``*``.
    """
    if is_loopback(origin.host):
        return None
    url = _environment(f"{origin.scheme}_proxy") or _environment("all_proxy")
    if not url or _excluded(origin):
        return None
    return url if "://" in url else f"http://{url}"


def _environment(name: str) -> str:
    # Upper-case HTTP_PROXY can be set by a request header in CGI programs; this is not one.
    return os.environ.get(name) or os.environ.get(name.upper()) or ""


def _excluded(origin: Origin) -> bool:
    for entry in _environment("no_proxy").split(","):
        entry = entry.strip().lower()
        if entry == "*":
            return True
        host, colon, port = entry.rpartition(":")
        if colon and port.isdecimal() and "]" not in port:
            if port != str(origin.port):
                continue
            entry = host.strip("[]")
        entry = entry.removeprefix("*").removeprefix(".")
        if entry and (origin.host == entry or origin.host.endswith(f".{entry}")):
            return True
    return False
