"""Files that lie about sizes, lead readers in circles, or only look like a model's."""

from __future__ import annotations

import gzip
import io
import struct
import sysconfig
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lading.inventory import Verdict
from lading.models import examine, group
from support import model_encoders as enc
from support.models_fixtures import zip_bytes
from support.models_streams import ids_of, look, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

MADE = Path(__file__).parent / "made"
#: On a busy machine; each test takes one or two.
SECONDS = 30.0


@pytest.fixture
def quick() -> Iterator[None]:
    """Hold a test to a time that does not grow with what a file declares."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < SECONDS


@pytest.fixture
def bounded(quick: None) -> Iterator[None]:
    """Hold a test to such a memory, too."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * 1024 * 1024


def made(name: str) -> bytes:
    return gzip.decompress((MADE / f"{name}.gz").read_bytes())


def flatbuffer(magic: bytes, *, graphs: int, tensors: int) -> bytes:
    """Return a TFLite model whose graphs are one and the same, again and again."""
    out = bytearray(b"\x00" * 8)
    out[4:8] = magic

    def table(*fields: int) -> int:
        """Write a table of offsets to be patched; return where it lies."""
        vtable = len(out)
        out.extend(struct.pack("<HH", 4 + 2 * len(fields), 4 + 4 * len(fields)))
        out.extend(b"".join(struct.pack("<H", 4 + 4 * i) for i in range(len(fields))))
        if len(out) % 4:
            out.extend(bytes(2))
        at = len(out)
        out.extend(struct.pack("<i", at - vtable) + bytes(4 * len(fields)))
        return at

    model, graph, tensor = table(0, 0, 0), table(0), table(0)
    struct.pack_into("<I", out, 0, model)
    struct.pack_into("<I", out, model + 4, 3)

    def vector(owner: int, number: int, target: int, count: int) -> None:
        at = len(out)
        struct.pack_into("<I", out, owner + 4 + 4 * number, at - (owner + 4 + 4 * number))
        out.extend(struct.pack("<I", count))
        for _ in range(count):
            out.extend(struct.pack("<I", (target - len(out)) & 0xFFFF_FFFF))

    vector(model, 1, tensor, 0)
    vector(model, 2, graph, graphs)
    vector(graph, 0, tensor, tensors)
    return bytes(out)


