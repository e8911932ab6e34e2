"""Members of tars, told by their headers as Python tells them."""

from __future__ import annotations

import io
import pickle
import tarfile

import pytest

from lading.limits import LIMITS
from lading.models import tars
from lading.models.report import Report
from lading.models.stream import BytesSource, Malformed
from support import model_encoders as enc

SAFE = pickle.dumps({"a": 1}, 2)


class TestHeaders:
    """What ``tarfile`` reads is what is read here."""

    @pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    def test_long_names_and_every_form(self, form: int) -> None:
        contents = [(f"{'d' * 90}/{'e' * 60}/a.pkl", SAFE), ("b", b""), ("c", b"x" * 1000)]
        data = enc.tar(contents, form)
        noted = Report("m.tar")
        found = [(one.name, one.content.read(1 << 20)) for one in members(data, noted)]

        assert found == contents
        assert noted.findings == ()

    def test_links_and_directories_have_no_data(self) -> None:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
                info = tarfile.TarInfo("x")
                info.type, info.size, info.linkname = kind, 4096, "y"
                archive.addfile(info)
            archive.addfile(tarfile.TarInfo("end"))
        noted = Report("m.tar")
        assert [one.name for one in members(out.getvalue(), noted)] == ["end"]

    def test_sizes_in_base_256_and_old_sums_and_old_directories(self) -> None:
        data = bytearray(enc.tar([("\N{LATIN SMALL LETTER E WITH ACUTE}", SAFE)]))
        data[124:136] = b"\x80" + len(SAFE).to_bytes(11, "big")
        signed = memoryview(bytes(data[:148] + b" " * 8 + data[156:512])).cast("b")
        data[148:156] = f"{sum(signed):06o}\0 ".encode()
        assert [one.size for one in members(bytes(data), Report("m"))] == [len(SAFE)]
        old = bytearray(enc.tar([("d/", b"")]))
        old[156] = 0
        old[148:156] = f"{sum(old[:148]) + 256 + sum(old[156:512]):06o}\0 ".encode()
        assert list(members(bytes(old), Report("m"))) == []

    def test_pax_records(self) -> None:
        def made(kind: bytes, *records: bytes) -> bytes:
            body = b"".join(records)
            info = tarfile.TarInfo("pax")
            info.type, info.size = kind, len(body)
            header = info.tobuf(tarfile.USTAR_FORMAT)
            return header + body + bytes(-len(body) % 512) + enc.tar([("w.pkl", SAFE)])

        def names(*records: bytes, kind: bytes = b"x") -> list[str]:
            return [one.name for one in members(made(kind, *records), Report("m"))]

        assert names(b"13 path=long\n") == ["long"]
        assert names(b"13 comment=x\n", b"7 a=bc\n") == ["w.pkl"]
        for bad in (
            b"99 path=long\n",
            b"path",
            b"13 path=longx",
            b"9 size=x\n",
            b"22 GNU.sparse.major=1\n",
        ):
            with pytest.raises(Malformed):
                names(bad)
        noted = Report("m")
        assert [one.name for one in members(made(b"g", b"13 path=long\n"), noted)] == ["w.pkl"]
        assert {one.id for one in noted.findings} == {"tar-mismatch"}
        noted = Report("m")
        assert len(list(members(made(b"g", b"13 comment=x\n"), noted))) == 1
        assert noted.findings == ()

    def test_headers_that_no_archive_has(self) -> None:
        huge = tarfile.TarInfo("x")
        huge.type, huge.size = b"L", LIMITS.tar_pax_header + 1
        sparse = tarfile.TarInfo("x")
        sparse.type = b"S"
        for info in (huge, sparse):
            with pytest.raises(Malformed):
                list(members(info.tobuf(tarfile.USTAR_FORMAT) + bytes(512), Report("m")))
        assert tars.header_of(b"") is None
        assert tars.header_of(bytes(512)) is None
        assert tars.header_of(b"x" * 512) is None


def members(data: bytes, noted: Report) -> list[tars.Member]:
    """Return the members, each with its content in memory."""
    return [
        one._replace(content=BytesSource(one.content.read(one.size)))
        for one in tars.members(BytesSource(data), noted)
    ]
