"""Tars as others write them: every format, every kind of entry, in whatever pieces."""

from __future__ import annotations

import io
import posixpath
import tarfile
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lading.errors import InputError, LimitError
from lading.image import tar as tar_module
from lading.image.paths import normalise
from lading.image.streams import CHUNK
from lading.image.tar import TarReader
from support.image_tars import END, Seen, Slow, entry, header, pax, pieces, read

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]

_names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=90
).filter(lambda name: name not in {".", ".."} and not name.startswith(".wh."))
_paths = st.lists(_names, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize("format_", FORMATS)
def test_reads_what_tarfile_writes(format_: int) -> None:
    out = io.BytesIO()
    long = "d" * 60 + "/" + "e" * 60 + "/" + "f" * 90
    with tarfile.open(fileobj=out, mode="w", format=format_) as tar:
        for path, kind, target, content in (
            ("etc/", tarfile.DIRTYPE, "", b""),
            ("etc/passwd", tarfile.REGTYPE, "", b"root:x:0:0"),
            ("etc/motd", tarfile.SYMTYPE, "../run/motd", b""),
            ("etc/copy", tarfile.LNKTYPE, "etc/passwd", b""),
            ("dev/null", tarfile.CHRTYPE, "", b""),
            ("run/fifo", tarfile.FIFOTYPE, "", b""),
            (long, tarfile.REGTYPE, "", b"x" * 1000),
        ):
            info = tarfile.TarInfo(path)
            info.type, info.linkname, info.size = kind, target, len(content)
            tar.addfile(info, io.BytesIO(content))
    assert read(out.getvalue()) == [
        Seen("etc", "directory"),
        Seen("etc/passwd", "file", 10, "", b"root:x:0:0"),
        Seen("etc/motd", "symlink", 0, "../run/motd"),
        Seen("etc/copy", "hardlink", 0, "etc/passwd"),
        Seen("dev/null", "other"),
        Seen("run/fifo", "other"),
        Seen(long, "file", 1000, "", b"x" * 1000),
    ]


@settings(max_examples=60, deadline=None)
@given(
    files=st.dictionaries(_paths, st.binary(max_size=3000), max_size=6),
    format_=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    step=st.integers(1, 5000),
)
def test_any_names_and_contents_in_any_pieces(
    files: dict[str, bytes], format_: int, step: int
) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format_) as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    found = read(Slow(out.getvalue(), step))
    wanted = [Seen(path, "file", len(content), "", content) for path, content in files.items()]
    assert found == wanted


def test_names_that_are_not_utf8_survive() -> None:
    (found,) = read(entry(b"caf\xe9", b"x") + END)
    assert found.path.encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_data_that_nobody_reads_is_passed_over() -> None:
    content = (
        entry(b"a", b"a" * 700_000) + entry(b"b", b"b" * (3 * CHUNK)) + entry(b"c", b"see") + END
    )
    source = Slow(content, 65_536)
    assert [(one.path, one.size) for one in TarReader(source, where="t")] == [
        ("a", 700_000),
        ("b", 3 * CHUNK),
        ("c", 3),
    ]


@pytest.mark.parametrize("step", [1000, 70_000, CHUNK, 3 * CHUNK])
def test_large_files_are_read_in_pieces(step: int) -> None:
    body = bytes(range(256)) * 10_000
    for one in TarReader(io.BytesIO(entry(b"big", body) + END), where="t"):
        found = pieces(one, step)
        assert b"".join(found) == body
        assert {len(piece) for piece in found[:-1]} <= {step}


def test_peek_takes_nothing() -> None:
    for one in TarReader(Slow(entry(b"a", b"0123456789") + END, 100), where="t"):
        assert one.peek(4) == b"0123"
        assert one.peek(4000) == b"0123456789"
        assert one.read(3) == b"012"
        assert one.peek(2) == b"34"
        assert one.read() == b"3456789"
        assert one.read(1) == b""
        assert one.peek(1) == b""


