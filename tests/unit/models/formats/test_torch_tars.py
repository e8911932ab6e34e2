"""Torch's oldest files, which are tars of pickles; as they were written, and as traps."""

from __future__ import annotations

import pickle
import struct
import tarfile

import pytest

from lading.inventory import Verdict
from lading.models import vocabulary as v
from support import model_encoders as enc
from support.models_fixtures import Op, _bin, _int, evil_pickle
from support.models_streams import facts_of, ids_of, seen

EVIL = evil_pickle()


def entry(*values: int | str, kind: str) -> bytes:
    """Return the pickle that stands before a storage or tensor."""
    parts = (_int(one) if isinstance(one, int) else _bin(one) for one in values)
    return b"\x80\x02(" + b"".join(parts) + Op.glob("torch", kind) + b"t."


def storages(kind: str = "FloatStorage", count: int = 32, width: int = 4) -> bytes:
    held = struct.pack("<q", count) + bytes(max(count, 0) * width)
    return pickle.dumps(1, 2) + entry(7, "cpu", kind=kind) + held + pickle.dumps([], 2)


def tensors(*shape: int, kind: str = "FloatTensor", dimensions: int | None = None) -> bytes:
    known = len(shape) if dimensions is None else dimensions
    numbers = struct.pack(f"<{2 * len(shape) + 1}q", *shape, *shape, 0)
    return pickle.dumps(1, 2) + entry(9, 7, kind=kind) + struct.pack("<i4x", known) + numbers


def torch_tar(**changed: bytes) -> bytes:
    """Return what ``torch.save`` wrote before 0.1.10 for a state dict of one 4 by 8 tensor."""
    parts = {
        "sys_info": pickle.dumps({"protocol_version": 1000}, 2),
        "pickle": b"\x80\x02" + Op.glob("collections", "OrderedDict") + b")R("
        + _bin("w") + _int(9) + b"Qu.",
        "tensors": tensors(4, 8),
        "storages": storages(),
    }  # fmt: skip
    return enc.tar((parts | changed).items(), tarfile.PAX_FORMAT)


class TestTorch:
    @pytest.mark.parametrize("name", ["m.pt", "m.pth.tar", "m.tar", "legacy.bin"])
    def test_the_oldest_files(self, name: str) -> None:
        file = seen(name, torch_tar())
        facts = facts_of(file)

        assert (file.format, file.safety.verdict, ids_of(file)) == (
            "pytorch-tar", Verdict.SAFE, set(),
        )  # fmt: skip
        assert (facts[v.PARAMETERS], facts[v.TENSOR_COUNT], facts[v.DTYPE]) == (32, 1, "F32")
        assert facts[v.LIBRARY] == "pytorch"

    @pytest.mark.parametrize("member", ["sys_info", "pickle", "tensors", "storages"])
    def test_every_member_is_unpickled_and_therefore_walked(self, member: str) -> None:
        file = seen("m.pt", torch_tar(**{member: EVIL}))

        assert file.safety.verdict is Verdict.DANGEROUS
        assert any(f"in {member}: loading it imports os.system" in f.message
                   for f in file.safety.findings)  # fmt: skip

    @pytest.mark.parametrize(
        ("member", "content"),
        [
            ("storages", storages(kind="OddStorage")),
            ("storages", storages(count=-1)),
            ("storages", storages() + b"more"),
            ("storages", storages()[:-20]),
            ("storages", pickle.dumps("x", 2)),
            ("storages", pickle.dumps(1, 2) + pickle.dumps(5, 2)),
            ("tensors", tensors(4, -8)),
            ("tensors", tensors(4, dimensions=65)),
            ("tensors", pickle.dumps(-1, 2)),
            ("pickle", b"\x80\x02}"),
        ],
    )
    def test_what_cannot_be_read_is_never_safe(self, member: str, content: bytes) -> None:
        assert seen("m.pt", torch_tar(**{member: content})).safety.verdict >= Verdict.UNSCANNABLE

    def test_shapes_that_lie_are_cut(self) -> None:
        facts = facts_of(seen("m.pt", torch_tar(tensors=tensors(1 << 40, 1 << 40))))
        assert facts[v.PARAMETERS] == 1 << 63

    def test_truncation_is_never_safe(self) -> None:
        data = torch_tar()
        whole = data.rstrip(b"\0")
        for size in range(600, len(whole), 97):
            assert seen("m.pt", data[:size]).safety.verdict is not Verdict.SAFE, size


def test_random_changes_never_raise_and_never_pass_for_safe_with_danger_in_them() -> None:
    import random

    base = torch_tar(pickle=EVIL)
    rng = random.Random(7)
    for _ in range(300):
        data = bytearray(base)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data.rstrip(b"\0")))] = rng.randrange(256)
        assert seen("m.pt", bytes(data)).safety.verdict is not Verdict.SAFE
