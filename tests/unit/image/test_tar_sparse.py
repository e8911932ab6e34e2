"""GNU sparse files, in the four ways that GNU tar has written them, and lies about them."""

from __future__ import annotations

import io
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from lading.errors import InputError, LimitError
from lading.image import tar_sparse
from lading.image.tar import TarReader
from lading.limits import Limits
from support.image_tars import END, Slow, entry, header, pax, pieces, read

if TYPE_CHECKING:
    from pathlib import Path

_MAP = [(10, 5), (1000, 3), (2000, 0)]
_STORED = b"helloabc"
_WHOLE = bytes(10) + b"hello" + bytes(985) + b"abc" + bytes(997)


def _field(number: int) -> bytes:
    return b"%011o\0" % number


def _old(
    fragments: list[tuple[int, int]], size: int, stored: bytes, *, more: bool = False
) -> bytes:
    slots = b"".join(_field(at) + _field(length) for at, length in fragments[:4])
    rest = {386: slots, 483: _field(size), 482: b"\x01" if fragments[4:] or more else b"\0"}
    found = header(b"s", size=len(stored), flag=b"S", magic=b"ustar  \0", rest=rest)
    following = fragments[4:]
    while following:
        block = b"".join(_field(at) + _field(length) for at, length in following[:21])
        following = following[21:]
        found += block.ljust(504, b"\0") + (b"\x01" if following else b"\0") + bytes(7)
    return found + stored + bytes(-len(stored) % 512)


def _pax_0_0() -> bytes:
    pairs = [(b"GNU.sparse.size", b"2000"), (b"GNU.sparse.numblocks", b"3")]
    for at, length in _MAP:
        pairs += [(b"GNU.sparse.offset", b"%d" % at), (b"GNU.sparse.numbytes", b"%d" % length)]
    return pax(*pairs) + entry(b"s", _STORED)


def _pax_0_1() -> bytes:
    return pax(
        (b"GNU.sparse.size", b"2000"),
        (b"GNU.sparse.name", b"s"),
        (b"GNU.sparse.map", b",".join(b"%d,%d" % pair for pair in _MAP)),
    ) + entry(b"GNUSparseFile.1/s", _STORED)


def _pax_1_0(map_: bytes = b"3\n10\n5\n1000\n3\n2000\n0\n", size: bytes = b"2000") -> bytes:
    padded = map_ + bytes(-len(map_) % 512)
    return pax(
        (b"GNU.sparse.major", b"1"),
        (b"GNU.sparse.minor", b"0"),
        (b"GNU.sparse.name", b"s"),
        (b"GNU.sparse.realsize", size),
    ) + entry(b"GNUSparseFile.1/s", padded + _STORED)


_VERSIONS = {
    "old": _old(_MAP, 2000, _STORED),
    "0.0": _pax_0_0(),
    "0.1": _pax_0_1(),
    "1.0": _pax_1_0(),
}


@pytest.mark.parametrize("version", _VERSIONS)
def test_every_version(version: str) -> None:
    content = _VERSIONS[version] + entry(b"after", b"!") + END
    found = read(Slow(content, 300))
    assert [(one.path, one.size, one.content) for one in found] == [
        ("s", 2000, _WHOLE),
        ("after", 1, b"!"),
    ]


@pytest.mark.parametrize("version", _VERSIONS)
def test_peek_and_small_reads(version: str) -> None:
    for one in TarReader(io.BytesIO(_VERSIONS[version] + END), where="t"):
        assert one.peek(20) == _WHOLE[:20]
        assert one.peek(4096) == _WHOLE
        assert b"".join(pieces(one, 7)) == _WHOLE


def test_the_rest_of_an_unread_sparse_file_is_passed_over() -> None:
    for version in _VERSIONS.values():
        assert [
            one.path for one in TarReader(io.BytesIO(version + entry(b"b") + END), where="t")
        ] == [
            "s",
            "b",
        ]


def test_an_old_sparse_file_with_many_fragments() -> None:
    fragments = [(at * 10, 1) for at in range(60)]
    (found,) = read(_old(fragments, 600, b"x" * 60) + END)
    assert found.content == (b"x" + bytes(9)) * 60


def test_an_unread_hole_is_not_readable_later() -> None:
    entries = iter(TarReader(io.BytesIO(_VERSIONS["old"] + entry(b"b") + END), where="t"))
    first = next(entries)
    next(entries)
    with pytest.raises(ValueError, match="until the next"):
        first.read()


