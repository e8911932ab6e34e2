"""The text classifier: a model directory in Hugging Face layout, run with numpy."""

from __future__ import annotations

import json
import re
import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

Array = np.ndarray


def load_safetensors(path: Path) -> dict[str, Array]:
    """Return the float32 tensors of a safetensors file by name."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(content[start:end], "<f4").reshape(entry["shape"])
    return tensors


class TicketRouter:
    """Mean of word embeddings, then one linear layer."""

    def __init__(self, directory: Path) -> None:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        tokenizer = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))
        self.labels = [config["id2label"][str(i)] for i in range(len(config["id2label"]))]
        self.vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
        self.unknown = self.vocabulary[tokenizer["model"]["unk_token"]]
        self.tensors = load_safetensors(directory / "model.safetensors")

    def __call__(self, text: str) -> dict[str, float]:
        """Return the probability of each label."""
        words = re.findall(r"\w+|[^\w\s]+", text.lower()) or [""]
        rows = [self.vocabulary.get(word, self.unknown) for word in words]
        pooled = self.tensors["model.embeddings.weight"][rows].mean(axis=0)
        logits = self.tensors["classifier.weight"] @ pooled + self.tensors["classifier.bias"]
        weights = np.exp(logits - logits.max())
        return {
            label: round(float(weight), 4)
            for label, weight in zip(self.labels, weights / weights.sum(), strict=True)
        }
