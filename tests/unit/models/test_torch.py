"""PyTorch's files: zip, legacy and TorchScript; as torch writes them, and changed by attackers."""

from __future__ import annotations

import pickle
import struct

import pytest

from lading.inventory import Verdict
from lading.models import vocabulary as v
from support.models_fixtures import (
    Op,
    _bin,
    _int,
    evil_pickle,
    torch_legacy_bytes,
    torch_zip_bytes,
    zip_bytes,
)
from support.models_streams import facts_of, ids_of, look, seen

SHAPES = {"fc.weight": (4, 8), "fc.bias": (4,)}
SYSTEM = Op.glob("os", "system") + b"(S'id'\ntR0"


@pytest.mark.parametrize("name", ["m.pt", "m.pth", "m.bin", "m.ckpt", "m"])
def test_a_state_dict(name: str) -> None:
    file = seen(f"opt/{name}", torch_zip_bytes(SHAPES))

    assert (file.format, file.safety.verdict) == ("pytorch", Verdict.SAFE)
    facts = facts_of(file)
    assert facts[v.PARAMETERS] == 36
    assert facts[v.TENSOR_COUNT] == 2
    assert facts[v.DTYPE] == "F32"
    assert facts[v.LIBRARY] == "pytorch"


def test_the_legacy_format() -> None:
    file = seen("m.pt", torch_legacy_bytes(SHAPES))

    assert (file.format, file.safety.verdict) == ("pytorch-legacy", Verdict.SAFE)
    assert facts_of(file)[v.PARAMETERS] == 36


def test_a_payload_in_data_pkl() -> None:
    file = seen("m.pt", torch_zip_bytes(SHAPES, extra=SYSTEM))

    assert file.safety.verdict is Verdict.DANGEROUS
    assert "archive/data.pkl" in file.safety.findings[0].message


@pytest.mark.parametrize(
    "name", ["archive/data.pkl", "data.pkl", "archive/extra.pkl", "x/y.joblib"]
)
def test_every_pickle_of_the_archive_counts(name: str) -> None:
    file = seen("m.pt", zip_bytes({"archive/version": b"3\n", name: b"cos\nsystem\n(S'id'\ntR."}))

    assert file.safety.verdict is Verdict.DANGEROUS


def test_a_member_with_another_name_that_is_a_pickle() -> None:
    file = seen("m.pt", zip_bytes({"archive/data.pkl": b"\x80\x02}.", "archive/x": evil_pickle()}))

    assert file.safety.verdict is Verdict.DANGEROUS


@pytest.mark.parametrize("name", ["archive/data/0", "a.npy", "x.bin", "archive/version"])
def test_a_payload_under_any_name(name: str) -> None:
    late = pickle.dumps(list(range(3000)), 4)[:-1] + b"0" + evil_pickle()[2:]
    for payload in (evil_pickle(), b"cos\nsystem\n(S'id'\ntR.", late):
        file = seen("m.pt", zip_bytes({"archive/data.pkl": b"\x80\x02}.", name: payload}))
        assert file.safety.verdict is Verdict.DANGEROUS


def test_bytes_after_a_members_pickle() -> None:
    file = seen("m.pt", zip_bytes({"archive/data.pkl": b"\x80\x02}.junk"}))

    assert file.safety.verdict is Verdict.UNSCANNABLE
    assert "pickle-trailing-data" in ids_of(file)


SCRIPT = {
    "m/data.pkl": b"\x80\x02c__torch__\nNet\n)\x81}b.",
    "m/code/__torch__.py": b"class Net(Module):\n  pass\n",
    "m/constants.pkl": b"\x80\x02).",
    "m/version": b"3\n",
}


class TestTorchScript:
    def test_it_brings_code_that_is_told(self) -> None:
        file = seen("m.jit", zip_bytes(SCRIPT))

        assert (file.format, file.safety.verdict) == ("torchscript", Verdict.SAFE)
        assert ids_of(file) == {"torchscript-code"}

    def test_its_pickles_are_walked(self) -> None:
        members = {**SCRIPT, "m/constants.pkl": evil_pickle()}

        assert seen("m.pt", zip_bytes(members)).safety.verdict is Verdict.DANGEROUS

    def test_its_classes_are_no_names_elsewhere(self) -> None:
        data = b"\x80\x02c__torch__\nNet\n)\x81}b."

        assert seen("m.pkl", data).safety.verdict is Verdict.SUSPICIOUS


