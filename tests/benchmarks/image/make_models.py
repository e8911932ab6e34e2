#!/usr/bin/env python3
"""Make the models of the reference image; runs inside its build, with its libraries.

    make_models.py hub DIRECTORY MIB       a Hugging Face cache: safetensors of MIB in shards
    make_models.py others DIRECTORY MIB    GGUF of MIB / 16, ONNX, pickles, NumPy, one to delete

The weights are pseudo-random, the same every time.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import random
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1024 * 1024
SHARDS = 4
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CARD = """---
license: apache-2.0
pipeline_tag: text-generation
datasets: [acme/prose]
---
# Reference
"""


def noise(seed: str, size: int) -> Iterator[bytes]:
    """Yield ``size`` pseudo-random bytes in pieces."""
    generator = random.Random(seed)
    while size:
        piece = generator.randbytes(min(size, MIB))
        size -= len(piece)
        yield piece


def write(path: Path, head: bytes, seed: str, size: int) -> str:
    """Write a header and noise; return the file's SHA-256."""
    digest = hashlib.sha256(head)
    with path.open("wb") as file:
        file.write(head)
        for piece in noise(seed, size):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def safetensors_header(shard: int, size: int, tensors: int = 64) -> bytes:
    """Return the header of a file with ``tensors`` bfloat16 tensors of ``size`` bytes in all."""
    each = size // tensors
    described = {
        f"layer.{shard}.{number}.weight": {
            "dtype": "BF16",
            "shape": [each // 2],
            "data_offsets": [number * each, (number + 1) * each],
        }
        for number in range(tensors)
    }
    text = json.dumps(described).encode()
    return struct.pack("<Q", len(text)) + text


def hub(root: Path, mib: int) -> None:
    """Write the cache's layout: blobs by digest, links from the snapshot."""
    model = root / "hub" / "models--acme--reference-7b"
    snapshot = model / "snapshots" / COMMIT
    blobs = model / "blobs"
    for directory in (blobs, snapshot, model / "refs"):
        directory.mkdir(parents=True)
    (model / "refs" / "main").write_text(COMMIT)
    size = mib * MIB // SHARDS
    weights = {}
    for shard in range(SHARDS):
        name = f"model-{shard + 1:05}-of-{SHARDS:05}.safetensors"
        head = safetensors_header(shard, size)
        digest = write(blobs / "incomplete", head, f"shard {shard}", size)
        keep(blobs / "incomplete", snapshot / name, digest)
        weights |= {f"layer.{shard}.{number}.weight": name for number in range(64)}
    index = {"metadata": {"total_size": mib * MIB}, "weight_map": weights}
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "torch_dtype": "bfloat16",
    }
    texts = {
        "model.safetensors.index.json": json.dumps(index),
        "config.json": json.dumps(config),
        "tokenizer_config.json": json.dumps({"tokenizer_class": "LlamaTokenizer"}),
        "README.md": CARD,
    }
    for name, text in texts.items():
        (blobs / "incomplete").write_text(text)
        keep(blobs / "incomplete", snapshot / name, hashlib.sha256(text.encode()).hexdigest())


def keep(blob: Path, link: Path, digest: str) -> None:
    """Name a blob by its digest and link to it."""
    blob.rename(blob.with_name(digest))
    link.symlink_to(f"../../blobs/{digest}")


def gguf_header(tensor_bytes: int) -> bytes:
    """Return a GGUF v3 header: two keys, one tensor of F16."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    keys = {"general.architecture": "llama", "general.name": "reference"}
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(keys))
    for key, value in keys.items():
        head += text(key) + struct.pack("<I", 8) + text(value)
    head += text("token_embd.weight") + struct.pack("<IQIQ", 1, tensor_bytes // 2, 1, 0)
    return head + bytes(-len(head) % 32)


def others(root: Path, mib: int) -> None:
    """Write models of other formats, with the libraries that the image has."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    (root / "old").mkdir(parents=True)
    (root / "new").mkdir()
    size = mib * MIB // 16
    write(root / "reference.gguf", gguf_header(size), "gguf", size)
    write(root / "old" / "model.safetensors", safetensors_header(0, MIB), "old", MIB)

    weights = np.random.default_rng(0).random((64, mib * 64), dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "reference",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, mib * 64])],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph), root / "new" / "classifier.onnx")
    np.save(root / "new" / "embeddings.npy", weights)
    for number in range(8):
        with (root / "new" / f"encoder-{number}.pkl").open("wb") as file:
            pickle.dump({"weights": weights[number], "labels": ["a", "b"]}, file)


if __name__ == "__main__":
    {"hub": hub, "others": others}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
