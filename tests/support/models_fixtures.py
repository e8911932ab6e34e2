"""Small real model files, made by the formats' own libraries where there are any; deterministic.

Every builder returns bytes or writes into a directory and returns it. They need the packages of
the ``test`` extra: safetensors, onnx, gguf, numpy.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LLAMA_CONFIG = {
    "_name_or_path": "acme/tiny-llama",
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "max_position_embeddings": 2048,
    "torch_dtype": "float32",
    "transformers_version": "4.44.0",
    "vocab_size": 64,
}
CARD = """---
license: apache-2.0
language:
- en
pipeline_tag: text-generation
library_name: transformers
base_model: acme/base-llama
datasets:
- acme/prose
metrics:
- perplexity
tags:
- tiny
model-index:
- name: tiny-llama
  results:
  - task: {type: text-generation}
    dataset: {name: WikiText, type: wikitext}
    metrics:
    - {type: perplexity, value: 12.5, name: Perplexity}
---
# Tiny Llama

## Intended uses

Testing only.

## Limitations and bias

It has seen no text at all.

## License

Apache.
"""
APACHE = f"{'':33}Apache License\n{'':27}Version 2.0, January 2004\n"
MIT = (
    "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy "
    "of this software, to deal in the Software without restriction.\n"
)


def tensors(*shapes: tuple[int, ...], seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Return named float32 arrays."""
    rng = np.random.default_rng(seed)
    return {
        f"layer.{i}.weight": rng.standard_normal(shape).astype(np.float32)
        for i, shape in enumerate(shapes)
    }


def safetensors_bytes(
    *shapes: tuple[int, ...], metadata: dict[str, str] | None = None, seed: int = 0
) -> bytes:
    """Return a file as the safetensors library writes it."""
    from safetensors.numpy import save

    return save(tensors(*(shapes or ((4, 8), (8,))), seed=seed), metadata or {"format": "pt"})


def raw_safetensors(header: object, data: bytes = b"", *, declared: int | None = None) -> bytes:
    """Return a file with any header: a text, or what becomes JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if declared is None else declared) + text + data


def gguf_bytes(
    *,
    name: str = "Tiny Llama",
    architecture: str = "llama",
    template: str | None = None,
    split: tuple[int, int] | None = None,
    license_id: str | None = "mit",
) -> bytes:
    """Return a GGUF v3 file as the gguf library writes it."""
    import gguf

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.gguf"
        writer = gguf.GGUFWriter(path, architecture)
        writer.add_name(name)
        writer.add_context_length(4096)
        writer.add_file_type(15)
        if license_id:
            writer.add_license(license_id)
        writer.add_tags(["tiny", "test"])
        writer.add_token_list(["<s>", "</s>", "a", "b"])
        if template is not None:
            writer.add_chat_template(template)
        if split is not None:
            writer.add_uint16("split.no", split[0])
            writer.add_uint16("split.count", split[1])
        for key, value in tensors((16, 32), (32,)).items():
            writer.add_tensor(key, value)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


def onnx_bytes(*, external: str | None = None, producer: str = "tests", domain: str = "") -> bytes:
    """Return an ONNX model of one MatMul; ``external`` puts its weights into another file."""
    import onnx
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, [4, 2], [0.5] * 8)
    if external is not None:
        weights.ClearField("float_data")
        weights.data_location = TensorProto.EXTERNAL
        for key, value in (("location", external), ("offset", "0"), ("length", "32")):
            entry = weights.external_data.add()
            entry.key, entry.value = key, value
    graph = helper.make_graph(
        [helper.make_node("MatMul" if not domain else "Own", ["x", "w"], ["y"], domain=domain)],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        [weights],
    )
    model = helper.make_model(
        graph,
        producer_name=producer,
        producer_version="1.0",
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    if external is None and not domain:
        onnx.checker.check_model(model)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


class Op:
    """Pickle opcodes by name, for streams that no pickler writes."""

    @staticmethod
    def text(value: str) -> bytes:
        raw = value.encode()
        return b"\x8c" + bytes([len(raw)]) + raw

    @staticmethod
    def glob(module: str, name: str) -> bytes:
        return f"c{module}\n{name}\n".encode()

    @staticmethod
    def stack_global(module: str, name: str) -> bytes:
        return Op.text(module) + Op.text(name) + b"\x93"


def evil_pickle(module: str = "os", name: str = "system", argument: str = "true") -> bytes:
    """Return a protocol-4 pickle that would call ``module.name(argument)``; never loaded."""
    return b"\x80\x04" + Op.stack_global(module, name) + Op.text(argument) + b"\x85R."


def _torch_object(shapes: dict[str, tuple[int, ...]], extra: bytes = b"") -> bytes:
    """Return ``data.pkl`` of a state dict, as ``torch.save`` writes it with protocol 2."""
    out = [b"\x80\x02", Op.glob("collections", "OrderedDict"), b")R("]
    for number, (key, shape) in enumerate(shapes.items()):
        elements = int(np.prod(shape))
        out += [
            _bin(key), Op.glob("torch._utils", "_rebuild_tensor_v2"), b"((",
            _bin("storage"), Op.glob("torch", "FloatStorage"), _bin(str(number)), _bin("cpu"),
            _int(elements), b"tQ", _int(0), b"(", *map(_int, shape), b"t(",
            *[_int(1) for _ in shape], b"t\x89", Op.glob("collections", "OrderedDict"), b")RtR",
        ]  # fmt: skip
    return b"".join([*out, b"u", extra, b"."])


def _bin(text: str) -> bytes:
    raw = text.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def _int(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def zip_bytes(members: dict[str, bytes], *, deflate: bool = False) -> bytes:
    """Return an archive with fixed times."""
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
    return out.getvalue()


def descriptor_zip_bytes(members: dict[str, bytes]) -> bytes:
    """Return an archive as torch writes it: stored members whose sizes follow them."""
    import zlib

    out, central = bytearray(), bytearray()
    for name, data in members.items():
        raw, at, crc = name.encode(), len(out), zlib.crc32(data)
        out += struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 0, 0x0808, 0, 0, 0, 0, 0, 0, len(raw), 8)
        out += raw + b"FB" + struct.pack("<H", 4) + b"ZZZZ" + data
        out += struct.pack("<4sIII", b"PK\x07\x08", crc, len(data), len(data))
        central += struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 0, 0, 0x0808, 0, 0, 0, crc, len(data), len(data),
            len(raw), 0, 0, 0, 0, 0, at,
        ) + raw  # fmt: skip
    end = struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(members), len(members), len(central), len(out), 0
    )
    return bytes(out + central + end)


def torch_zip_bytes(
    shapes: dict[str, tuple[int, ...]] | None = None, *, extra: bytes = b"", name: str = "archive"
) -> bytes:
    """Return what ``torch.save`` writes for a state dict; ``extra`` are opcodes before STOP."""
    shapes = shapes or {"fc.weight": (4, 8), "fc.bias": (4,)}
    members = {f"{name}/data.pkl": _torch_object(shapes, extra), f"{name}/byteorder": b"little"}
    for number, shape in enumerate(shapes.values()):
        members[f"{name}/data/{number}"] = bytes(4 * int(np.prod(shape)))
    members[f"{name}/version"] = b"3\n"
    return descriptor_zip_bytes(members)


def torch_legacy_bytes(shapes: dict[str, tuple[int, ...]] | None = None) -> bytes:
    """Return what ``torch.save(..., _use_new_zipfile_serialization=False)`` writes."""
    shapes = shapes or {"fc.weight": (4, 8), "fc.bias": (4,)}
    keys = [str(number) for number in range(len(shapes))]
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    out = b"".join(
        pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, system)
    ) + _torch_object(shapes)
    out += pickle.dumps(keys, 2)
    for shape in shapes.values():
        elements = int(np.prod(shape))
        out += struct.pack("<q", elements) + bytes(4 * elements)
    return out


def npy_bytes(array: np.ndarray[Any, Any], *, allow_pickle: bool = True) -> bytes:
    """Return one array as NumPy writes it."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=allow_pickle)
    return out.getvalue()