class TestLegacy:
    @pytest.mark.parametrize("part", range(5))
    def test_each_pickle_is_walked(self, part: int) -> None:
        parts = [
            pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2), pickle.dumps({}, 2),
            b"\x80\x02}.", pickle.dumps([], 2),
        ]  # fmt: skip
        good = seen("m.pt", b"".join(parts))
        assert good.safety.verdict is Verdict.SAFE
        parts[part] = parts[part][:2] + SYSTEM + parts[part][2:]
        bad = seen("m.pt", b"".join(parts))

        assert bad.safety.verdict is Verdict.DANGEROUS

    def test_storages_that_are_missing_or_too_many(self) -> None:
        data = torch_legacy_bytes(SHAPES)

        assert "pytorch-truncated" in ids_of(seen("m.pt", data[:-1]))
        more = seen("m.pt", data + evil_pickle())
        assert more.safety.verdict is Verdict.UNSCANNABLE
        assert "pickle-trailing-data" in ids_of(more)

    def test_truncation_is_never_safe(self) -> None:
        data = torch_legacy_bytes(SHAPES)
        for size in range(3, len(data)):
            found = look("m.pt", data[:size])
            assert found is not None
            assert found.safety.verdict is not Verdict.SAFE, size


def _tensor(storage: bytes, key: str, *shape: int, extra: bytes = b"", name: str = "") -> bytes:
    name = name or "_rebuild_tensor_v2"
    return (
        Op.glob("torch._utils", name) + b"((" + _bin("storage") + storage + _bin(key) + _bin("cpu")
        + _int(8) + b"tQ" + _int(0) + b"(" + b"".join(map(_int, shape)) + b"t(" + _int(1)
        + b"t\x89" + Op.glob("collections", "OrderedDict") + b")R" + extra + b"tR"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("storage", "dtype"),
    [
        ("HalfStorage", "F16"),
        ("BFloat16Storage", "BF16"),
        ("LongStorage", "I64"),
        ("OddStorage", "unknown"),
    ],
)
def test_types_of_storages(storage: str, dtype: str) -> None:
    data = b"\x80\x02" + _tensor(Op.glob("torch", storage), "0", 2, 4) + b"."
    facts = facts_of(seen("m.pt", zip_bytes({"a/data.pkl": data, "a/data/0": bytes(16)})))

    assert (facts[v.DTYPE], facts[v.PARAMETERS]) == (dtype, 8)


def test_a_type_that_the_tensor_names_itself() -> None:
    tensor = _tensor(
        Op.glob("torch.storage", "UntypedStorage"), "0", 4,
        extra=Op.glob("torch", "float8_e4m3fn"), name="_rebuild_tensor_v3",
    )  # fmt: skip
    facts = facts_of(seen("m.pt", zip_bytes({"a/data.pkl": b"\x80\x02" + tensor + b"."})))

    assert (facts[v.DTYPE], facts[v.PARAMETERS]) == ("F8_E4M3", 4)


def test_tensors_that_share_their_storage_are_counted_once() -> None:
    one = _tensor(Op.glob("torch", "FloatStorage"), "0", 8)
    data = b"\x80\x02(" + one + one + _tensor(Op.glob("torch", "FloatStorage"), "1", 8) + b"l."
    facts = facts_of(seen("m.pt", zip_bytes({"a/data.pkl": data})))

    assert (facts[v.TENSOR_COUNT], facts[v.PARAMETERS]) == (2, 16)


def test_shapes_that_lie_are_cut() -> None:
    big = b"".join(_int(0x7FFFFFFF) for _ in range(6))
    tensor = _tensor(Op.glob("torch", "FloatStorage"), "0").replace(b"(t(", b"(" + big + b"t(")
    file = seen("m.pt", zip_bytes({"a/data.pkl": b"\x80\x02" + tensor + b"."}))

    assert facts_of(file)[v.PARAMETERS] == 1 << 63


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04", zip_bytes({"a.txt": b"x"}), b"\x00" * 99, b"\xff\x00"]
)
def test_what_is_named_like_torchs_and_is_not(data: bytes) -> None:
    file = seen("m.pt", data)

    assert (file.format, file.safety.verdict) == ("unknown", Verdict.UNSCANNABLE)


def test_a_tar_of_the_oldest_torch_is_not_looked_into() -> None:
    data = b"storages".ljust(257, b"\x00") + b"ustar  \x00".ljust(255, b"\x00") + bytes(1024)

    assert seen("m.pth", data).safety.verdict is Verdict.UNSCANNABLE


def test_a_checkpoint_names_its_trainer() -> None:
    data = b"\x80\x02}(" + _bin("pytorch-lightning_version") + _bin("2.1.0") + b"u."
    facts = facts_of(seen("last.ckpt", data))

    assert facts[v.FRAMEWORK_VERSION] == "2.1.0"


def test_sizes_of_elements_are_known(tmp_path: object) -> None:
    """Storages of an unknown type make the end of the legacy format unknown, not wrong."""
    out = b"".join(
        pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    )
    out += b"\x80\x02" + _tensor(Op.glob("torch", "OddStorage"), "0", 8) + b"."
    out += pickle.dumps(["0"], 2) + struct.pack("<q", 8) + bytes(99)

    assert "pickle-trailing-data" not in ids_of(seen("m.pt", out))
