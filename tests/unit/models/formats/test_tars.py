"""Models in tars: NeMo's, SageMaker's; as they are written, and as traps."""

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
from support import model_encoders as enc
from support.models_fixtures import (
    CARD,
    LLAMA_CONFIG,
    MIT,
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


def nemo(config: bytes = NEMO_CONFIG, weights: bytes | None = None) -> bytes:
    content = torch_zip_bytes() if weights is None else weights
    return enc.tar([("./model_config.yaml", config), ("./model_weights.ckpt", content)])


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


class TestNatasha:
    META = ("meta.json", b'{"id": "news", "protocol": 1}')
    CODES = struct.pack("<4I", 7, 6, 2, 4) + bytes(4 * 4 * 6 + 7 * 2)
    NETWORK = json.dumps(
        {
            "emb": {"word": {"id": "news", "codes": {"shape": [9, 9]}}},
            "layers": [
                {"weight": {"shape": [3, 4], "array": 0}},
                {"bias": {"shape": [4], "array": 1}},
            ],
        }
    ).encode()

    def test_vectors_in_codes(self) -> None:
        members = [self.META, ("vocab.bin", gzip.compress(b"words")), ("pq.bin", self.CODES)]
        found = seen("emb/news.tar", enc.tar(members))
        assert (found.format, found.safety.verdict) == ("navec", Verdict.SAFE)
        known = facts_of(found)
        assert (known[v.VOCABULARY_SIZE], known[v.EMBEDDING_LENGTH]) == (7, 6)
        assert known[v.PARAMETERS] == 4 * 6 + 7 * 2
        assert seen("emb/news.tar", enc.tar(members)[:2600]).safety.verdict is Verdict.UNSCANNABLE
        for other in (self.CODES[:-1], self.CODES + b"x", b"", bytes(16)):
            assert look("emb/news.tar", enc.tar([*members[:2], ("pq.bin", other)])) is None

    def test_a_network(self) -> None:
        members = [self.META, ("model.json", self.NETWORK), ("arrays/0.bin", bytes(48))]
        found = seen("model/ner.tar", enc.tar(members))
        assert (found.format, found.safety.verdict) == ("slovnet", Verdict.SAFE)
        assert (facts_of(found)[v.PARAMETERS], facts_of(found)[v.TENSOR_COUNT]) == (16, 2)
        broken = [self.META, ("model.json", self.NETWORK[:-2])]
        assert seen("model/ner.tar", enc.tar(broken)).safety.verdict is Verdict.UNSCANNABLE
        other = [self.META, ("model.json", b'{"emb": {"word": 3}}')]
        assert look("model/ner.tar", enc.tar(other)) is None

    def test_one_that_hides_something(self) -> None:
        members = [self.META, ("vocab.bin", b"x"), ("pq.bin", EVIL)]
        assert seen("emb/news.tar", enc.tar(members)).safety.verdict is Verdict.DANGEROUS
