"""What loading a pickle would do, found without loading it."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import functools
import io
import os
import pickle
import pickletools
import struct
import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lading.inventory import Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.pickles import machine, steps
from lading.models.pickles.machine import TABLE
from support.models_fixtures import Op, evil_pickle, zip_bytes
from support.models_streams import facts_of, ids_of, look, seen

END = b"."
SYSTEM = Op.stack_global("os", "system")


def verdict(data: bytes, path: str = "model.pkl") -> Verdict:
    return seen(path, data).safety.verdict


def messages(data: bytes) -> str:
    return "\n".join(finding.message for finding in seen("model.pkl", data).safety.findings)


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("true",)


PLAIN = {
    "numbers": [0, 1, -1, 255, 256, 65535, 65536, 2**31, -(2**31), 2**63, 2**80, -(2**2100), 1.5],
    "text": ["", "a", "é\n名\\", "x" * 300, "y" * 70_000],
    "bytes": [b"", b"a\x00", b"b" * 300, bytearray(b"c")],
    "containers": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, set("ab"), frozenset("c")],
    "objects": [
        collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]), decimal.Decimal("1.5"),
        collections.Counter("aab"), datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
        complex(1, 2), range(3), slice(1, 2), Ellipsis, True, False, None, ValueError("x"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_is_safe_in_every_protocol(protocol: int) -> None:
    shared = ["twice"]
    file = seen("m.pkl", pickle.dumps({**PLAIN, "one": shared, "two": shared}, protocol))

    assert file.safety.verdict is Verdict.SAFE, file.safety
    assert file.format == "pickle"
    assert facts_of(file)[v.FORMAT_VERSION] == f"protocol {protocol if protocol > 1 else '0 or 1'}"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_call_of_the_system_is_dangerous_in_every_protocol(protocol: int) -> None:
    file = seen("m.pkl", pickle.dumps({"weights": [1.0], "x": Evil()}, protocol))

    assert file.safety.verdict is Verdict.DANGEROUS
    (finding,) = file.safety.findings
    assert finding.id == "pickle-dangerous-global"
    assert f"{os.system.__module__}.system" in finding.message


def test_the_offset_is_where_the_name_is_imported() -> None:
    data = b"\x80\x04" + Op.text("x" * 100) + b"0" + SYSTEM + Op.text("id") + b"\x85R."
    at = data.index(b"\x93") + 1

    assert f"imports os.system at byte {at}" in messages(data)


def test_every_opcode_of_the_standard_library_is_walked() -> None:
    assert set(TABLE) == {opcode.code.encode("latin-1") for opcode in pickletools.opcodes}


#: Ways to hand two words to STACK_GLOBAL, or to import and call otherwise.
OBFUSCATED = {
    "GLOBAL": Op.glob("os", "system") + b"(S'id'\ntR.",
    "GLOBAL of Python 2": Op.glob("__builtin__", "eval") + b"(S'1'\ntR.",
    "INST": b"(S'id'\nios\nsystem\n.",
    "OBJ": b"(" + Op.glob("os", "system") + b"S'id'\no.",
    "NEWOBJ": b"\x80\x02" + Op.glob("os", "system") + b"U\x02id\x85\x81.",
    "NEWOBJ_EX": b"\x80\x04" + SYSTEM + Op.text("id") + b"\x85}\x92.",
    "STRING": b"\x80\x04S'os'\nS'system'\n\x93.",
    "escaped UNICODE": b"\x80\x04V\\u006fs\nV\\x73ystem\n\x93.",
    "BINUNICODE8": b"\x80\x04\x8d" + struct.pack("<Q", 2) + b"os" + Op.text("system") + b"\x93.",
    "SHORT_BINSTRING": b"\x80\x04U\x02osU\x06system\x93.",
    "BINSTRING": b"\x80\x04T" + struct.pack("<i", 2) + b"os" + Op.text("system") + b"\x93.",
    "memo": b"\x80\x04" + Op.text("os") + b"\x940" + Op.text("system") + b"\x940h\x00h\x01\x93.",
    "memo by line": Op.text("os") + b"p7\n0" + Op.text("system") + b"p8\n0g7\ng8\n\x93.",
    "far memo": Op.text("os") + b"r\xff\xff\xff\x000" + b"j\xff\xff\xff\x00" + Op.text("popen")
    + b"\x93.",
    "memo overwritten": Op.text("x") + b"q\x000" + Op.text("os") + b"q\x000h\x00" + Op.text("popen")
    + b"\x93.",
    "junk between": Op.text("os") + b"K\x010N0]0" + Op.text("system") + b"\x93.",
    "DUP": Op.text("os") + b"20" + Op.text("system") + b"\x93.",
    "under a mark": Op.text("os") + b"(K\x01K\x021" + Op.text("system") + b"\x93.",
    "from a tuple's place": b"(" + Op.text("a") + b"t0" + SYSTEM + b".",
    "framed": b"\x80\x04\x95" + struct.pack("<Q", 99) + SYSTEM + b".",
    "framed with a lie": b"\x80\x04\x95" + b"\xff" * 8 + SYSTEM + b".",
    "after a STOP": b"\x80\x02}." + evil_pickle(),
    "second of two": pickle.dumps([1]) + pickle.dumps(Evil()),
    "no argument": b"\x80\x04" + SYSTEM + b".",
    "dotted": b"\x80\x04" + Op.stack_global("builtins", "object.__class__.__base__") + b".",
    "submodule": b"\x80\x04" + Op.stack_global("torch.hub", "load") + b".",
    "class patched": Op.glob("torch.nn.modules.linear", "Linear") + b"}S'forward'\nK\x01sb.",
}  # fmt: skip


@pytest.mark.parametrize("data", OBFUSCATED.values(), ids=OBFUSCATED)
def test_no_way_of_importing_is_missed(data: bytes) -> None:
    assert verdict(data) is Verdict.DANGEROUS


DOUBTFUL = {
    "unknown module": b"\x80\x04" + Op.stack_global("acme.layers", "Net") + b")R.",
    "escaped STRING": b"\x80\x04S'\\x6fs'\nS'system'\n\x93.",
    "long name": b"\x80\x04" + Op.text("acme") + b"X\x00\x04\x00\x00" + b"a" * 1024 + b"\x93.",
    "unknown memo": b"\x80\x04h\x09h\x08\x93.",
    "name from a call": b"\x80\x04" + Op.stack_global("builtins", "str") + b")R"
    + Op.text("system") + b"\x93.",
    "call of a call": b"\x80\x04" + Op.stack_global("builtins", "dict") + b")R)R.",
    "extension registry": b"\x80\x02\x82\x01)R.",
    "extension registry, wide": b"\x80\x02\x84\x01\x00\x00\x00)R.",
    "extension registry, short": b"\x80\x02\x83\x01\x00)R.",
    "mixed memo": Op.text("a") + b"q\x05" + Op.text("b") + b"\x94.",
    "mixed memo, other order": Op.text("b") + b"\x94" + Op.text("a") + b"q\x05.",
}  # fmt: skip


@pytest.mark.parametrize("data", DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_cannot_be_followed_is_suspicious(data: bytes) -> None:
    assert verdict(data) is Verdict.SUSPICIOUS


BROKEN = {
    "empty stack": b"\x80\x02.",
    "no mark": b"\x80\x02t.",
    "mark popped twice": b"(11.",
    "GET of text": b"gx\n.",
    "unknown opcode": b"\x80\x02\xff.",
    "protocol 9": b"\x80\x09N.",
    "unquoted STRING": b"Sos\n.",
    "half quoted STRING": b"S'os\n.",
    "negative BINSTRING": b"T" + struct.pack("<i", -1) + b".",
    "negative LONG4": b"\x8b" + struct.pack("<i", -1) + b".",
    "name that is a number": b"\x80\x04K\x01" + Op.text("system") + b"\x93.",
    "endless line": b"V" + b"a" * (LIMITS.companion_json + 1),
    "huge text": b"X\xff\xff\xff\xff" + b"a" * 100,
    "huge bytes": b"\x8e" + b"\xff" * 8 + b"a" * 100,
    "append to nothing": b"N0Na.",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_breaks_is_unscannable(data: bytes) -> None:
    assert verdict(data) is Verdict.UNSCANNABLE
    assert verdict(SYSTEM + b"0" + data) is Verdict.DANGEROUS, "what ran before it counts"


def test_a_truncated_pickle_is_never_safe() -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        whole = pickle.dumps(PLAIN["containers"] + PLAIN["objects"], protocol)
        for size in {*range(1, len(whole), 5), len(whole) - 1}:
            assert verdict(whole[:size]) is not Verdict.SAFE, (protocol, size)


@pytest.mark.parametrize("junk", [b"\x00", b"\n", b"\xff" * 40, b"GIF89a", b"#!/bin/sh\n"])
def test_a_pickle_behind_junk_is_never_safe(junk: bytes) -> None:
    assert verdict(junk + pickle.dumps([1])) is Verdict.UNSCANNABLE
    assert verdict(junk + evil_pickle()) >= Verdict.UNSCANNABLE


@pytest.mark.parametrize("junk", [b"\x00", b"junk", b"PK\x03\x04", bytes(5000)])
def test_bytes_after_the_pickle_are_told(junk: bytes) -> None:
    file = seen("m.pkl", pickle.dumps([1]) + junk)

    assert file.safety.verdict is Verdict.UNSCANNABLE
    assert "pickle-trailing-data" in ids_of(file)


def test_pickles_in_a_row_are_one_file() -> None:
    out = io.BytesIO()
    for number in range(50):
        pickle.dump({"step": number}, out)

    assert verdict(out.getvalue()) is Verdict.SAFE


def test_too_many_pickles_in_a_row() -> None:
    assert verdict(b"N." * 10_002) is Verdict.UNSCANNABLE


def test_bounds_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LIMITS", dataclasses.replace(LIMITS, pickle_stack=1000))
    monkeypatch.setattr(machine, "LIMITS", dataclasses.replace(LIMITS, pickle_opcodes=20_000))
    many_values = b"\x80\x02" + b"N" * 1001 + b"."
    many_marks = b"(" * 1001 + b"."

    assert "values on the stack" in messages(many_values)
    assert "too many marks" in messages(many_marks)
    assert "opcodes" in messages(b"N0" * 11_000 + b"N.")
    assert verdict(b"N0" * 9_000 + b"N.") is Verdict.SAFE


def test_names_beyond_the_first_thousands_are_not_lost() -> None:
    names = b"".join(Op.glob("acme", f"n{i}") + b"0" for i in range(LIMITS.fact_items + 10))
    file = seen("m.pkl", names + SYSTEM + b".")

    assert file.safety.verdict is Verdict.DANGEROUS
    assert "imports os.system" in file.safety.findings[0].message, "the worst comes first"
    assert len(file.safety.findings) == LIMITS.findings_per_file + 1
    assert seen("m.pkl", names + b"N.").safety.verdict is Verdict.SUSPICIOUS


def test_known_words_are_remembered_whatever_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LIMITS", dataclasses.replace(LIMITS, pickle_memo=1000))
    filler = b"".join(
        Op.text(f"{i:x}") + b"r" + struct.pack("<I", i + 10) + b"0" for i in range(1005)
    )
    hidden = Op.text("os") + b"q\x010" + Op.text("system") + b"q\x020h\x01h\x02\x93."

    assert verdict(filler + hidden) is Verdict.DANGEROUS


def test_the_object_and_its_library_are_facts() -> None:
    data = Op.stack_global("sklearn.svm._classes", "SVC") + b")\x81}" + Op.text("_sklearn_version")
    file = seen("m.pkl", b"\x80\x04" + data + Op.text("1.5.0") + b"sb.")

    assert file.safety.verdict is Verdict.SAFE
    assert facts_of(file)[v.ARCHITECTURE] == "SVC"
    assert facts_of(file)[v.LIBRARY] == "scikit-learn"
    assert facts_of(file)[v.FRAMEWORK_VERSION] == "1.5.0"
    assert facts_of(file)[v.GLOBALS] == ["sklearn.svm._classes.SVC"]


def test_persistent_ids_are_values() -> None:
    assert verdict(b"Pstorage\n.") is Verdict.SAFE
    assert verdict(b"\x80\x02U\x01aQ.") is Verdict.SAFE


def test_a_partial_is_as_dangerous_as_what_it_calls() -> None:
    assert verdict(pickle.dumps(functools.partial(print, "x"))) is Verdict.SUSPICIOUS
    assert verdict(pickle.dumps(functools.partial(dict, x=1))) is Verdict.SUSPICIOUS
    assert verdict(pickle.dumps(functools.partial(os.system, "x"))) is Verdict.DANGEROUS
    assert verdict(pickle.dumps(functools.partialmethod(print, "x"))) is Verdict.DANGEROUS
    called = Op.stack_global("functools", "partial") + Op.stack_global("m", "f") + b"\x85R)R."
    assert ids_of(seen("m.pkl", b"\x80\x04" + called)) == {
        "pickle-suspicious-global",
        "pickle-computed-call",
    }


@pytest.mark.parametrize("how", ["handed on", "kept", "from the memo", "twice"])
def test_getattr_of_a_time_zone_excuses_no_other_use(how: str) -> None:
    get = Op.stack_global("builtins", "getattr") + b"\x94"
    zone = Op.stack_global("zoneinfo", "ZoneInfo") + Op.text("_unpickle") + b"\x86R0"
    partial = Op.stack_global("functools", "partial")
    again = {
        "handed on": partial + get + b"\x85R",
        "kept": b"]" + get + b"a",
        "from the memo": partial + b"h\x00\x85R",
        "twice": b"h\x002\x86",
    }
    assert verdict(b"\x80\x04" + get + zone + b"N.") is Verdict.SAFE
    assert verdict(b"\x80\x04" + get + zone + again[how] + b".") is Verdict.DANGEROUS


class TestWhichFilesAreWalked:
    @pytest.mark.parametrize(
        "name", ["m.pkl", "m.pickle", "m.joblib", "m.dill", "m.bin", "m", "x.y"]
    )
    def test_by_content_whatever_the_name(self, name: str) -> None:
        assert verdict(evil_pickle(), f"opt/{name}") is Verdict.DANGEROUS

    @pytest.mark.parametrize("name", ["m.pt", "m.pth", "m.ckpt", "m.bin", "m.model", "m"])
    @pytest.mark.parametrize("how", ["GLOBAL", "INST", "OBJ"])
    def test_protocol_0_without_a_mark(self, name: str, how: str) -> None:
        assert verdict(OBFUSCATED[how], f"opt/{name}") is Verdict.DANGEROUS

    def test_a_suffix_is_believed_to_promise_a_pickle(self) -> None:
        assert verdict(b"no pickle at all") is Verdict.UNSCANNABLE

    @pytest.mark.parametrize(
        "data",
        [b"\x80\x02\xff" + bytes(5000), b"\x80\x04", b"\x80\x03abc", b"ccc\nddd\neee", b"(dq"],
    )
    def test_other_files_that_begin_alike_are_none(self, data: bytes) -> None:
        assert look("usr/lib/data.dat", data) is None

    @pytest.mark.parametrize("name", ["m.pt", "m.bin", "m.ckpt", "m.model"])
    def test_protocol_0_that_begins_like_a_text(self, name: str) -> None:
        data = b"S'x'\n0" + OBFUSCATED["GLOBAL"]

        assert verdict(data, f"opt/{name}") is Verdict.DANGEROUS

    @pytest.mark.parametrize("name", ["m.pt", "m.ckpt", "m.npy", "m.npz"])
    def test_protocol_1_that_begins_like_anything(self, name: str) -> None:
        assert verdict(b"K\x010" + OBFUSCATED["GLOBAL"], name) is Verdict.DANGEROUS
        assert verdict(b"K\x010" + bytes(50), name) is Verdict.UNSCANNABLE
        assert verdict(b"]q\x00K\x01a.", name) is Verdict.SAFE

    @pytest.mark.parametrize(
        "text", ["import a; import b\n", "./src\n", "/usr/lib\n", "cat\ndog\nemu\n", "id: 1\n"]
    )
    def test_texts_are_none(self, text: str) -> None:
        for name in ("x.pth", "x.pt", "words", "vocabulary.dat"):
            assert look(f"usr/lib/{name}", text.encode()) is None

    def test_a_pickle_that_is_something_else_too(self) -> None:
        """BINFLOAT takes eight bytes: what is GGUF to llama.cpp is a program to ``pickle``."""
        gguf = b"GGUF\x03" + bytes(4) + SYSTEM + Op.text("id") + b"\x85R."

        for name in ("m.pkl", "m.pt"):
            found = seen(name, gguf)
            assert found.safety.verdict is Verdict.UNSCANNABLE
            assert "disguised-pickle" in ids_of(found)
        assert "disguised-pickle" not in ids_of(seen("m.gguf", gguf))

    @pytest.mark.parametrize(
        "name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "training_args.bin"]
    )
    def test_names_that_promise_a_pickle(self, name: str) -> None:
        padding = b"B" + struct.pack("<I", 9000) + bytes(9000) + b"0"

        assert verdict(padding + OBFUSCATED["GLOBAL"], name) is Verdict.DANGEROUS
        assert verdict(b"\x00" * 99, name) is Verdict.UNSCANNABLE

    def test_a_payload_in_any_bin(self) -> None:
        assert verdict(b"K\x010" + OBFUSCATED["GLOBAL"] + bytes(99), "x.bin") is Verdict.DANGEROUS


def test_many_pickles_with_many_names_take_no_time_of_their_own() -> None:
    """A tenth of a megabyte took minutes, when all names were judged after each pickle."""
    names = b"".join(Op.glob(f"module{n}", f"name{n}") + b"0" for n in range(4096))
    start = time.monotonic()
    file = seen("m.pkl", b"\x80\x02" + names + b"N." + b"\x80\x02N." * 9000)
    members = {"a.pkl": b"\x80\x02" + names + b"N."}
    members |= {f"{n}.pkl": b"\x80\x02N." for n in range(2000)}
    archive = seen("m.zip", zip_bytes(members))

    assert time.monotonic() - start < 20
    assert file.safety.verdict is archive.safety.verdict is Verdict.SUSPICIOUS
    assert all("in a.pkl" in one.message for one in archive.safety.findings[:-1])


class TestTimeZones:
    """Their own pickles call ``getattr``, with arguments that are always the same."""

    @pytest.mark.parametrize("protocol", range(6))
    def test_a_time_zone_is_plain_data(self, protocol: int) -> None:
        zones = [ZoneInfo("Europe/Berlin"), ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")]
        assert seen("z.pkl", pickle.dumps(zones, protocol)).safety.verdict is Verdict.SAFE

    @pytest.mark.parametrize(
        ("owner", "attribute"),
        [
            (b"zoneinfo\nZoneInfo", b"from_file"),
            (b"collections\nOrderedDict", b"_unpickle"),
            (b"zoneinfo\nZoneInfo", b"__class__"),
        ],
    )
    def test_getattr_is_dangerous_else(self, owner: bytes, attribute: bytes) -> None:
        other = b"cbuiltins\ngetattr\n(c%s\nS'%s'\ntR0" % (owner, attribute)
        both = pickle.dumps(ZoneInfo("UTC"), 0)[:-1] + b"0" + other + b"N."
        for data in (other + b"N.", both):
            assert seen("z.pkl", data).safety.verdict is Verdict.DANGEROUS

    def test_getattr_that_is_only_imported(self) -> None:
        assert seen("z.pkl", b"cbuiltins\ngetattr\n.").safety.verdict is Verdict.DANGEROUS
