"""Tars that somebody made to mislead, exhaust or crash a reader."""

from __future__ import annotations

import io
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.errors import InputError, LimitError
from lading.image import tar as tar_module
from lading.image.streams import CHUNK
from lading.image.tar import TarReader
from lading.limits import LIMITS, Limits
from support.image_tars import END, Seen, entry, header, pax, read, record

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (b"../../etc/shadow", "etc/shadow"),
        (b"/etc/shadow", "etc/shadow"),
        (b"//etc///shadow", "etc/shadow"),
        (b"a/../../../etc/./shadow", "etc/shadow"),
        (b"./.././a", "a"),
        (b"a/b/..", "a"),
        (b"...", "..."),
        (b"a/..b/.c", "a/..b/.c"),
        (b"C:\\windows", "C:\\windows"),
        (b"a\0../../b", "a"),
    ],
)
def test_no_path_leaves_the_root(name: bytes, wanted: str) -> None:
    assert [one.path for one in read(entry(name, b"1") + END)] == [wanted]
    if b"\0" not in name:
        assert [one.path for one in read(pax((b"path", name)) + entry(b"x", b"1") + END)] == [
            wanted
        ]


def test_hard_link_targets_stay_inside_and_symlinks_are_verbatim() -> None:
    content = (
        header(b"h", flag=b"1", link=b"../../etc/shadow")
        + header(b"s", flag=b"2", link=b"../../etc/shadow")
        + END
    )
    assert read(content) == [
        Seen("h", "hardlink", 0, "etc/shadow"),
        Seen("s", "symlink", 0, "../../etc/shadow"),
    ]


@pytest.mark.parametrize("name", [b"..", b"/", b"./", b"a/.."])
@pytest.mark.parametrize("flag", [b"0", b"2", b"1", b"3"])
def test_nothing_replaces_the_root(name: bytes, flag: bytes) -> None:
    with pytest.raises(InputError, match="in place of its root"):
        read(header(name, flag=flag, link=b"/tmp") + END)


@pytest.mark.parametrize(
    "size",
    [
        b"\xff" * 12,  # base-256: -1
        b"\xc0" + bytes(11),
        b"-0000000001\0",
        b"+0000000001\0",
        b"0x000000001\0",
        b"00000000_01\0",
        b"00000000009\0",
        b"000 0000001\0",
        "\uff10\uff10\uff10\uff11".encode(),  # digits, but not in ASCII
    ],
)
def test_sizes_that_are_no_size(size: bytes) -> None:
    with pytest.raises(InputError, match="size"):
        read(header(b"a", size=size) + END)


@pytest.mark.parametrize(
    "size", [b"            ", bytes(12), b"0\0" + b"7" * 10, b" 0 \0\0\0\0\0\0\0\0\0"]
)
def test_empty_and_blank_sizes_are_zero(size: bytes) -> None:
    assert read(header(b"a", size=size) + END) == [Seen("a", "file")]


@pytest.mark.parametrize(
    "size", [b"\x80" + b"\xff" * 11, (0x80 << 88 | 1 << 62).to_bytes(12, "big")]
)
def test_huge_sizes_are_refused(size: bytes) -> None:
    with pytest.raises(LimitError, match="too large"):
        read(header(b"a", size=size) + END)
    with pytest.raises(LimitError, match="too large"):
        read(pax((b"size", b"9" * 19)) + header(b"a") + END)


def test_a_large_declared_size_allocates_nothing() -> None:
    content = header(b"a", size=(0x80 << 88 | LIMITS.decompressed_layer).to_bytes(12, "big"))
    tracemalloc.start()
    try:
        for one in TarReader(io.BytesIO(content + b"some"), where="t"):
            with pytest.raises(InputError, match="ends in the middle"):
                one.read()
            break
        assert tracemalloc.get_traced_memory()[1] < 8 * CHUNK
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("number", [b"", b"-1", b"1_0", b"1e3", b"0x10", b"9" * 40, "٣".encode()])
def test_pax_sizes_that_are_no_number(number: bytes) -> None:
    content = pax((b"size", number)) + entry(b"a", b"1") + END
    if number:
        with pytest.raises(InputError, match="size"):
            read(content)
    else:
        assert read(content)[0].size == 1


