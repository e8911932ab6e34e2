"""Archives as hostile writers make them: whatever a loader would find is looked at, or told."""

from __future__ import annotations

import dataclasses
import io
import struct
import time
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from lading.inventory import Role, Verdict
from lading.limits import LIMITS
from lading.models import report, zips
from lading.models.report import Report
from lading.models.stream import BytesSource, Malformed
from support import model_encoders as enc
from support import models_streams
from support.models_fixtures import (
    descriptor_zip_bytes,
    evil_pickle,
    npz_bytes,
    onnx_bytes,
    torch_zip_bytes,
    zip_bytes,
)
from support.models_streams import ids_of, seen

if TYPE_CHECKING:
    from lading.inventory import ModelFile

SAFE = b"\x80\x02}q\x00."
EVIL = evil_pickle()
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def look(data: bytes, name: str = "model.zip") -> ModelFile:
    return seen(name, data)


def verdict(data: bytes) -> Verdict:
    return look(data).safety.verdict


def patched(data: bytes, mark: bytes, offset: int, new: bytes, *, which: int = 0) -> bytes:
    """Return ``data`` with bytes changed at an offset behind the ``which``-th mark."""
    at = -1
    for _ in range(which + 1):
        at = data.index(mark, at + 1)
    return data[: at + offset] + new + data[at + offset + len(new) :]


def test_members_are_read_in_order() -> None:
    contents = {"a/data.pkl": SAFE, "b.txt": b"x" * 5000, "c.bin": b""}
    for data in (
        zip_bytes(contents),
        zip_bytes(contents, deflate=True),
        descriptor_zip_bytes(contents),
    ):
        noted = Report("m.zip", len(data))
        found = {
            member.name: member.content.read(1 << 20) if member.content else None
            for member in zips.members(BytesSource(data), noted)
        }
        assert found == contents
        assert noted.findings == ()


