"""Errors that carry facts.

::

    FactsError              what, where, got, wanted, hint (root of the product's errors too)
    └── OciError            anything that went wrong between us and a registry or an OCI layout
        ├── ReferenceInvalid a name that is not an OCI reference
        ├── TransportError  no answer: connection refused, TLS, timeout, broken stream
        │   └── BrokenStream    a connection that was cut; repeating the request may help
        ├── ResponseError   an answer that is not a success (carries method, URL, status, code)
        │   ├── NotFound        404 for what was asked
        │   ├── Unauthorized    401 or 403 after authentication was tried
        │   └── RateLimited     429 that outlived its retries
        ├── IntegrityError  bytes whose digest or size is not what their descriptor says
        ├── LimitExceeded   something from outside is larger than its bound
        ├── MalformedError  an answer or file that does not parse as what it claims to be
        └── ConflictError   a referrers tag that others kept overwriting
"""

from __future__ import annotations

__all__ = [
    "BrokenStream",
    "ConflictError",
    "FactsError",
    "IntegrityError",
    "LimitExceeded",
    "MalformedError",
    "NotFound",
    "OciError",
    "RateLimited",
    "ReferenceInvalid",
    "ResponseError",
    "TransportError",
    "Unauthorized",
]


class FactsError(Exception):
    """An error made of facts, so that a person can act on it and a program can read it.

    Attributes:
        what: one sentence: what could not be done.
        where: the file, URL (credentials removed) or reference it happened at.
        got: what was found.
        wanted: what was expected instead.
        hint: what to do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        got: str | None = None,
        wanted: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.got = got
        self.wanted = wanted
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.what]
        for label, value in (("at", self.where), ("got", self.got), ("wanted", self.wanted)):
            if value:
                parts.append(f"{label} {value}")
        return "; ".join(parts)


class OciError(FactsError):
    """Anything that went wrong between us and a registry or an OCI layout."""


class ReferenceInvalid(OciError):
    """A name that is not an OCI reference (distribution/reference grammar)."""


class TransportError(OciError):
    """No usable answer: connection refused, TLS failure, timeout, broken stream."""


class BrokenStream(TransportError):
    """A connection that was cut or fell silent; repeating the request may help."""


class ResponseError(OciError):
    """An answer that is not a success."""

    def __init__(
        self,
        what: str,
        *,
        status: int,
        code: str | None = None,
        where: str | None = None,
        got: str | None = None,
        wanted: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what, where=where, got=got, wanted=wanted, hint=hint)
        self.status = status
        self.code = code


class NotFound(ResponseError):
    """The registry or layout does not have what was asked for."""


class Unauthorized(ResponseError):
    """The registry refused the credentials, or wants some."""


class RateLimited(ResponseError):
    """Too many requests, even after waiting as told."""


class IntegrityError(OciError):
    """Bytes whose digest or size is not what their descriptor says."""


class LimitExceeded(OciError):
    """Something from outside is larger than its bound."""


class MalformedError(OciError):
    """An answer or a file that does not parse as what it claims to be."""


class ConflictError(OciError):
    """A referrers tag that other writers kept overwriting."""
