"""Payloads where a name or the first bytes say nothing: what a loader would run is still found."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lading.inventory import Role, Verdict
from lading.models import group
from support import lz4_frames as lz4
from support import model_encoders as enc
from support.models_fixtures import (
    evil_pickle,
    gguf_bytes,
    npy_bytes,
    torch_zip_bytes,
    zip_bytes,
)
from support.models_streams import group_tree, ids_of, look, seen

if TYPE_CHECKING:
    from pathlib import Path

EVIL = evil_pickle()
#: Protocol 0, which has no mark; it begins as no pickler would.
ODD = b"I1\n0cos\nsystem\n(S'id'\ntR."
#: Four thousand bytes without an import, then one.
PADDED = b"K\x010" * 2000 + ODD
OBJECTS = npy_bytes(np.array([{1}], dtype=object))
LATE_MEMBER = zip_bytes({"a/readme.txt": b"hello", "a/data.pkl": EVIL, "a/version": b"3\n"})
COMPRESSED = zlib.compress(ODD), gzip.compress(PADDED), lzma.compress(EVIL)
BLOB = "hub/models--org--name/blobs/" + "1" * 64


#: Beginnings that no pickler writes, of what an unpickler takes.
BEGINNINGS = (
    b"N0", b"I1\n0", b"]0", b"F1.0\n0", b"S'a'\n0", b"K\x010", b"Va\n0", b")0", b"}0",
    b"\x8c\x01a0", b"\x95" + bytes(8), b"S'" + b"a" * 5000 + b"'\n0", b"N0" * 3000,
    b"J\x01\x02\x03\x040", b"(1",
)  # fmt: skip


@pytest.mark.parametrize("name", ["model.dat", "clf", "m.weights", "w.h5", "x.json", "x.params"])
@pytest.mark.parametrize("start", BEGINNINGS, ids=range(len(BEGINNINGS)))
def test_a_pickle_without_a_mark_under_any_name(name: str, start: bytes) -> None:
    file = seen(f"app/{name}", start + b"cos\nsystem\n(S'id'\ntR.")
    assert (file.format, file.safety.verdict) == ("pickle", Verdict.DANGEROUS)


def test_a_name_of_nobody_is_suspicious_under_any_name() -> None:
    assert seen("app/m.dat", b"N0cmine\nmade\n(tR.").safety.verdict is Verdict.SUSPICIOUS


@pytest.mark.parametrize("name", ["x", "x.dat", "x.txt", "RECORD"])
@pytest.mark.parametrize(
    "content",
    [
        b"N.", b"I1\n.", b"The quick brown fox " * 500,
        b"click/__init__.py,sha256=x,1\nclick/a.py\n",
        b"Package: a\nStatus: installed\n" * 300, b"K\x010" * 3000, b"N0" * 3000,
    ],
    ids=range(7),
)  # fmt: skip
def test_what_only_begins_like_a_pickle_is_none(name: str, content: bytes) -> None:
    assert look(f"app/{name}", content) is None


@pytest.mark.parametrize("end", [b"cos\nsystem\n(S'id'\ntR.", b"cmine\nmade\n(tR."])
def test_a_compressed_pickle_without_a_mark_under_any_name(end: bytes) -> None:
    for name, pack in (("x.gz", gzip.compress), ("x", bz2.compress), ("x.dat.xz", lzma.compress)):
        assert seen(f"app/{name}", pack(b"N0" + end)).safety.verdict > Verdict.SAFE


def test_bytes_that_an_unpickler_passes_over_hide_no_archive() -> None:
    archive = zip_bytes({"notes": bytes(5000), "a/data.pkl": EVIL, "a/version": b"3\n"})
    file = seen("app/m", b"B" + struct.pack("<I", len(archive)) + archive)
    assert file.safety.verdict > Verdict.SAFE


@pytest.mark.parametrize("name", ["m", "m.dat", "m.pth.tar", "m.h5", "m.epub", "m.data"])
@pytest.mark.parametrize(
    "front", [b"", b"PK\x05\x06" + bytes(18)], ids=["archive", "empty archive"]
)
def test_what_tells_may_lie_behind_any_member(name: str, front: bytes) -> None:
    """NumPy reads from the end what begins as an empty archive; torch goes by names alone."""
    members = {
        "a/readme": hashlib.shake_256(b"").digest(9000),
        "a/data.pkl": EVIL,
        "a/x.npy": OBJECTS,
    }
    file = seen(f"app/{name}", front + zip_bytes(members, deflate=True))
    assert file.safety.verdict > Verdict.SAFE


@pytest.mark.parametrize("name", ["a/DATA.PKL", "a/Data.Pkl", "MODEL.PICKLE"])
def test_members_may_be_written_in_capitals(name: str) -> None:
    """Torch looks its records up without regard to case."""
    file = seen("m/model.pt", zip_bytes({name: PADDED, "a/version": b"3\n"}))
    assert file.safety.verdict is Verdict.DANGEROUS


@pytest.mark.parametrize("name", ["m.docx", "m.odt", "m", "m.x"])
def test_archives_of_documents_are_no_models(name: str) -> None:
    assert look(f"app/{name}", zip_bytes({"word/document.xml": b"<x/>" * 3000})) is None


@pytest.mark.parametrize(
    "content",
    [
        EVIL,
        ODD,
        PADDED,
        LATE_MEMBER,
        zlib.compress(ODD),
        gzip.compress(PADDED),
        lzma.compress(EVIL),
        lz4.stored(PADDED),
        zip_bytes({"notes.txt": b"words " * 1000, "data.pkl": EVIL}),
    ],
    ids=["pickle", "odd", "padded", "late member", "zlib", "gzip", "xz", "lz4", "zip"],
)
def test_blobs_that_links_name(content: bytes, tmp_path: Path) -> None:
    """A loader goes by the link's name, and the blob's own says nothing."""
    blob = tmp_path / BLOB
    blob.parent.mkdir(parents=True)
    blob.write_bytes(content)
    link = tmp_path / "hub/models--org--name/snapshots" / ("a" * 40) / "pytorch_model.bin"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../blobs/" + "1" * 64)
    (model,) = group_tree(tmp_path).models
    assert model.safety.verdict is Verdict.DANGEROUS
    assert [file.path for file in model.files] == [link.relative_to(tmp_path).as_posix()]


@pytest.mark.parametrize("path", [BLOB, "blobs/sha256-" + "1" * 64])
def test_blobs_of_text_are_no_pickles(path: str) -> None:
    for content in (b"I am a card.\n" * 500, b"N0" * 3000, b'{"a": 1}', bytes(5000)):
        found = look(path, content)
        assert found is None or not found.safety.findings


def test_a_pointer_behind_a_link() -> None:
    text = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 9\n" % (b"a" * 64)
    assert ids_of(seen(BLOB, text)) == {"lfs-pointer"}


@pytest.mark.parametrize("name", ["model.bin", "weights.bin", "x.ckpt", "x.sav", "x.safetensors"])
def test_an_import_behind_much_padding(name: str) -> None:
    verdict = seen(name, PADDED).safety.verdict
    assert verdict is (Verdict.UNSCANNABLE if name.endswith("tensors") else Verdict.DANGEROUS)


def test_bytes_that_only_begin_like_a_program_are_raw() -> None:
    found = seen("openvino.bin", b"K\x010" * 2000 + bytes(1000))
    assert (found.format, found.facts["kind"].value, found.safety.findings) == (None, "raw", ())


def test_a_program_that_breaks_after_an_import_is_not_raw() -> None:
    found = seen("weights.bin", b"K\x010" * 2000 + b"cacme\nthing\n" + bytes(1000))
    assert found.safety.verdict >= Verdict.SUSPICIOUS
    assert "unscannable" in ids_of(found)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.pkl.gz", gzip.compress(PADDED)),
        ("x.pickle.bz2", bz2.compress(PADDED)),
        ("x.joblib.xz", lzma.compress(ODD)),
        ("model.bin", gzip.compress(ODD)),
        ("model.sav", zlib.compress(PADDED)),
    ],
    ids=["gzip", "bzip2", "xz", "gzip without a suffix", "zlib"],
)
def test_compressed_pickles_without_a_mark(name: str, content: bytes) -> None:
    assert seen(name, content).safety.verdict is Verdict.DANGEROUS


def test_compressors_that_are_not_read_are_told() -> None:
    for name, magic in (("x.pkl.zst", b"\x28\xb5\x2f\xfd"), ("x.pkl.lz4", b"\x04\x22\x4d\x18")):
        assert ids_of(seen(name, magic + bytes(40))) == {"unscannable"}
    assert look("x.txt.gz", gzip.compress(b"text")) is None


#: What joblib 1.5 wrote of a small dictionary, with ``compress=("lz4", 3)``.
LZ4_PICKLE = bytes.fromhex(
    "04224d184040c0330000005280049529000100f01a7d94288c0777656967687473945d94284b004b014b0265"
    "8c046269617394473fe0000000000000752e00000000"
)


@pytest.mark.parametrize("name", ["m.sav", "m.joblib", "m.pkl.lz4", "m.bin", "m"])
def test_pickles_behind_lz4(name: str) -> None:
    file = seen(name, LZ4_PICKLE)
    assert (file.format, file.safety.verdict) == ("joblib", Verdict.SAFE)
    assert file.sha256 == hashlib.sha256(LZ4_PICKLE).hexdigest()
    padded = lz4.packed_block([(b"K\x010", 3, 5997)], ODD)
    for evil in (lz4.stored(EVIL), lz4.stored(ODD), lz4.frame([lz4.block(padded)])):
        if name != "m" or EVIL in evil:  # without a mark the name must say it
            walked = seen(name, evil)
            assert walked.safety.verdict is Verdict.DANGEROUS
            assert group([walked], {}).models
            assert seen(name, lz4.SKIPPABLE + evil).safety.verdict is Verdict.DANGEROUS
    assert seen(name, LZ4_PICKLE[:-1]).safety.verdict is Verdict.UNSCANNABLE
    assert ids_of(seen(name, LZ4_PICKLE + b"more")) == {"pickle-trailing-data"}


def test_legacy_lz4_is_walked_too() -> None:
    packed = lz4.packed_block([], EVIL)
    legacy = lz4.LEGACY + struct.pack("<I", len(packed)) + packed
    assert seen("m.pkl.lz4", legacy).safety.verdict is Verdict.DANGEROUS
    assert seen("m.sav", legacy).safety.verdict is Verdict.DANGEROUS


def test_other_bytes_behind_lz4() -> None:
    text = lz4.stored(b"text" * 100)
    for name in ("x.bin", "x", "x.lz4", "x.txt.lz4"):
        found = look(name, text)
        assert found is None or found.role is Role.OTHER
    assert seen("x.model", text).safety.verdict is Verdict.UNSCANNABLE
    for flags in (0, lz4.SIZED, lz4.SIZED | lz4.DICTIONARY):
        unread = lz4.MAGIC + lz4.descriptor(flags, declared=9) + lz4.block(b"\x01")
        assert seen("x.model", unread).safety.verdict is Verdict.UNSCANNABLE
        assert seen("x.pkl.lz4", unread).safety.verdict is Verdict.UNSCANNABLE
    assert look("x", b"\x04\x22\x4d\x18") is None


@pytest.mark.parametrize("name", ["x.bin", "x", "x.weights", "models--a--b/blobs/" + "ab" * 32])
@pytest.mark.parametrize(
    "junk", [b"junk\x00" * 100, bytes(5000), b"\xff" * (1 << 20), b"text" * 2000]
)
def test_an_archive_behind_other_bytes(name: str, junk: bytes) -> None:
    file = seen(name, junk + torch_zip_bytes())
    assert (file.format, file.safety.verdict) == ("pytorch", Verdict.UNSCANNABLE)
    assert "zip-behind-data" in ids_of(file)
    evil = seen(name, junk + torch_zip_bytes(extra=evil_pickle()[2:-1]))
    assert evil.safety.verdict is Verdict.DANGEROUS
    truncated = seen(name, junk + torch_zip_bytes()[:-200])
    assert truncated.safety.verdict is Verdict.UNSCANNABLE


def test_offsets_that_count_the_bytes_before_do_not_help() -> None:
    out = io.BytesIO(b"junk\x00" * 100)
    out.seek(0, io.SEEK_END)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02N.")
    assert ids_of(seen("x.bin", out.getvalue())) == {"zip-behind-data"}


def test_an_archive_that_an_unpickler_would_not_reach() -> None:
    file = seen("x.sav", b"\xff" * 99 + torch_zip_bytes())
    assert (file.format, file.safety.verdict) == ("pytorch", Verdict.UNSCANNABLE)


def test_no_archive_behind_other_bytes() -> None:
    others = zip_bytes({"readme.txt": b"hello"})
    for junk in (b"\x00" * 512, b"\x7fELF" + bytes(600), b"TZif" + bytes(600)):
        assert look("x", junk) is None
        assert look("x", junk + others) is None
        assert look("x", junk + others[:-30]) is None
        file = seen("x.bin", junk + others)
        assert (file.role, file.safety.verdict, file.format) == (Role.OTHER, Verdict.SAFE, None)
    for truncated in (others[:40], others[:-30]):
        assert seen("m.bin", b"\x00" * 512 + truncated).role is Role.OTHER
    assert seen("m.keras", b"\x00" * 512 + others).safety.verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize("name", ["x", "x.dat", "x.zip"])
def test_the_member_that_tells_may_come_late(name: str) -> None:
    assert seen(name, LATE_MEMBER).safety.verdict is Verdict.DANGEROUS
    arrays = zip_bytes({"readme": b"hello", "a.npy": OBJECTS})
    assert seen(name, arrays).format == "npz"
    assert look("x.dat", zip_bytes({"readme": b"hello", "b.txt": b"text"})) is None


@pytest.mark.parametrize("name", ["weights.bin", "x.nemo", "x.model", "x.pt", "pytorch_model.bin"])
def test_tars_of_pickles_are_looked_into(name: str) -> None:
    content = enc.tar([("sys_info", b"x"), ("pickle", EVIL), ("storages", b"")])
    assert seen(name, content).safety.verdict is Verdict.DANGEROUS
    harmless = enc.tar([("sys_info", b"x"), ("pickle", ODD), ("storages", b"")])
    assert seen(name, harmless).safety.verdict >= Verdict.UNSCANNABLE
    assert look("x.dat", content) is None


TEMPLATES = [
    r"{{ ''['\137\137class\137\137'] }}",
    r"{{ ''['\N{LOW LINE}\N{LOW LINE}class'] }}",
    r"{{ ''['\U0000005f\U0000005fclass'] }}",
    "{{ ''['_'~'_'~'class'~'_'~'_'] }}",
    "{{ ''['_' + '_class'] }}",
    "{{ ''[['_', '_', 'class']|join] }}",
    "{% set u = '_' %}{{ x[u~u~'init'~u~u] }}",
    "{% set u = 'a_b'[1] %}{{ ''[u~u~'class'~u~u] }}",
    "{% set a = dict(_=1)|first %}{{ ''[a~a] }}",
    "{{ '{:c}'.format(95) }}",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_underscores_put_together_in_templates(template: str) -> None:
    found = seen("m.gguf", gguf_bytes(template=template))
    assert (found.safety.verdict, ids_of(found)) == (Verdict.DANGEROUS, {"gguf-template"})


@pytest.mark.parametrize(
    "template",
    [
        "{{ m['content'].replace('_', ' ') }}{{ messages[0]['role'] }}",
        "{% for m in messages %}{{ '<|' + m.role + '|>' }}{% endfor %}{{ names | join('_') }}",
        "{% set loop_messages = messages[1:] %}{{ 'a' if x == 'tool_call' else \"b\" }}",
    ],
)
def test_templates_of_chats_are_safe(template: str) -> None:
    found = seen("m.gguf", gguf_bytes(template=template))
    assert (found.safety.verdict, ids_of(found)) == (Verdict.SAFE, set())


@pytest.mark.parametrize(
    "operation", ["WholeFileReaderV2", "CreateSummaryFileWriter", "DebugIdentity", "LMDBReader"]
)
def test_operations_that_read_and_write(operation: str) -> None:
    found = seen("frozen.pb", enc.graph(operation))
    assert (found.safety.verdict, ids_of(found)) == (Verdict.SUSPICIOUS, {"tensorflow-operation"})


def test_a_vocabulary_without_tensors_is_safe() -> None:
    """Writers pad before tensors, and there are none."""
    name, value = b"general.architecture", b"llama"
    pair = struct.pack("<Q", len(name)) + name + struct.pack("<IQ", 8, len(value)) + value
    found = seen("vocab.gguf", b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + pair)
    assert (found.safety.verdict, ids_of(found)) == (Verdict.SAFE, set())


def test_a_torch_archive_at_its_best() -> None:
    assert seen("x", torch_zip_bytes({"w": (2, 2)})).safety.verdict is Verdict.SAFE


def test_texts_and_corpora_that_begin_as_pickles_do() -> None:
    ignored = b"coverage.html\ncoverage.txt\ncoverage.out\n.DS_Store\n"
    assert look("src/.gitignore", ignored) is None
    corpus = {f"{n}": bytes([0x80, n % 6, 0xFF, 0x23]) * 9 for n in range(9)}
    assert look("src/corpus.zip", zip_bytes(corpus)) is None
    nested = zip_bytes({"corpus.zip": zip_bytes(corpus), "readme": b"x"})
    assert look("src/v1.zip", nested) is None
    assert seen("m.pt", zip_bytes(corpus)).safety.verdict is Verdict.UNSCANNABLE
    broken = {"x": b"\x80\x04cacme\nModel\n" + b"\xff" * 9}
    assert "pickle-suspicious-global" in ids_of(seen("src/x.zip", zip_bytes(broken)))


CALL = b"cacme.payload\nrun\n(tR"


@pytest.mark.parametrize("name", ["model.pt", "model.bin", "pytorch_model.bin"])
@pytest.mark.parametrize("end", [b"\xff\n", b"R.", b".\nand then some text\n", b""])
def test_a_text_that_calls_what_nobody_knows(name: str, end: bytes) -> None:
    """An unpickler has called it by the time it stumbles."""
    assert seen(name, CALL + end).safety.verdict is Verdict.SUSPICIOUS


def test_lines_that_pass_for_an_import() -> None:
    words = b"casa\ncarro\ndia\n"
    assert look("words.pt", words) is None
    assert seen("pytorch_model.bin", words).safety.verdict is Verdict.SUSPICIOUS


@pytest.mark.parametrize("name", ["m.zip", "m.pt", "pytorch_model.bin"])
def test_a_member_that_claims_to_be_encrypted(name: str) -> None:
    """Loaders that do not look at the flag read the pickle that is there."""
    data = bytearray(zip_bytes({"model/config.pkl": EVIL}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    found = seen(name, bytes(data))
    assert found.safety.verdict is Verdict.UNSCANNABLE
    assert "zip-unreadable-member" in ids_of(found)


def test_an_archive_of_nothing_under_the_name_of_weights() -> None:
    nothing = zip_bytes({"readme.txt": b"nothing"})
    assert seen("pytorch_model.bin", nothing).safety.verdict is Verdict.UNSCANNABLE
    assert look("firmware.bin", nothing) is None


@pytest.mark.parametrize("name", ["model.joblib", "model.pkl.gz", "m/MODEL.pkl.z"])
@pytest.mark.parametrize("packed", COMPRESSED, ids=["zlib", "gzip", "xz"])
def test_compressed_pickles_in_archives(name: str, packed: bytes) -> None:
    archive = zip_bytes({"readme.txt": b"text", name.lower(): packed})
    assert seen("m.zip", archive).safety.verdict is Verdict.DANGEROUS