def npz_bytes(**arrays: np.ndarray[Any, Any]) -> bytes:
    """Return several arrays in an archive with fixed times."""
    return zip_bytes({f"{name}.npy": npy_bytes(array) for name, array in arrays.items()})


def write_files(directory: Path, files: dict[str, bytes | str]) -> Path:
    """Write files below a directory and return it."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory


def hf_files(*, shards: int = 1) -> dict[str, bytes]:
    """Return the files of a small Hub model: weights, config, tokenizer, card, licence."""
    files = {
        "config.json": json.dumps(LLAMA_CONFIG, indent=2).encode(),
        "README.md": CARD.encode(),
        "LICENSE": APACHE.encode(),
        "tokenizer.json": json.dumps({"version": "1.0", "model": {"type": "BPE"}}).encode(),
        "tokenizer_config.json": json.dumps({"tokenizer_class": "LlamaTokenizer"}).encode(),
    }
    if shards == 1:
        files["model.safetensors"] = safetensors_bytes((64, 8), (8, 8))
        return files
    weight_map = {}
    for number in range(1, shards + 1):
        name = f"model-{number:05}-of-{shards:05}.safetensors"
        files[name] = safetensors_bytes((64, 8), seed=number)
        weight_map[f"layer.{number}.weight"] = name
    index = {"metadata": {"total_size": 2048 * shards}, "weight_map": weight_map}
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    return files


def write_hf_model(directory: Path, *, shards: int = 1) -> Path:
    """Write a small Hub model as ``snapshot_download(local_dir=…)`` leaves it."""
    return write_files(directory, dict(hf_files(shards=shards)))


def write_hf_cache(
    directory: Path,
    *,
    repository: str = "acme/tiny-llama",
    commit: str = COMMIT,
    files: dict[str, bytes] | None = None,
) -> Path:
    """Write a Hugging Face cache with one snapshot; return the repository's directory."""
    root = directory / f"models--{repository.replace('/', '--')}"
    write_files(root, {"refs/main": commit})
    for name, content in (files or hf_files()).items():
        large = name.endswith((".safetensors", ".bin"))
        digest = hashlib.sha256(content).hexdigest()
        blob = digest if large else hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        write_files(root / "blobs", {blob: content})
        link = root / "snapshots" / commit / name
        link.parent.mkdir(parents=True, exist_ok=True)
        up = "../" * (2 + name.count("/"))
        link.symlink_to(f"{up}blobs/{blob}")
    return root
