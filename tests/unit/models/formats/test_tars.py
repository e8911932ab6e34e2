"""Models in tars: torch's oldest files, NeMo's, SageMaker's; as they are written, and as traps."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import time

import pytest
import zstandard

from lading.inventory import Role, Verdict
from lading.limits import LIMITS
from lading.models import group, tars
from lading.models import vocabulary as v
from lading.models.report import Report
from lading.models.stream import BytesSource, Malformed
from support import model_encoders as enc
from support.models_fixtures import (
    CARD,
    LLAMA_CONFIG,
    MIT,
    Op,
    _bin,
    _int,
    evil_pickle,
    onnx_bytes,
    safetensors_bytes,
    torch_zip_bytes,
    zip_bytes,
)
from support.models_streams import facts_of, ids_of, look, seen

EVIL = evil_pickle()
SAFE = pickle.dumps({"a": 1}, 2)
NEMO_CONFIG = b"""target: nemo.collections.asr.models.EncDecCTCModel
nemo_version: 1.20.0
name: tiny-ctc
encoder:
  _target_: nemo.collections.asr.modules.ConvASREncoder
optim:
- _target_: torch.optim.AdamW
"""


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


def nemo(config: bytes = NEMO_CONFIG, weights: bytes | None = None) -> bytes:
    content = torch_zip_bytes() if weights is None else weights
    return enc.tar([("./model_config.yaml", config), ("./model_weights.ckpt", content)])


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


class TestNemo:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_its_archives(self, pack: type[bytes]) -> None:
        file = seen("srv/asr.nemo", pack(nemo()))
        facts = facts_of(file)

        assert (file.format, file.safety.verdict, ids_of(file)) == ("nemo", Verdict.SAFE, set())
        assert (facts[v.LIBRARY], facts[v.FRAMEWORK_VERSION]) == ("nemo", "1.20.0")
        assert (facts[v.ARCHITECTURE], facts[v.PARAMETERS]) == ("EncDecCTCModel", 36)
        assert file.facts[v.ARCHITECTURE].where == "srv/asr.nemo!/./model_config.yaml: target"
        (model,) = group([file], {}).models
        assert model.name == "tiny-ctc"

    def test_weights_that_run_code(self) -> None:
        file = seen("asr.nemo", gzip.compress(nemo(weights=torch_zip_bytes(extra=EVIL[2:-1]))))
        assert file.safety.verdict is Verdict.DANGEROUS

    @pytest.mark.parametrize(
        ("target", "verdict"),
        [
            ("builtins.exec", Verdict.DANGEROUS),
            ("subprocess.Popen", Verdict.DANGEROUS),
            ("acme.models.Own", Verdict.SUSPICIOUS),
            ("torch.optim.SGD", Verdict.SAFE),
        ],
    )
    def test_classes_that_restoring_makes(self, target: str, verdict: Verdict) -> None:
        config = NEMO_CONFIG + f"deep: [{{x: {{_target_: {target}}}}}]\n".encode()
        file = seen("asr.nemo", nemo(config))

        assert file.safety.verdict is verdict
        assert ids_of(file) == (set() if verdict is Verdict.SAFE else {"nemo-target"})

    @pytest.mark.parametrize("config", [b"- a\n", b"a: 1\n", b"{", b"target: [1]\n", b"\x00"])
    def test_configurations_of_others(self, config: bytes) -> None:
        assert look("model_config.yaml", config) is None

    @pytest.mark.parametrize(
        "config",
        [
            b"target: nemo.x\na: &a [builtins.exec]\nb: {_target_: *a}\n",
            b"target: nemo.x\nb: " + b"[" * 100_000,
            b"\x00",
            b"- no mapping",
        ],
    )
    def test_a_configuration_that_hides_what_it_names(self, config: bytes) -> None:
        file = seen("asr.nemo", nemo(config))
        assert file.safety.verdict is Verdict.UNSCANNABLE
        assert ids_of(file) == {"config-unreadable"}

    def test_one_that_hides_it_in_a_directory(self) -> None:
        hidden = b"target: nemo.x\na: &a [1]\nb: *a\n"
        assert seen("m/model_config.yaml", hidden).safety.verdict is Verdict.UNSCANNABLE
        assert look("m/model_config.yaml", b"a: &a [1]\nb: *a\n") is None
        flavors = b"flavors: {python_function: &a {loader_module: os}}\nb: *a\n"
        assert seen("m/MLmodel", flavors).safety.verdict is Verdict.UNSCANNABLE
        assert look("m/MLmodel", b"a: &a [1]\nb: *a\n") is None

    def test_one_that_was_unpacked_is_one_model(self) -> None:
        files = [
            seen("m/model_config.yaml", NEMO_CONFIG),
            seen("m/model_weights.ckpt", torch_zip_bytes()),
        ]
        (model,) = group(files, {}).models
        assert (model.name, model.fact(v.FRAMEWORK_VERSION)) == ("tiny-ctc", "1.20.0")

    def test_promises_without_a_model(self) -> None:
        file = seen("asr.nemo", enc.tar([("readme", b"text")]))

        assert (file.format, file.safety.verdict) == ("unknown", Verdict.UNSCANNABLE)


SAGEMAKER = [
    ("config.json", json.dumps(LLAMA_CONFIG).encode()),
    ("README.md", CARD.encode()),
    ("model.safetensors", safetensors_bytes()),
    ("code/inference.py", b"import os"),
]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("model.tar", bytes),
        ("model.tar.gz", gzip.compress),
        ("model.tgz", gzip.compress),
        ("model.tar.bz2", bz2.compress),
        ("model.tar.xz", lzma.compress),
        ("model.tar.zst", zstandard.compress),
        ("x.tar.gz", gzip.compress),
    ],
)
def test_archives_of_a_whole_model(name: str, pack: type[bytes]) -> None:
    file = seen(f"opt/ml/{name}", pack(enc.tar(SAGEMAKER)))
    facts = facts_of(file)

    assert (file.format, file.safety.verdict, file.role) == (
        "model-archive", Verdict.SAFE, Role.WEIGHTS,
    )  # fmt: skip
    assert (facts[v.ARCHITECTURE], facts[v.LICENSE]) == ("LlamaForCausalLM", "Apache-2.0")
    assert (facts[v.PARAMETERS], facts[v.BASE_MODEL]) == (40, ["acme/base-llama"])
    assert facts[v.MEMBERS] == [name for name, _ in SAGEMAKER]


def test_a_licence_that_is_given_in_two_ways() -> None:
    members = [*SAGEMAKER, ("LICENSE", MIT.encode())]
    assert "license-conflict" in ids_of(seen("model.tar", enc.tar(members)))


@pytest.mark.parametrize("name", ["model.tar.gz", "x.tar", "m.nemo", "m.pt"])
@pytest.mark.parametrize("member", ["a.pkl", "x", "b/model.joblib", "data.npy", "c.txt"])
def test_pickles_of_any_name(name: str, member: str) -> None:
    data = enc.tar([("model.onnx", onnx_bytes()), (member, EVIL)])
    data = gzip.compress(data) if name.endswith(".gz") else data

    assert seen(name, data).safety.verdict is Verdict.DANGEROUS


def test_archives_in_archives_are_looked_into_and_no_deeper_than_that() -> None:
    data, inner = EVIL, "w.pkl"
    for depth in range(1, 6):
        data = enc.tar([(inner, data)])
        inner = f"model{depth}.tar"
        wanted = Verdict.DANGEROUS if depth < LIMITS.archive_nesting else Verdict.UNSCANNABLE
        file = seen("model.nemo", data)
        assert file.safety.verdict is wanted, depth
    within = enc.tar([("model.zip", zip_bytes({"a.zip": zip_bytes({"w.pkl": EVIL})}))])
    assert seen("model.tar", within).safety.verdict is Verdict.DANGEROUS


def test_tars_that_are_no_models() -> None:
    texts = enc.tar([("setup.py", b"print()"), ("README.md", b"text")])
    for name in ("x.tar", "model.tar", "x.tar.gz", "source.tgz"):
        data = gzip.compress(texts) if name.endswith("gz") else texts
        assert look(name, data) is None, name
    assert look("model.tar.gz", b"no tar at all") is None
    assert look("model.tar.gz", gzip.compress(b"no tar at all")) is None
    assert look("x.tar", texts[:700]) is None, "a broken tar of something else"
    assert seen("model.tar", texts[:700]).safety.verdict is Verdict.UNSCANNABLE
    for name in ("asr.nemo", "asr.nemo.tar"):
        assert seen(name, texts).safety.verdict is Verdict.UNSCANNABLE
    assert seen("asr.nemo", gzip.compress(texts)[:20]).safety.verdict is Verdict.UNSCANNABLE


def test_samples_of_data_and_a_model_behind_them() -> None:
    parts = [(f"{n}.{part}", SAFE) for n in "12" for part in ("cls", "pkl")]
    data = seen("x.tar.gz", gzip.compress(enc.tar(parts)))
    assert (data.format, data.role, data.safety.verdict) == ("webdataset", Role.DATA, Verdict.SAFE)
    assert facts_of(data)[v.ROWS] == 2
    both = seen("x.tar", enc.tar([*parts, ("deep/model.onnx", onnx_bytes())]))
    assert (both.format, both.safety.verdict) == ("model-archive", Verdict.UNSCANNABLE)
    assert "passed over" in both.safety.findings[0].message


def test_one_whose_model_comes_before_it_breaks() -> None:
    data = enc.tar([("a.onnx", onnx_bytes()), ("b.txt", b"x")])
    broken = data[:1024] + data[1024:].replace(b"b.txt", b"c.txt", 1)

    assert seen("x.tar", broken).safety.verdict is Verdict.UNSCANNABLE


def test_a_tar_in_a_cache_has_no_name() -> None:
    place = "models--acme--asr/blobs/" + "ab" * 32
    for data in (nemo(), gzip.compress(nemo())):
        assert seen(place, data).format == "nemo"


def test_a_tar_that_is_a_pickle_too() -> None:
    """``tarfile`` takes the first bytes for a name; an unpickler runs them."""
    data = enc.tar([("x" * 60, b""), ("a.onnx", onnx_bytes())])
    name = b"cos\nsystem\n(S'true'\ntR."
    block = name + data[len(name) : 512]
    summed = sum(block[:148]) + 256 + sum(block[156:])
    forged = block[:148] + f"{summed:06o}\0 ".encode() + block[156:] + data[512:]

    with tarfile.open(fileobj=io.BytesIO(forged)) as archive:
        assert archive.getmembers()
    for path in ("m.pt", "m.nemo", "m.sav", "m.bin"):
        assert "disguised-pickle" in ids_of(seen(path, forged)), path


class TestBounds:
    def test_compressed_data_that_grows_without_end(self) -> None:
        bomb = gzip.compress(enc.tar([("a.onnx", onnx_bytes()), ("b.bin", bytes(80 << 20))]))
        start = time.monotonic()
        file = seen("model.tar.gz", bomb[:60_000] + bomb[-8:])
        assert file.safety.verdict is Verdict.UNSCANNABLE
        assert time.monotonic() - start < 20

    def test_a_ratio_that_no_weights_have(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from lading.models import report

        small = dataclasses.replace(LIMITS, inflated_floor=1 << 16, decompression_ratio=10)
        monkeypatch.setattr(report, "LIMITS", small)
        data = gzip.compress(enc.tar([("a.onnx", onnx_bytes()), ("b.bin", bytes(1 << 20))]))
        assert seen("model.tar.gz", data).safety.verdict is Verdict.UNSCANNABLE
        file = seen("model.tar.gz", data)
        assert "grows past every bound" in file.safety.findings[0].message
        two = [(f"{one}.pkl.gz", gzip.compress(pickle.dumps(bytes(60_000)))) for one in "ab"]
        assert seen("model.tar", enc.tar(two)).safety.verdict is Verdict.UNSCANNABLE

    def test_bytes_behind_the_end(self) -> None:
        data = enc.tar([("w.pkl", SAFE)])
        assert ids_of(seen("m.pt", data + bytes(5000))) == set()
        assert "tar-trailing-data" in ids_of(seen("m.pt", data + b"x"))
        assert "packed-trailing-data" in ids_of(seen("model.tar.gz", gzip.compress(data) + b"x"))

    def test_an_archive_that_is_cut_between_members(self) -> None:
        data = enc.tar([("a.pkl", SAFE), ("b.pkl", EVIL)])
        assert seen("m.pt", data[:1024]).safety.verdict is Verdict.UNSCANNABLE
        cut = zstandard.compress(data[:1024])
        assert seen("model.tar.zst", cut).safety.verdict is Verdict.UNSCANNABLE

    def test_members_without_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tars, "LIMITS", dataclasses.replace(LIMITS, zip_entries=3))
        data = enc.tar([(f"{one}.pkl", SAFE) for one in range(4)])
        assert "more than 3 members" in seen("m.pt", data).safety.findings[0].message

    def test_more_members_than_are_remembered(self) -> None:
        data = enc.tar([(f"{one}.pkl", SAFE) for one in range(LIMITS.fact_items + 2)])
        data = data.rstrip(b"\0")
        data += bytes(-len(data) % 512) + enc.tar([("last.pkl", EVIL)])
        assert seen("m.pt", data).safety.verdict is Verdict.DANGEROUS


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


def test_random_changes_never_raise_and_never_pass_for_safe_with_danger_in_them() -> None:
    import random

    base = torch_tar(pickle=EVIL)
    rng = random.Random(7)
    for _ in range(300):
        data = bytearray(base)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data.rstrip(b"\0")))] = rng.randrange(256)
        assert seen("m.pt", bytes(data)).safety.verdict is not Verdict.SAFE