def test_an_entry_is_readable_only_until_the_next() -> None:
    entries = iter(TarReader(io.BytesIO(entry(b"a", b"1") + entry(b"b", b"2") + END), where="t"))
    first = next(entries)
    next(entries)
    with pytest.raises(ValueError, match="until the next"):
        first.read()
    with pytest.raises(ValueError, match="until the next"):
        first.peek(1)


def test_repr_names_the_entry() -> None:
    (found,) = list(TarReader(io.BytesIO(entry(b"a/b", b"1") + END), where="t"))
    assert repr(found) == "<file 'a/b', 1 bytes>"


def test_mode_is_the_permission_bits() -> None:
    (found,) = list(TarReader(io.BytesIO(header(b"a", mode=b"0104755\0") + END), where="t"))
    assert found.mode == 0o4755


def test_the_root_itself_is_no_entry() -> None:
    content = header(b"./", flag=b"5") + header(b"/", flag=b"5") + entry(b"./a", b"") + END
    assert [one.path for one in read(content)] == ["a"]


def test_v7_directories_end_with_a_slash() -> None:
    content = header(b"old/", flag=b"\0", magic=b"\0" * 8, size=77) + END
    assert read(content) == [Seen("old", "directory")]


def test_ustar_prefix_is_used_and_old_gnu_times_are_not() -> None:
    ustar = header(b"name", prefix=b"some/dir")
    gnu = header(b"name", prefix=b"14172045326\0", magic=b"ustar  \0")
    assert [one.path for one in read(ustar + gnu + END)] == ["some/dir/name", "name"]


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"5", b"6"])
def test_links_devices_and_directories_have_no_data(kind: bytes) -> None:
    """Go's reader and so every engine takes the next block for a header, whatever the size says."""
    content = header(b"x", flag=kind, size=512, link=b"to") + entry(b"after", b"yes") + END
    assert read(content)[1] == Seen("after", "file", 3, "", b"yes")


def test_unknown_types_have_data_that_is_no_file() -> None:
    content = entry(b"volume", b"label", flag=b"V") + entry(b"a", b"1") + END
    assert read(content) == [Seen("volume", "other"), Seen("a", "file", 1, "", b"1")]


def test_sizes_beyond_eight_gigabytes_are_base_256() -> None:
    size = (0x80 << 88) | (9 << 30)
    content = header(b"huge", size=size.to_bytes(12, "big"))
    entries = iter(TarReader(io.BytesIO(content), where="t"))
    assert next(entries).size == 9 << 30
    with pytest.raises(InputError, match="ends in the middle"):
        next(entries)


def test_a_pax_size_overrules_the_header() -> None:
    content = pax((b"size", b"3")) + header(b"a", size=0) + b"abc" + bytes(509) + END
    assert read(content) == [Seen("a", "file", 3, "", b"abc")]


def test_pax_paths_and_links() -> None:
    content = (
        pax((b"path", "ü/long".encode()), (b"linkpath", b"tar/get"))
        + header(b"short", flag=b"1", link=b"x")
        + header(b"next", flag=b"2", link=b"y")
        + END
    )
    assert read(content) == [
        Seen("ü/long", "hardlink", 0, "tar/get"),
        Seen("next", "symlink", 0, "y"),
    ]


def test_empty_pax_values_and_unknown_records_change_nothing() -> None:
    content = (
        pax(
            (b"path", b""),
            (b"size", b""),
            (b"mtime", b"1.5"),
            (b"SCHILY.xattr.user.a", b"\0\xff=\n"),
        )
        + entry(b"a", b"1")
        + END
    )
    assert read(content) == [Seen("a", "file", 1, "", b"1")]


def test_global_headers_do_not_apply() -> None:
    """As in Go's reader: what an engine unpacks decides."""
    content = pax((b"path", b"evil"), flag=b"g") + entry(b"a", b"1") + END
    assert read(content) == [Seen("a", "file", 1, "", b"1")]


