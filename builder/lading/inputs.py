"""Files that the user names: read whole, within a bound, or an error that names them."""

from __future__ import annotations

from pathlib import Path

from lading.errors import InputError, LimitError

__all__ = ["read_input"]


def read_input(path: Path | str, what: str, limit: int, *, hint: str | None = None) -> bytes:
    """Return a file's content.

    Args:
        path: the file.
        what: what it is meant to be, as errors call it: "the policy".
        limit: bytes that it may have.
        hint: what to do with a larger one.

    Raises:
        InputError: it cannot be read.
        LimitError: it is larger.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"{what} cannot be read", where=str(path), got=error.strerror) from error
    if len(content) > limit:
        wanted = f"at most {limit:,} bytes"
        raise LimitError(f"{what} is too large", where=str(path), wanted=wanted, hint=hint)
    return content
