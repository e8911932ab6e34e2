"""From an answer that is not a success to the error that explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lading_oci.errors import (
    NotFound,
    OciError,
    RateLimited,
    ResponseError,
    Unauthorized,
)
from lading_oci.limits import LIMITS
from lading_oci.records import record
from lading_oci.urls import redact

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Answer", "error_code", "failure"]


class _HeaderSource(Protocol):
    def header(self, name: str) -> str: ...
    def header_all(self, name: str) -> list[str]: ...


@record
class Answer:
    """A whole answer. ``url`` is where it came from, after redirects."""

    method: str
    url: str
    status: int
    body: bytes
    source: _HeaderSource

    def header(self, name: str) -> str:
        """Return a header's value, or the empty string."""
        return self.source.header(name)

    def header_all(self, name: str) -> list[str]:
        """Return all values of a header."""
        return self.source.header_all(name)


def _errors(body: bytes) -> list[tuple[str, str]]:
    """Return the (code, message) pairs of a distribution-spec error body; tolerant."""
    from lading_oci.jsontext import parse_object  # only when something failed

    try:
        entries = parse_object(body, limit=LIMITS.error_body).get("errors")
    except OciError:
        return []
    if not isinstance(entries, list):
        return []
    return [
        (_clean(entry.get("code")), _clean(entry.get("message")))
        for entry in entries[:5]
        if isinstance(entry, dict)
    ]


def _clean(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(c if c.isprintable() else " " for c in text[: LIMITS.error_text]).strip()


def error_code(answer: Answer) -> str | None:
    """Return the first error code of the body (``NAME_UNKNOWN``, …), if there is one."""
    for code, _ in _errors(answer.body):
        if code:
            return code
    return None


def failure(answer: Answer, what: str) -> ResponseError:
    """Return the error for an unsuccessful answer; ``what`` is the sentence that failed."""
    pairs = _errors(answer.body)
    code = pairs[0][0] or None if pairs else None
    said = "; ".join(": ".join(filter(None, pair)) for pair in pairs)
    where = f"{answer.method} {redact(answer.url)}"
    got = f"status {answer.status}" + (f" ({said})" if said else "")
    kinds: dict[int, tuple[Callable[..., ResponseError], str | None]] = {
        401: (Unauthorized, "run `docker login`, or set LADING_REGISTRY_USERNAME and _PASSWORD"),
        403: (Unauthorized, "these credentials may not do that here; ask for the permission"),
        404: (NotFound, "is the name right, and was it pushed?"),
        413: (ResponseError, "the registry takes nothing that large"),
        429: (RateLimited, "the registry limits the rate of requests; wait, or log in"),
    }
    kind, hint = kinds.get(answer.status, (ResponseError, None))
    if answer.status == 405 and "UNSUPPORTED" in (code or ""):
        hint = "this registry does not allow that (is it read-only?)"
    return kind(what, status=answer.status, code=code, where=where, got=got, hint=hint)