def test_an_archive_written_to_a_pipe() -> None:
    """``zipfile`` then writes descriptors after deflated members."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", SAFE * 50 + SAFE)
        archive.writestr("m/evil.pkl", EVIL)
    noted = Report("m.zip")
    names = [one.name for one in zips.members(BytesSource(out.getvalue()), noted)]

    assert names == ["m/data.pkl", "m/evil.pkl"]
    assert noted.findings == ()
    assert verdict(out.getvalue()) is Verdict.DANGEROUS


def test_zip64() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("m.pkl", "w", force_zip64=True) as one:
        one.write(SAFE)
    assert verdict(out.getvalue()) is Verdict.SAFE

    with_end = _with_zip64_end(zip_bytes({"m.pkl": SAFE}))
    assert verdict(with_end) is Verdict.SAFE
    assert verdict(_with_zip64_end(zip_bytes({"m.pkl": EVIL}))) is Verdict.DANGEROUS


def _with_zip64_end(data: bytes, *, offset: int = 0, saturate: bool = True) -> bytes:
    """Return the archive with a ZIP64 end record and locator before its end record."""
    at = data.rindex(END)
    count, size, start = struct.unpack("<10xHII", data[at : at + 20])
    record = struct.pack(
        "<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start + offset
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    end = data[at:]
    if saturate:
        end = end[:8] + b"\xff" * 12 + end[20:]
    return data[:at] + record + locator + end


BOTH = {"archive/data.pkl": SAFE, "archive/data/0": bytes(64)}


class TestReadersThatDisagree:
    """Each archive shows a loader something else than a reader of local headers."""

    def test_a_member_without_size_here_and_with_one_there(self) -> None:
        data = zip_bytes({"archive/data.pkl": EVIL})
        lie = patched(data, LOCAL, 14, bytes(12))

        with zipfile.ZipFile(io.BytesIO(lie)) as archive:
            assert archive.read("archive/data.pkl") == EVIL
        assert verdict(lie) is not Verdict.SAFE

    @pytest.mark.parametrize("field", [18, 22])
    def test_another_size(self, field: int) -> None:
        lie = patched(zip_bytes(BOTH), CENTRAL, field + 2, struct.pack("<I", 3))

        assert "zip-member-mismatch" in ids_of(look(lie))

    def test_another_name(self) -> None:
        lie = patched(zip_bytes(BOTH), CENTRAL, 46, b"Archive")

        assert "zip-member-mismatch" in ids_of(look(lie))

    def test_another_method(self) -> None:
        lie = patched(zip_bytes(BOTH), CENTRAL, 10, b"\x08")

        assert "zip-member-mismatch" in ids_of(look(lie))

    def test_two_entries_for_one_member(self) -> None:
        data = zip_bytes({"one": SAFE, "two": SAFE})
        lie = patched(data, CENTRAL, 42, struct.pack("<I", 0), which=1)

        assert {"zip-member-mismatch", "zip-unlisted-member"} <= ids_of(look(lie, "m.zip"))

    def test_a_member_inside_another(self) -> None:
        inner = zip_bytes({"archive/data.pkl": EVIL})
        outer = zip_bytes({"archive/data.pkl": SAFE, "archive/data/0": inner})
        at = outer.index(LOCAL, outer.index(LOCAL, 1) + 1)
        lie = patched(outer, CENTRAL, 42, struct.pack("<I", at), which=1)

        found = look(lie)

        assert found.safety.verdict is not Verdict.SAFE
        assert "zip-hidden-member" in ids_of(found)

    def test_a_directory_inside_a_member(self) -> None:
        """The last end record points into a storage, where another archive lies."""
        inner = zip_bytes({"archive/data.pkl": EVIL})
        outer = zip_bytes({"archive/data.pkl": SAFE, "archive/data/0": inner})
        base = outer.index(inner)
        end = inner.rindex(END)
        count, size, start = struct.unpack("<10xHII", inner[end : end + 20])
        lie = outer + struct.pack("<4s4xHHIIH", END, count, count, size, start + base, 0)

        found = look(lie)

        assert found.safety.verdict is not Verdict.SAFE
        assert "zip-directory-mismatch" in ids_of(found)

    def test_an_end_record_in_the_comment(self) -> None:
        data = zip_bytes(BOTH)
        comment = END + bytes(18)
        lie = data[:-2] + struct.pack("<H", len(comment)) + comment

        assert "zip-directory-mismatch" in ids_of(look(lie))
        harmless = data[:-2] + struct.pack("<H", 5) + b"hello"
        assert verdict(harmless) is Verdict.SAFE

    @pytest.mark.parametrize("offset", [8, 10, 12, 16])
    def test_an_end_record_that_lies(self, offset: int) -> None:
        data = zip_bytes(BOTH)
        lie = patched(data, END, offset, b"\x09")

        assert verdict(lie) is (Verdict.SAFE if offset == 8 else Verdict.UNSCANNABLE)

    def test_a_zip64_end_that_lies(self) -> None:
        data = zip_bytes(BOTH)
        assert verdict(_with_zip64_end(data, offset=5)) is Verdict.UNSCANNABLE
        assert verdict(_with_zip64_end(data, offset=5, saturate=False)) is Verdict.UNSCANNABLE
        good = _with_zip64_end(data)
        assert verdict(good) is Verdict.SAFE
        assert verdict(patched(good, b"PK\x06\x07", 8, b"\x01")) is Verdict.UNSCANNABLE
        assert verdict(patched(good, b"PK\x06\x06", 4, b"\x2d")) is Verdict.UNSCANNABLE

    def test_no_directory(self) -> None:
        data = zip_bytes(BOTH)

        assert "zip-no-directory" in ids_of(look(data[: data.index(CENTRAL)]))
        assert verdict(data[: data.rindex(END)]) is Verdict.UNSCANNABLE

    def test_something_before_the_archive(self) -> None:
        for name in ("m.zip", "m.pt"):
            lie = zip_bytes({"x": b""})[:30] + b"x" * 9 + zip_bytes(BOTH)
            assert look(lie, name).safety.verdict is not Verdict.SAFE

    def test_two_archives_in_a_row(self) -> None:
        assert verdict(zip_bytes(BOTH) + zip_bytes({"b.pkl": EVIL})) is Verdict.DANGEROUS
        assert verdict(zip_bytes(BOTH) + zip_bytes(BOTH)) is Verdict.UNSCANNABLE


class TestCorruption:
    def test_a_wrong_checksum_hides_nothing(self) -> None:
        data = patched(zip_bytes({"m/data.pkl": EVIL}), LOCAL, 14, b"\xff\xff\xff\xff")

        found = look(data)

        assert found.safety.verdict is Verdict.DANGEROUS
        assert "zip-bad-checksum" in ids_of(found)

    def test_a_wrong_checksum_in_a_descriptor(self) -> None:
        data = descriptor_zip_bytes({"m/data.pkl": EVIL})
        found = look(patched(data, b"PK\x07\x08", 4, b"\xff\xff\xff\xff"))

        assert found.safety.verdict is Verdict.DANGEROUS
        assert "zip-bad-checksum" in ids_of(found)

    @pytest.mark.parametrize("offset", range(4, 30))
    def test_any_byte_of_a_local_header(self, offset: int) -> None:
        data = zip_bytes({"first.pkl": SAFE, "m/data.pkl": EVIL, "last.pkl": SAFE})
        for bit in range(8):
            at = data.index(LOCAL, 4) + offset
            broken = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            found = look(broken)
            assert found.safety.verdict is not Verdict.SAFE
            if found.safety.verdict is not Verdict.DANGEROUS:
                assert any(one.startswith(("zip-", "unscannable")) for one in ids_of(found))

    def test_truncation_is_never_safe(self) -> None:
        for data in (torch_zip_bytes(), zip_bytes(BOTH, deflate=True), npz_bytes()):
            for size in range(4, len(data), 5):
                found = seen("m.pt", data[:size])
                assert found.safety.verdict is not Verdict.SAFE, size

    def test_bad_deflated_data(self) -> None:
        data = zip_bytes({"a.pkl": SAFE * 50, "m/data.pkl": EVIL}, deflate=True)
        at = data.index(b"a.pkl") + 5
        found = look(data[:at] + b"\xff\xff\xff" + data[at + 3 :])

        assert found.safety.verdict is Verdict.DANGEROUS, "the next member is read all the same"
        assert "zip-bad-member" in ids_of(found) or "unscannable" in ids_of(found)

    def test_deflated_data_that_breaks_behind_the_payload(self) -> None:
        data = zip_bytes({"m/data.pkl": EVIL + bytes(range(256)) * 300}, deflate=True)
        at = data.index(b"m/data.pkl") + 310

        assert seen("m.pt", data[:at]).safety.verdict is Verdict.DANGEROUS
        broken = data[:at] + b"\xff" * 2000
        assert seen("m.pt", broken).safety.verdict >= Verdict.UNSCANNABLE

    @pytest.mark.parametrize(("flags", "method"), [(1, 0), (0, 12), (0, 14), (0, 93)])
    def test_members_that_cannot_be_read(self, flags: int, method: int) -> None:
        data = zip_bytes({"m/data.pkl": EVIL, "b.pkl": SAFE})
        for mark, offset in ((LOCAL, 6), (CENTRAL, 8)):
            data = patched(data, mark, offset, struct.pack("<HH", flags, method))
        found = look(data)

        assert found.safety.verdict is Verdict.UNSCANNABLE
        assert "zip-unreadable-member" in ids_of(found)


class TestBounds:
    def test_a_bomb_stops_where_its_header_says(self) -> None:
        bomb = zip_bytes({"m/data.pkl": b"\x80\x02" + b"N0" * 30_000_000}, deflate=True)
        lie = patched(bomb, LOCAL, 22, struct.pack("<I", 100))
        found = look(lie)

        assert found.safety.verdict is Verdict.UNSCANNABLE
        assert any("larger than its header" in one.message for one in found.safety.findings)

    def test_all_members_together_have_a_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(report, "LIMITS", dataclasses.replace(LIMITS, zip_inflated=1 << 20))
        data = zip_bytes(
            {f"{i}.npy": b"\x93NUMPY" + bytes(1 << 18) for i in range(9)}, deflate=True
        )

        assert any("past every bound" in one.message for one in look(data).safety.findings)

    def test_too_many_members(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(zips, "LIMITS", dataclasses.replace(LIMITS, zip_entries=3))
        source = BytesSource(zip_bytes({str(i): b"" for i in range(4)}))

        with pytest.raises(Malformed, match="more than 3 members"):
            list(zips.members(source, Report("m.zip")))

    def test_archives_in_archives(self) -> None:
        data = EVIL
        for depth in range(LIMITS.archive_nesting):
            data = zip_bytes({f"{depth}.pkl": data})
            assert verdict(data) is Verdict.DANGEROUS
        deeper = zip_bytes({"deep.pkl": zip_bytes({"a.pkl": data})})
        assert verdict(deeper) is Verdict.UNSCANNABLE

    def test_marks_in_ordinary_data(self) -> None:
        """Weights hold every four bytes somewhere; only a whole header is one."""
        noise = (LOCAL + b"\xff" * 40 + b"PK\x07\x08" + bytes(3) + CENTRAL + b"P") * 50
        members = {"archive/data.pkl": SAFE, "archive/data/0": noise, "archive/version": b"3"}

        for data in (zip_bytes(members), descriptor_zip_bytes(members)):
            assert verdict(data) is Verdict.SAFE

    def test_marks_across_pieces(self) -> None:
        for shift in range(1 << 16, (1 << 16) + 8):
            noise = b"P" * shift + b"PK"
            data = descriptor_zip_bytes({"m/data.pkl": SAFE, "m/data/0": noise, "e.pkl": EVIL})
            assert verdict(data) is Verdict.DANGEROUS

    def test_a_gap_is_searched(self) -> None:
        hidden = zip_bytes({"e.pkl": EVIL})
        local = hidden[: hidden.index(CENTRAL)]
        data = zip_bytes(BOTH)
        at = data.index(CENTRAL)
        for filler in (b"", b"P", b"PK", b"x" * 70_000 + b"P"):
            assert verdict(data[:at] + filler + local + data[at:]) is Verdict.DANGEROUS


def test_a_stored_member_that_never_ends() -> None:
    header = struct.pack("<4sHHHHHIIIHH", LOCAL, 20, 8, 0, 0, 0x21, 0, 0, 0, 5, 0) + b"a.pkl"

    assert look(header + SAFE, "m.pt").safety.verdict is Verdict.UNSCANNABLE
    assert verdict(header + EVIL) is Verdict.DANGEROUS


def test_a_descriptor_with_wide_sizes() -> None:
    data = descriptor_zip_bytes({"m/data.pkl": SAFE})
    at, crc = data.index(b"PK\x07\x08"), zlib.crc32(SAFE)
    wide = struct.pack("<4sIQQ", b"PK\x07\x08", crc, len(SAFE), len(SAFE))
    longer = data[:at] + wide + data[at + 16 :]
    end = longer.rindex(END)
    start = struct.unpack("<I", longer[end + 16 : end + 20])[0] + 8
    fixed = longer[: end + 16] + struct.pack("<I", start) + longer[end + 20 :]

    assert verdict(fixed) is Verdict.SAFE


@pytest.mark.parametrize("name", ["m.zip", "m.pt", "m.bin", "m"])
def test_marks_of_members_that_are_none(name: str) -> None:
    """Eight megabytes of them took five minutes."""
    start = time.monotonic()
    many = seen(name, b"\x00" * 300 + LOCAL * 1_200_000)
    assert time.monotonic() - start < 60
    assert many.safety.verdict is Verdict.UNSCANNABLE
    few = b"\x00" * 300 + b"PKP" * 300_000 + (LOCAL + CENTRAL) * 1000
    assert seen("m.bin", few).safety.verdict is Verdict.SAFE
    behind = seen("m.bin", few + zip_bytes({"a/data.pkl": EVIL}))
    assert behind.safety.verdict is Verdict.DANGEROUS


@pytest.mark.parametrize("name", ["m.bin", "m", "m.zip"])
def test_a_header_that_leads_astray_before_the_archive(name: str) -> None:
    """It declares more bytes than follow; a loader begins at the end and never sees it."""
    lure = patched(zip_bytes({"x": b"y"}), LOCAL, 18, struct.pack("<II", 1 << 31, 1 << 31))
    whole = zip_bytes({"archive/data.pkl": EVIL})
    junk = bytes(300)
    led = seen(name, junk + lure[: lure.index(CENTRAL)] + whole)
    assert led.safety.verdict is Verdict.UNSCANNABLE
    others = zip_bytes({"readme": b"hello"})
    file = models_streams.look(name, junk + lure[: lure.index(CENTRAL)] + others)
    assert file is None or file.role is Role.OTHER
    inside = enc.tar([("a.onnx", onnx_bytes()), ("w.bin", junk + lure[:40])])
    assert seen("m.tar", inside).safety.verdict is Verdict.UNSCANNABLE


def test_directories_without_end() -> None:
    """Each was compared with every member."""
    whole = zip_bytes({f"{n}.pkl": SAFE for n in range(2000)})
    one = zip_bytes({"x": b""})
    directory = one[one.index(CENTRAL) :]
    start = time.monotonic()
    assert (
        "central directories"
        in " ".join(found.message for found in look(whole + directory * 20_000).safety.findings)
        or look(whole + directory * 20_000).safety.verdict is Verdict.UNSCANNABLE
    )
    assert time.monotonic() - start < 30