@pytest.mark.parametrize(
    "content",
    [
        b"99 path=x\n",
        b"9 path=x",
        b"9 path=xy",
        b"0 path=x\n",
        b"-9 path=x\n",
        b"path=x\n",
        b" 9 path=x\n",
        b"4 =\n",
        b"7 path\n",
        b"9999999999999999999999 path=x\n",
        b"9 path=x\n3 \n",
        b"\0" * 20,
        record(b"path", b"x") + b"\0" * 10,
        record(b"path", b"x") + b"99",
        record(b"", b"value"),
    ],
)
def test_damaged_pax_headers(content: bytes) -> None:
    for flag in (b"x", b"g"):
        with pytest.raises(InputError, match="pax header"):
            read(entry(b"PaxHeader", content, flag=flag) + entry(b"a", b"1") + END)


def test_an_older_size_is_not_that_of_an_empty_record() -> None:
    content = pax((b"size", b"9"), (b"size", b"")) + entry(b"a", b"1") + END
    assert [one.size for one in read(content)] == [1]


@pytest.mark.parametrize("flag", [b"L", b"x"])
def test_a_global_header_ends_what_was_said_before_it(flag: bytes) -> None:
    """Go gives it as an entry of its own, so the names before it are about that."""
    told = entry(b"@", b"doc.py\0", flag=flag) if flag == b"L" else pax((b"path", b"doc.py"))
    comment = entry(b"pax_global_header", record(b"comment", b"x"), flag=b"g")
    assert [one.path for one in read(told + comment + entry(b"m.pkl", b"1") + END)] == ["m.pkl"]


@pytest.mark.parametrize(
    ("magic", "prefix", "trailer", "wanted"),
    [
        (b"ustar\x0000", b"p" * 155, b"", "p" * 155 + "/a"),
        (b"ustar\x00zz", b"pre", b"", "pre/a"),
        (b"ustar\x0000", b"p" * 131 + b"0" * 24, b"tar\0", "p" * 131 + "/a"),
        (b"", b"pre", b"", "a"),
        (b"ustar  \0", b"pre", b"", "pre/a"),
        (b"ustar  \0", "pré".encode(), b"", "a"),
        (b"ustar  \0", b"00000000001\x0000000000001\0", b"", "a"),
        (b"ustar  \0", b"00000000001\x0000000000009\0", b"", "00000000001/a"),
        (b"ustar  \0", b"\x80" + b"\0" * 10 + b"\x01", b"", "a"),
        (b"ustar  \0", b"\xff" * 12, b"", "a"),
        (b"ustar  \0", b"\x80" + b"\x01" * 11, b"", "a"),
    ],
)
def test_prefixes_are_those_of_the_headers_format(
    magic: bytes, prefix: bytes, trailer: bytes, wanted: str
) -> None:
    block = header(b"a", magic=magic, prefix=prefix, rest={508: trailer} if trailer else {})
    assert [one.path for one in read(block + END)] == [wanted]


@pytest.mark.parametrize("key", [b"path", b"linkpath", b"GNU.sparse.name"])
def test_nuls_in_pax_paths(key: bytes) -> None:
    with pytest.raises(InputError, match="NUL"):
        read(pax((key, b"good\0evil")) + entry(b"a", b"1") + END)


@pytest.mark.parametrize("flag", [b"x", b"g", b"L", b"K"])
def test_extended_headers_are_bounded(flag: bytes) -> None:
    with pytest.raises(LimitError, match="extended tar header"):
        read(header(b"a", size=LIMITS.tar_pax_header + 1, flag=flag) + END)


def test_long_paths_are_refused() -> None:
    long = b"a/" * LIMITS.tar_path_length
    for content in (
        pax((b"path", long)) + entry(b"x", b"1"),
        entry(b"L", long + b"\0", flag=b"L") + entry(b"x", b"1"),
        pax((b"linkpath", long)) + header(b"x", flag=b"1"),
        pax((b"linkpath", long)) + header(b"x", flag=b"2"),
    ):
        with pytest.raises(LimitError, match="path"):
            read(content + END)


def test_extended_headers_without_an_entry() -> None:
    with pytest.raises(InputError, match="ends in the middle"):
        read(pax((b"path", b"x")) + END)


def test_a_stream_of_extended_headers_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_module, "LIMITS", Limits(tar_entries=1000))
    with pytest.raises(LimitError, match="too many entries"):
        read(pax((b"path", b"x")) * 1001)


def test_too_many_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_module, "LIMITS", Limits(tar_entries=3))
    assert len(read(header(b"a") * 2 + END)) == 2
    with pytest.raises(LimitError, match="too many entries"):
        read(header(b"a") * 4 + END)


@pytest.mark.parametrize(
    "checksum", [b"0000000\0", b"7777777\0", b"garbage!", b"\xff" * 8, b"00000_0\0", b"-000001\0"]
)
def test_wrong_checksums(checksum: bytes) -> None:
    with pytest.raises(InputError, match="checksum"):
        read(header(b"a", checksum=checksum) + END)


