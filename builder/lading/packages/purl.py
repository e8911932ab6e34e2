"""Package URLs (https://github.com/package-url/purl-spec) of what our own readers find."""

from __future__ import annotations

from urllib.parse import quote

__all__ = ["purl_type", "pypi_purl"]


def pypi_purl(name: str, version: str) -> str:
    """Return the purl of a Python distribution; ``name`` is already normalised."""
    return f"pkg:pypi/{_encode(name)}@{_encode(version)}"


def purl_type(purl: str) -> str | None:
    """Return the type of a purl, or None when it is not one."""
    if not purl.startswith("pkg:"):
        return None
    kind, slash, _ = purl[4:].lstrip("/").partition("/")
    return kind.lower() if slash and kind else None


def _encode(text: str) -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe=":")