class TestLies:
    def test_graphs_that_are_one_again_and_again(self, bounded: None) -> None:
        data = flatbuffer(b"TFL3", graphs=3000, tensors=3000)
        found = look("m/x.tflite", data)

        assert found is not None
        assert found.safety.verdict is Verdict.UNSCANNABLE

    def test_a_vector_that_declares_four_thousand_millions(self, bounded: None) -> None:
        data = bytearray(made("plain.tflite"))
        for at in range(8, len(data) - 4, 4):
            broken = bytearray(data)
            broken[at : at + 4] = b"\xff\xff\xff\x7f"
            look("m/x.tflite", bytes(broken))

    def test_an_index_that_names_the_same_block_again(self, quick: None) -> None:
        header = enc.field(1, 1) + enc.field(3, enc.field(1, 1))
        head = b"\x00\x00" + bytes([len(header)]) + header  # the table must start like one
        block = enc._block((f"k{i}".encode(), enc.field(1, 1)) for i in range(2000))
        handle = enc.varint(len(head)) + enc.varint(len(block))
        index = enc._block((str(i).encode(), handle) for i in range(100_000))
        out = head + block + bytes(5) + index + bytes(5)
        footer = enc.varint(0) * 2 + enc.varint(len(head + block) + 5) + enc.varint(len(index))
        data = out + footer.ljust(40, b"\x00") + bytes.fromhex("57fb808b247547db")
        found = seen("m/x.index", data)

        assert found.safety.verdict is Verdict.UNSCANNABLE
        assert "entries" in found.safety.findings[0].message

    def test_universal_binary_json_nested_without_end(self, bounded: None) -> None:
        data = b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{" + b"U\x01a{" * 100_000
        found = seen("m/x.ubj", data)

        assert found.safety.verdict is Verdict.UNSCANNABLE
        assert "deeper" in found.safety.findings[0].message

    @pytest.mark.parametrize(
        "footer",
        [
            b"\x19\xfc" + b"\xff" * 9 + b"\x01",  # a list of 2^64 structures
            b"\x19\xf7" + b"\xff" * 8 + b"\x01",  # a list of 2^57 floating-point numbers
            b"\x1b" + b"\xff" * 8 + b"\x01\x11",  # a map of 2^57 truth values
            b"\x1c" * 5000,  # structures in structures
            b"\x15\x02\x19\xfc\xff\xff\xff\xff\x07" + b"\x00" * 1000,
        ],
    )
    def test_footers_of_parquet(self, bounded: None, footer: bytes) -> None:
        data = b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"
        found = seen("d/x.parquet", data)

        assert found.safety.verdict is Verdict.UNSCANNABLE

    def test_a_parquet_footer_larger_than_its_file(self) -> None:
        data = b"PAR1" + struct.pack("<I", 1 << 31) + b"PAR1"
        assert seen("d/x.parquet", data).safety.verdict is Verdict.UNSCANNABLE

    def test_configurations_that_never_end(self, quick: None) -> None:
        start = made("plain.h5")[:2048]
        piece = b'{"name": [' + b"1," * 4000
        found = look("m/x.h5", start + b"model_config" + piece * 2500)

        assert found is not None
        assert found.safety.verdict is Verdict.UNSCANNABLE

    def test_arrow_messages_that_declare_too_much(self) -> None:
        data = bytearray(made("stream.arrow"))
        data += b"\xff\xff\xff\xff" + struct.pack("<I", 1 << 30)
        at = data.index(b"\xff\xff\xff\xff\x00\x00\x00\x00")
        broken = bytes(data[:at]) + b"\xff\xff\xff\xff" + struct.pack("<I", 1 << 30)
        assert seen("d/x.arrow", broken).safety.verdict is Verdict.UNSCANNABLE

    def test_an_xml_tag_that_never_closes(self, quick: None) -> None:
        text = b'<net name="n" version="11">' + b"<layer " + b'a="b" ' * 500_000
        assert look("m/x.xml", text) is not None

    @pytest.mark.parametrize("root", [b"<net", b"<!--PMML-->", b"<!--<opencv_storage>-->"])
    @pytest.mark.parametrize("gap", [b"", b"\n", b" " * 9])
    def test_comments_without_end_of_them(self, quick: None, root: bytes, gap: bytes) -> None:
        assert look("m/x.xml", (b"<!---->" + gap) * 200 + b"x" + root) is None

    def test_a_program_of_nothing_but_comments(self, quick: None) -> None:
        assert look("m/x.prototxt", b"#\n \n" * 900) is None

    def test_a_lambda_layer_across_two_reads(self) -> None:
        start = made("plain.h5")[:2048] + b"model_config"
        for shift in range(0, 40, 7):
            padding = bytes(1024 * 1024 - len(start) - 20 + shift)
            found = seen("m/x.h5", start + padding + b'{"class_name": "Lambda", "config": {')
            assert "keras-lambda" in ids_of(found)


#: What begins like a model and is none, or holds one's name and is none.
ORDINARY: dict[str, bytes] = {
    "a.mov": b"\x00\x00\x00\x08wide" + bytes(200),
    "b.mp4": b"\x00\x00\x00\x18ftypmp42" + bytes(200),
    "c.ico": b"\x00\x00\x01\x00\x01\x00" + bytes(200),
    "d.ttf2": b"\x00\x01\x00\x00" + bytes(200),
    "e": bytes(4096),
    "f.bin": b"\xff" * 4096,
    "g.json": b'{"learner": "Ada", "nodes": []}',
    "h.json": b'{"nodes": [{"op": "add"}]}',
    "i.xml": b'<?xml version="1.0"?><net><data element_type="x"/></net>',
    "j.txt": b"tree\nbranch\nleaf\n",
    "k": b"PAR1 is a magic\n",
    "l": b"FEAture list\n",
    "m.tar": enc.tar([("etc/passwd", b"root"), ("etc/group", b"root")]),
    "n.zip": zip_bytes({"a.txt": b"a"})[:-30],
    "o.pb": enc.field(1, "some name") + enc.field(2, "lower") + enc.field(3, "x"),
    "p.pb": b"\n\x0bhello world\x10\x01",
    "q.h5": made("table.h5"),
    "r": b"\x08\x01\x12\x03abc" + bytes(100),
    "s.pt": "Bem-vindo à documentação, é curta.\n".encode("latin-1") * 20,
    "t.txt": b"coverage\ncoveralls\nfuncsigs\npytest\n",
    "u.meta": b"\n\x05hello\x12\x05world",
    "v.index": b"\x00\x00\x05\x08 index of something" + bytes(100),
    "w.params": b"rate = 3\n",
    "x.engine": b"ftrt is no engine\n",
    "manifests/a/b/c/d": b'{"layers": []}',
    "y.model": b"a car, a plane\n",
    "meta.json": b'{"name": "x", "lang": "de"}',
    "Manifest.json": b'{"manifest_version": 3}',
    "MLmodel": b"%PDF-1.7 \xff\xfe",
    "dataset_info.json": b'{"title": "x"}',
}


@pytest.mark.parametrize("name", sorted(ORDINARY))
def test_ordinary_files_are_none(name: str) -> None:
    found = look(f"srv/{name}", ORDINARY[name])

    assert found is None or (found.format is None and not found.safety.findings)


class File:
    """One file of this machine as a stream."""

    def __init__(self, path: Path) -> None:
        self.path = str(path).lstrip("/")
        self._data: Any = io.BytesIO(path.read_bytes())
        self.size = len(self._data.getbuffer())

    def peek(self, size: int) -> bytes:
        return bytes(self._data.getbuffer()[:size])

    def read(self, size: int = -1) -> bytes:
        read: bytes = self._data.read(size)
        return read


def test_the_standard_library_has_no_models() -> None:
    root = Path(sysconfig.get_path("stdlib"))
    records = []
    for path in sorted(root.rglob("*")):
        if {"site-packages", "test", "__pycache__"}.isdisjoint(path.parts) and path.is_file():
            record = examine(File(path))
            if record is not None:
                records.append(record)
    found = group(records, {})

    assert (found.models, found.datasets, found.findings) == ((), (), ())
