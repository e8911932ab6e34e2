"""Small files are hashed where they lie, and can still be read."""

from __future__ import annotations

import hashlib
import io
import random

import pytest

from lading.image.digested import digested
from lading.image.hashing import Hashing
from lading.image.streams import CHUNK
from lading.image.tar import TarReader
from support.image_tars import END, entry, pax

SIZES = [0, 1, 1984, 1985, 2048, 5000, 65_536, 65_537, 300_000, CHUNK - 600, CHUNK]


@pytest.mark.parametrize("lent", [False, True])
def test_wherever_a_file_lies_its_digest_is_that_of_its_bytes(lent: bool) -> None:
    files = {b"f%d" % size: random.Random(size).randbytes(size) for size in SIZES}
    tar = b"".join(entry(name, data) for name, data in files.items()) + END
    source = Hashing(io.BytesIO(tar)) if lent else io.BytesIO(tar)
    seen = 0
    for found in TarReader(source, where="x"):
        data = files[found.path.encode()]
        digest, still = digested(found)

        assert digest == hashlib.sha256(data).digest()
        assert (still.path, still.kind, still.size, still.mode) == (
            found.path,
            found.kind,
            found.size,
            found.mode,
        )
        assert still.peek(10) == data[:10]
        assert still.read() == data
        assert still.read() == b""
        seen += 1
    assert seen == len(files)


def test_holes_are_zeros() -> None:
    tar = pax((b"GNU.sparse.size", b"9"), (b"GNU.sparse.map", b"5,4")) + entry(b"f", b"data") + END
    for found in TarReader(io.BytesIO(tar), where="x"):
        digest, still = digested(found)
        assert digest == hashlib.sha256(bytes(5) + b"data").digest()
        assert still.read() == bytes(5) + b"data"