def test_checksums_of_signed_bytes_are_accepted() -> None:
    block = bytearray(header(b"caf\xe9"))
    signed = sum(byte - 256 if byte > 127 else byte for byte in block[:148] + block[156:]) + 8 * 32
    block[148:156] = b"%06o\0 " % signed
    assert read(bytes(block) + END)[0].kind == "file"


def test_any_flipped_bit_of_a_header_is_noticed() -> None:
    block = header(b"some/file", size=0)
    for at in range(512):
        damaged = bytearray(block)
        damaged[at] ^= 1 << (at % 8)
        try:
            found = read(bytes(damaged) + END)
        except InputError:
            continue
        # only the blanks and leading zeros of the checksum field itself may differ
        assert 148 <= at < 156
        assert found == [Seen("some/file", "file")]


def test_zeros_between_entries_are_refused() -> None:
    """Where one reader stops and another goes on, things could be hidden."""
    with pytest.raises(InputError, match="block of zeros"):
        read(entry(b"a", b"1") + bytes(512) + entry(b"hidden", b"2") + END)


@pytest.mark.parametrize("size", range(1, 2600, 97))
def test_truncation_is_never_taken_for_the_end(size: int) -> None:
    whole = pax((b"path", b"p")) + entry(b"a", b"x" * 700)
    cut = whole[:size]
    if size >= len(whole) - (-700 % 512):
        assert read(cut)[0].size == 700
        return
    with pytest.raises(InputError, match="ends in the middle"):
        read(cut)


def _many(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield header(b"d%d/f%d" % (number // 1000, number))
    yield END


class _Generated(io.RawIOBase):
    """A stream of tiny entries that is never in memory as a whole."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._pieces = _many(count)
        self._rest = b""

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = b"".join(piece for _, piece in zip(range(128), self._pieces, strict=False))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def test_many_tiny_entries_take_no_memory() -> None:
    tracemalloc.start()
    try:
        count = sum(1 for _ in TarReader(_Generated(5_000), where="t"))
        assert count == 5_000
        assert tracemalloc.get_traced_memory()[1] < 4 * CHUNK
    finally:
        tracemalloc.stop()


_fields = st.fixed_dictionaries(
    {},
    optional={
        "size": st.one_of(st.integers(0, 5000), st.binary(min_size=12, max_size=12)),
        "flag": st.binary(min_size=1, max_size=1)
        | st.sampled_from([bytes([c]) for c in b"0125xgLKS7"]),
        "link": st.binary(max_size=30),
        "mode": st.binary(min_size=8, max_size=8),
        "magic": st.sampled_from([b"ustar\x0000", b"ustar  \0", bytes(8), b"ustar\0\0\0"]),
        "prefix": st.binary(max_size=155),
        "rest": st.dictionaries(st.integers(0, 480), st.binary(max_size=20), max_size=3),
    },
)
_blocks = st.one_of(
    st.builds(lambda name, fields: header(name, **fields), st.binary(max_size=30), _fields),
    st.builds(
        lambda content, fields: entry(b"e", content, **fields), st.binary(max_size=2000), _fields
    ),
    st.builds(
        lambda items: pax(*items),
        st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        b"path",
                        b"size",
                        b"linkpath",
                        b"GNU.sparse.map",
                        b"GNU.sparse.major",
                        b"GNU.sparse.minor",
                        b"GNU.sparse.size",
                        b"GNU.sparse.offset",
                        b"GNU.sparse.numbytes",
                        b"GNU.sparse.name",
                        b"other",
                    ]
                ),
                st.binary(max_size=12) | st.from_regex(rb"\A[0-9,]{0,12}\Z"),
            ),
            max_size=5,
        ),
    ),
    st.binary(max_size=1500),
    st.just(END),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_blocks, max_size=6).map(b"".join))
def test_whatever_comes_is_entries_or_an_error(content: bytes) -> None:
    """No traceback, no path outside the root, no more bytes than a size says."""
    try:
        for one in TarReader(io.BytesIO(content), where="t", overlay_devices=True):
            assert not one.path.startswith("/")
            assert ".." not in one.path.split("/")
            assert "" not in one.path.split("/") or not one.path
            assert one.size >= 0
            head = one.peek(100)
            whole = one.read() if one.size < 1_000_000 else one.read(1_000_000)
            assert whole.startswith(head)
            assert len(whole) == min(one.size, 1_000_000)
    except InputError:
        pass
