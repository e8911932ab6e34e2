"""Writes the LZ4 frames beside it with the reference library, and with its program.

    python -m venv V && V/bin/pip install lz4==4.4.5 && V/bin/python generate.py

It needs the program ``lz4``, too: of version 1.9.4, from Debian. ``dictionary.lz4`` is written with
a dictionary that is not kept.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lz4.frame
from content import CONTENTS, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
SMALL = {"block_size": lz4.frame.BLOCKSIZE_MAX64KB, "compression_level": 6}
LARGE = {"block_size": lz4.frame.BLOCKSIZE_MAX4MB, "compression_level": 6}
#: Name → options of the library.
OPTIONS: dict[str, dict[str, Any]] = {
    "linked.lz4": {**SMALL, "block_linked": True, "store_size": False},
    "independent.lz4": {**SMALL, "block_linked": False},
    "sums.lz4": {**SMALL, "block_checksum": True, "content_checksum": True},
    "high.lz4": {**SMALL, "compression_level": 12},
    "fast.lz4": {**SMALL, "compression_level": -9},
    "large-blocks.lz4": {**LARGE, "content_checksum": True},
    "stored.lz4": {"content_checksum": True},
    "stored-and-linked.lz4": {**SMALL, "block_linked": True},
    "empty.lz4": {"content_checksum": True},
}


def program(options: Iterable[str], content: bytes) -> bytes:
    """Return what the program makes of bytes."""
    command = ["lz4", "-z", "-c", *options]
    return subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True).stdout


def main() -> None:
    """Write all."""
    for name, options in OPTIONS.items():
        (HERE / name).write_bytes(lz4.frame.compress(CONTENTS[name], **options))
    both = [lz4.frame.compress(TEXT[at : at + 1_000]) for at in (0, 1_000)]
    (HERE / "two.lz4").write_bytes(b"".join(both))
    (HERE / "program.lz4").write_bytes(program(["-9"], TEXT))
    (HERE / "legacy.lz4").write_bytes(program(["-l", "-9"], TEXT))
    with tempfile.NamedTemporaryFile() as dictionary:
        dictionary.write(TEXT[:8_000])
        dictionary.flush()
        packed = program(["-D", dictionary.name], TEXT[:4_000])
    (HERE / "dictionary.lz4").write_bytes(packed)


if __name__ == "__main__":
    sys.exit(main())
