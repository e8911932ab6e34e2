"""Objects of R and of Torch in Lua are listed; what they hold is not known."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from typing import TYPE_CHECKING

import pytest

from lading.inventory import Verdict
from support.models_fixtures import evil_pickle
from support.models_streams import ids_of, look, seen

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize(
    ("name", "start"),
    [("m.rds", b"X\n\x00\x00\x00\x03"), ("M.RData", b"RDX3\nX\n"), ("m.rda", b"RDX2\nX\n"),
     ("m.rds", b"A\n3\n")],
)  # fmt: skip
def test_objects_of_r(pack: Callable[[bytes], bytes], name: str, start: bytes) -> None:
    file = seen(f"srv/{name}", pack(start + bytes(range(256)) * 40))
    assert (file.format, file.safety.verdict) == ("r-data", Verdict.UNSCANNABLE)
    assert look(f"usr/lib/R/library/stats/Meta/{name}", pack(start + bytes(99))) is None
    assert look(f"usr/local/lib/R/site-library/x/data/{name}", pack(start + bytes(99))) is None


def test_a_pickle_under_a_name_of_rs_is_one() -> None:
    assert seen("srv/m.rds", evil_pickle()).safety.verdict is Verdict.DANGEROUS
    assert seen("srv/m.rds", gzip.compress(evil_pickle())).safety.verdict is Verdict.DANGEROUS
    assert look("srv/m.rds", b"words of somebody") is None


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<iii", 4, 1, 3) + b"V 1" + struct.pack("<i", 13) + b"nn.Sequential",
        b"4\n1\n3\nV 1\n13\nnn.Sequential\n",
    ],
)
def test_objects_of_torch_in_lua(content: bytes) -> None:
    file = seen("m/model.t7", content)
    assert (file.format, ids_of(file)) == ("torch7", {"unscannable"})
    assert seen("m/model.t7", evil_pickle()).format == "pickle"
