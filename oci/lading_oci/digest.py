"""Digests: ``algorithm:hex`` (OCI image-spec, descriptor.md, "Digests")."""

from __future__ import annotations

from lading_oci.errors import MalformedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib

__all__ = [
    "check_digest",
    "digest_of",
    "hasher",
    "is_digest",
    "is_referrers_tag",
    "referrers_tag",
]

#: The registered algorithms; an unregistered one cannot be verified, so it is refused.
_REGISTERED = {"sha256": 64, "sha384": 96, "sha512": 128}


def is_digest(text: object) -> bool:
    """Say whether ``text`` is a digest of an algorithm that can be verified."""
    if not isinstance(text, str):
        return False
    algorithm, _, encoded = text.partition(":")
    return len(encoded) == _REGISTERED.get(algorithm) and not encoded.strip("0123456789abcdef")


def check_digest(text: object, *, where: str | None = None) -> str:
    """Return ``text`` when it is a digest.

    Raises:
        MalformedError: it is not, or its algorithm is none of SHA-256, SHA-384 and SHA-512.
    """
    if not is_digest(text):
        raise MalformedError(
            "this is not a digest",
            where=where,
            got=repr(text)[:200],
            wanted="sha256:<64 hex digits>",
        )
    return str(text)


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """Return the digest of ``content``."""
    import hashlib  # loads OpenSSL: not for those who only read names

    return f"{algorithm}:{hashlib.new(algorithm, content, usedforsecurity=True).hexdigest()}"


def hasher(digest: str) -> hashlib._Hash:
    """Return a new hash object of the digest's algorithm."""
    import hashlib

    return hashlib.new(check_digest(digest).partition(":")[0])


def is_referrers_tag(tag: str) -> bool:
    """Say whether a tag is one of the referrers tag schema."""
    algorithm, _, encoded = tag.partition("-")
    return algorithm in _REGISTERED and is_digest(f"sha256:{encoded}")


def referrers_tag(digest: str) -> str:
    """Return the tag of the referrers tag schema (distribution-spec 1.1, "Referrers Tag Schema").

    The algorithm is cut at 32 characters and the encoded part at 64, as the schema says.
    """
    algorithm, _, encoded = check_digest(digest).partition(":")
    return f"{algorithm[:32]}-{encoded[:64]}"