@pytest.mark.skipif(shutil.which("tar") is None, reason="no GNU tar here")
@pytest.mark.parametrize(
    "options",
    [["--format=gnu"], ["--format=pax", "--sparse-version=0.0"],
     ["--format=pax", "--sparse-version=0.1"], ["--format=pax", "--sparse-version=1.0"]],
)  # fmt: skip
def test_what_gnu_tar_writes(tmp_path: Path, options: list[str]) -> None:
    with (tmp_path / "holes").open("wb") as file:
        for at in range(12):
            file.seek(at * 200_000)
            file.write(b"data%d" % at * 1000)
        file.truncate(5_000_000)
    made = subprocess.run(
        ["tar", "--sparse", *options, "-cf", "-", "holes"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("another tar")
    (found,) = read(made.stdout)
    assert (found.path, found.size) == ("holes", 5_000_000)
    assert found.content == (tmp_path / "holes").read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        _old([(10, 5), (12, 3)], 2000, _STORED),  # overlap
        _old([(1000, 3), (10, 5)], 2000, _STORED),  # backwards
        _old([(1999, 5)], 2000, _STORED),  # past the end
        _old([(0, 900)], 2000, _STORED),  # more than is stored
        _pax_1_0(b"3\n10\n5\n1000\n3\n"),  # fewer than counted
        _pax_1_0(b"x\n"),
        _pax_1_0(b"1\n-1\n5\n"),
        _pax_1_0(b"1\n0\n8\n", size=b"4"),
        _pax_1_0(b"1" * 1200),
        _pax_1_0(size=b"many"),
        pax((b"GNU.sparse.map", b"1,2,3")) + entry(b"s", _STORED),
        pax((b"GNU.sparse.map", b"1,,3")) + entry(b"s", _STORED),
        pax((b"GNU.sparse.offset", b"1"), (b"GNU.sparse.offset", b"1")) + entry(b"s", _STORED),
        pax((b"GNU.sparse.numbytes", b"1"), (b"GNU.sparse.offset", b"1")) + entry(b"s", _STORED),
        pax((b"GNU.sparse.offset", b"1")) + entry(b"s", _STORED),
    ],
)
def test_maps_that_cannot_be(content: bytes) -> None:
    with pytest.raises(InputError):
        read(content + END)


def test_sparse_records_of_an_unknown_version_leave_a_plain_file() -> None:
    """As in Go's reader: what is stored is what an engine writes."""
    content = pax((b"GNU.sparse.major", b"2"), (b"GNU.sparse.minor", b"0")) + entry(b"a", b"12")
    assert read(content + END)[0].content == b"12"


def test_the_name_of_a_sparse_file_is_that_of_sparse_files_alone() -> None:
    name = (b"GNU.sparse.name", b"doc.py")
    assert [one.path for one in read(pax(name) + entry(b"m.pkl", b"1") + END)] == ["m.pkl"]
    long = entry(b"@", b"long.py\0", flag=b"L")
    sparse = pax(name, (b"GNU.sparse.map", b"0,1"), (b"GNU.sparse.size", b"1"))
    assert [one.path for one in read(long + sparse + entry(b"a", b"1") + END)] == ["doc.py"]


def test_empty_records_say_nothing_of_sparse_files() -> None:
    versions = (b"GNU.sparse.major", b""), (b"GNU.sparse.minor", b"")
    plain = pax(*versions, (b"GNU.sparse.map", b""), (b"GNU.sparse.size", b"9"))
    assert [one.size for one in read(plain + entry(b"a", b"1") + END)] == [1]
    sparse = pax(*versions, (b"GNU.sparse.map", b"8,1"), (b"GNU.sparse.size", b"9"))
    assert [one.size for one in read(sparse + entry(b"a", b"1") + END)] == [9]


def test_a_map_of_nothing_is_all_hole() -> None:
    version = (b"GNU.sparse.major", b"0"), (b"GNU.sparse.minor", b"1")
    content = pax(*version, (b"GNU.sparse.map", b""), (b"GNU.sparse.size", b"9")) + entry(b"s")
    assert read(content + END)[0].content == bytes(9)


def test_terabytes_out_of_nothing_are_refused() -> None:
    for size in (1 << 30, 100 << 30, 1 << 62):
        with pytest.raises(LimitError):
            read(
                pax((b"GNU.sparse.map", b"0,1"), (b"GNU.sparse.size", b"%d" % size))
                + entry(b"s", b"1")
                + END
            )


def test_too_many_fragments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_sparse, "LIMITS", Limits(tar_sparse_fragments=20))
    fragments = [(at, 1) for at in range(21)]
    for content in (
        _old(fragments, 100, b"x" * 21),
        _pax_1_0(b"21\n"),
        pax((b"GNU.sparse.map", b",".join(b"%d,1" % at for at, _ in fragments)))
        + entry(b"s", b"x" * 21),
    ):
        with pytest.raises(LimitError, match="fragments"):
            read(content + END)


def test_truncated_maps() -> None:
    with pytest.raises(InputError, match="ends in the middle"):
        read(_old([(at, 1) for at in range(30)], 100, b"")[:700])
    with pytest.raises(InputError, match="ends in the middle"):
        read(pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")) + entry(b"s", b"5\n1\n"))
