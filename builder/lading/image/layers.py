"""One layer's stream: decompressed, verified and scanned in a single pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from lading.errors import InputError
from lading.image.compression import decompressed
from lading.image.hashing import hashing
from lading.image.interface import EntryKind
from lading.image.tar import TarReader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from lading.image.interface import Done, Entry
    from lading.image.streams import Readable

__all__ = ["TAMPERED", "all_of", "collected", "looks_like_layer", "scan_layer"]

T = TypeVar("T")

_USTAR = slice(257, 262)
_COMPRESSED = (b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd")
TAMPERED = "the image is damaged or was tampered with: do not use it"


def looks_like_layer(entry: Entry) -> bool:
    """Say by its first bytes whether a file of a saved image is a layer rather than a document."""
    if entry.kind is not EntryKind.FILE:
        return False
    head = entry.peek(512)
    if head.startswith(_COMPRESSED):
        return True
    return len(head) == 512 and (head[_USTAR] == b"ustar" or not any(head))


def scan_layer(
    source: Readable,
    scan: Callable[[Iterator[Entry]], T],
    *,
    where: str,
    diff_id: str | None = None,
) -> T:
    """Return what ``scan`` makes of one layer's tar, compressed or not, read to its end.

    Args:
        source: the layer as it is stored; ``beside`` of it, if any, says how many are read at a
            time (:func:`lading.image.beside.two_at_once`).
        scan: gets the layer's entries; need not exhaust them.
        where: what to call the layer in errors.
        diff_id: what the uncompressed bytes must hash to; None trusts the source.

    Raises:
        InputError: damaged, or its bytes are not those of ``diff_id``.
    """
    plain = decompressed(source, where=where)
    if diff_id is None:
        return scan(iter(TarReader(plain, where=where)))
    with hashing(plain, getattr(source, "beside", 1)) as hashed:
        result = scan(iter(TarReader(hashed, where=where)))
        got = f"sha256:{hashed.hexdigest()}"
    if got != diff_id:
        raise InputError(
            "a layer's bytes are not what the image's configuration says",
            where=where,
            got=got,
            wanted=diff_id,
            hint=TAMPERED,
        )
    return result


def collected(found: Iterable[tuple[str, T]], done: Done[T]) -> dict[str, T]:
    """Return results by diff ID; ``done`` is told each as it comes."""
    results = {}
    for diff_id, result in found:
        results[diff_id] = result
        done(diff_id, result)
    return results


def all_of(results: dict[str, T], wanted: Collection[str], where: str) -> dict[str, T]:
    """Return ``results``, checked that no wanted layer was passed over.

    Raises:
        InputError: one was: its bytes are claimed to be another layer's.
    """
    missing = sorted(set(wanted) - results.keys())
    if missing:
        raise InputError("the image's layers contradict each other", where=where, wanted=missing[0])
    return results