def test_gnu_long_names_win_over_pax() -> None:
    content = (
        entry(b"././@LongLink", b"gnu/name\0", flag=b"L")
        + entry(b"././@LongLink", b"gnu/target\0", flag=b"K")
        + pax((b"path", b"pax/name"), (b"linkpath", b"pax/target"))
        + header(b"short", flag=b"2", link=b"s")
        + END
    )
    assert read(content) == [Seen("gnu/name", "symlink", 0, "gnu/target")]


@pytest.mark.parametrize("tail", [b"", bytes(512), bytes(1024), bytes(10240), END + b"junk" * 500])
def test_ends(tail: bytes) -> None:
    assert [one.path for one in read(entry(b"a", b"1") + tail)] == ["a"]


def test_missing_padding_at_the_end() -> None:
    assert read(header(b"a", size=3) + b"abc") == [Seen("a", "file", 3, "", b"abc")]


def test_an_empty_tar() -> None:
    assert read(b"") == []
    assert read(END) == []


def test_duplicates_are_both_offered() -> None:
    content = entry(b"a", b"1") + entry(b"./a", b"2") + END
    assert [one.content for one in read(content)] == [b"1", b"2"]


def test_whiteouts() -> None:
    content = (
        header(b"etc/.wh.motd")
        + header(b"var/.wh..wh..opq")
        + header(b".wh.top")
        + header(b".wh..wh..opq")
        + header(b".wh.d/", flag=b"5")
        + END
    )
    assert read(content) == [
        Seen("etc/motd", "whiteout"),
        Seen("var", "opaque"),
        Seen("top", "whiteout"),
        Seen("", "opaque"),
        Seen("d", "whiteout"),
    ]
    assert [one.kind for one in read(content, whiteouts=False)] == ["file"] * 4 + ["directory"]


def test_a_whiteout_with_bytes_is_offered_as_a_file_too() -> None:
    """In the engine that built it, it is a file; after a push and a pull it deletes one."""
    content = entry(b"m/.wh.model.bin", b"payload") + END
    assert read(content) == [
        Seen("m/.wh.model.bin", "file", 7, "", b"payload"),
        Seen("m/model.bin", "whiteout"),
    ]


def test_aufs_bookkeeping_and_what_lies_in_whiteout_directories_is_not_lost() -> None:
    content = entry(b".wh..wh.plnk/12", b"data") + entry(b"a/.wh.b/c", b"deep") + END
    assert [(one.path, one.kind) for one in read(content)] == [
        (".wh..wh.plnk/12", "file"),
        ("a/.wh.b/c", "file"),
    ]
    assert read(header(b".wh..wh.aufs") + END) == [Seen(".wh..wh.aufs", "file")]


@pytest.mark.parametrize("name", [b".wh.", b"a/.wh.", b"a/.wh..", b"a/.wh..."])
def test_whiteouts_of_nothing_are_refused(name: bytes) -> None:
    with pytest.raises(InputError, match="whiteout of nothing"):
        read(header(name) + END)


def test_overlay_devices() -> None:
    content = (
        header(b"gone", flag=b"3")
        + header(b"too", flag=b"1", link=b"gone")
        + header(b"null", flag=b"3", device=(1, 3))
        + header(b"link", flag=b"1", link=b"null")
        + END
    )
    assert [(one.path, one.kind) for one in read(content, overlay_devices=True)] == [
        ("gone", "whiteout"),
        ("too", "whiteout"),
        ("null", "other"),
        ("link", "hardlink"),
    ]
    assert [one.kind for one in read(content)] == ["other", "hardlink", "other", "hardlink"]


