"""What the frames beside this hold: text that repeats, and bytes that do not."""

from __future__ import annotations

import random

TEXT = b"".join(b"layer.%d.weight = %d\n" % (at * at % 61, at % 7) for at in range(9_000))
NOISE = random.Random(4).randbytes(3_000)
#: Name of the file → what it holds.
CONTENTS = {
    "linked.lz4": TEXT,
    "independent.lz4": TEXT,
    "sums.lz4": TEXT,
    "high.lz4": TEXT,
    "fast.lz4": TEXT[:20_000],
    "large-blocks.lz4": TEXT,
    "stored.lz4": NOISE,
    "stored-and-linked.lz4": TEXT[:30_000] + NOISE * 30 + TEXT[:30_000],
    "empty.lz4": b"",
    "program.lz4": TEXT,
    "legacy.lz4": TEXT,
    "two.lz4": TEXT[:1_000] + TEXT[1_000:2_000],
}