_field_names = st.one_of(
    st.sampled_from(b"a ./a/b a/ ./ / a//b a/../b .. a/.b ./.a a.wh.b \xff/\xfe a\0b".split(b" ")),
    st.sampled_from([b"", b".wh.a", b"a/.wh.b", b"a/.wh..wh..opq", b"x" * 100]),
    st.binary(max_size=100),
)
_numbers = st.one_of(
    st.integers(0, 600).map(b"%011o\0".__mod__),
    st.sampled_from([b"5", b"00000000009\0", b" 12 ", b"\x80" + bytes(10) + b"\x07", b"-1", b"7x"]),
    st.sampled_from([b"00000000012 ", b"000000000012", b"\0" * 12, b"0000_000012\0"]),
)
_headers = st.builds(
    lambda name, size, flag, mode, prefix, checksum: header(
        name, size=size, flag=flag, mode=mode, prefix=prefix, checksum=checksum
    ),
    _field_names,
    _numbers,
    st.sampled_from([b"0"] * 5 + [b"5"] * 4 + [b"\0", b"7", b"2", b"x", b"9"]),
    st.sampled_from([b"0000644\0", b"0100755 ", b"644", b"8", b"\0" * 8, b"\x80\0\0\0\0\0\1\xed"]),
    st.sampled_from([b""] * 6 + [b"lib", b"\0lib"]),
    st.sampled_from([None] * 9 + [b"0012345\0", b"zzzz", b"-1"]),
)


@settings(max_examples=600, deadline=None)
@example(odd=header(b"a//b"), blocks=0, after=header(b"a/.b"), step=512, taken=-1)
@example(odd=header(b".//a"), blocks=0, after=header(b"./.."), step=512, taken=-1)
@example(odd=header(b"./.wh.a"), blocks=0, after=header(b"./."), step=512, taken=-1)
@example(odd=header(size=b"0000_000012\0"), blocks=1, after=header(b"./"), step=512, taken=-1)
@example(odd=header(size=b"00000000009\0"), blocks=1, after=header(), step=512, taken=-1)
@example(
    odd=header(b"a/", flag=b"0"),
    blocks=0,
    after=header(flag=b"5", size=b"9" * 12),
    step=512,
    taken=-1,
)
@given(
    odd=_headers,
    blocks=st.integers(0, 2),
    after=_headers,
    step=st.sampled_from([512, 700, 1024, 100_000]),
    taken=st.sampled_from([0, 1, -1]),
)
def test_the_short_way_through_a_plain_header_ends_where_the_long_way_does(
    odd: bytes, blocks: int, after: bytes, step: int, taken: int
) -> None:
    content = entry(b"first") + odd + b"data" * 128 * blocks + after + END

    def told() -> list[object]:
        found: list[object] = []
        try:
            for one in TarReader(Slow(content, step), where="t"):
                data = one.read(taken)
                found.append((one.path, one.kind, one.size, one.mode, one.target, data))
        except (InputError, LimitError) as error:
            found.append((type(error), str(error)))
        return found

    short = told()
    with mock.patch.object(tar_module, "_PLAIN", ()):
        assert short == told()


@pytest.mark.parametrize("name", b"m/model.pkl// m//model.pkl/ .//m/./model.pkl/// /m/a/..".split())
@pytest.mark.parametrize("flag", [b"0", b"7"])
def test_a_path_has_no_empty_parts_however_it_is_written(name: bytes, flag: bytes) -> None:
    """Unpackers clean it: a name that ends in slashes is the name of a file all the same."""
    found = [one.path for one in read(entry(b"first") + entry(name, b"x", flag=flag) + END)]
    assert found == ["first", "m" if name.endswith(b"..") else "m/model.pkl"]


@given(st.text(st.sampled_from("a./"), max_size=12))
def test_normalising_leaves_nothing_to_normalise(path: str) -> None:
    found = normalise(path)
    assert normalise(found) == found
    assert not {"", ".", ".."} & set(found.split("/")) or found == ""
    assert found == posixpath.normpath("/" + path).strip("/")
