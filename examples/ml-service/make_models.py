#!/usr/bin/env python3
"""Make the example service's models: ``models/ticket-router-tiny`` and ``models/priority.pkl``.

The files are committed; this script is how they were made, and makes the same bytes every time,
on every machine: only the standard library, a fixed seed, and no arithmetic whose last bit may
differ (the weights are trained by a perceptron: sums of float32 values, no exponentials).

    make_models.py [DIRECTORY]     default: models/ beside this script
"""

from __future__ import annotations

import json
import pickle
import random
import re
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from service.estimators import LogisticRegression, features

WIDTH = 32
EPOCHS = 50
SEED = 20_240_229
LABELS = ("billing", "technical", "account")
TICKETS = {
    "billing": (
        "I was charged twice for my subscription this month",
        "please refund the last invoice, the amount is wrong",
        "how do I change the credit card for my payment",
        "the discount code was not applied to my bill",
        "where can I download the receipt for my order",
        "my invoice shows the wrong company and tax number",
        "cancel the renewal and refund the fee",
        "the price on the bill is higher than the quote",
    ),
    "technical": (
        "the app crashes with an error when I open a file",
        "the server is down and the API returns 500",
        "upload fails with a timeout on a slow network",
        "the page does not load after the last update",
        "I get an exception in the log when the job starts",
        "export to PDF produces an empty file",
        "the integration stopped working and requests fail",
        "search is slow and the screen freezes",
    ),
    "account": (
        "I forgot my password and cannot log in",
        "please delete my profile and all my data",
        "how do I add a new user to our team",
        "my email address changed, update my login",
        "two factor codes never arrive on my phone",
        "the admin left, make me the owner of the workspace",
        "my user was locked after too many attempts",
        "I want to change my name and my photo",
    ),
}
URGENT = (
    "URGENT: production is down!!",
    "we are blocked, fix this NOW!",
    "outage for all users, please help immediately!",
    "this is urgent, our customers cannot pay",
    "EVERYTHING IS DOWN!!!",
)
SPECIAL = ("[PAD]", "[UNK]")

CARD = """\
---
license: mit
language:
- en
library_name: safetensors
pipeline_tag: text-classification
tags:
- support-tickets
- text-classification
datasets:
- acme/support-tickets-tiny
metrics:
- accuracy
model-index:
- name: ticket-router-tiny
  results:
  - task:
      type: text-classification
    dataset:
      name: support-tickets-tiny (training split)
      type: acme/support-tickets-tiny
    metrics:
    - type: accuracy
      value: {accuracy}
---

# ticket-router-tiny

Routes a support ticket to one of three queues: billing, technical, account. The mean of the
words' embeddings goes through one linear layer.

## Training data

{tickets} English sentences, written for this example; they are in `make_models.py`.

## Limitations

It knows {words} words and no other language than English. It is small enough to read, and far too
small to use.
"""


def words(text: str) -> list[str]:
    """Split as the tokenizer does: lower case, words and punctuation apart."""
    return re.findall(r"\w+|[^\w\s]+", text.lower())


def float32(value: float) -> float:
    """Round to what the file will hold."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def make_vocabulary() -> dict[str, int]:
    """Number the special tokens, then all words in alphabetical order."""
    known = {word for texts in TICKETS.values() for text in texts for word in words(text)}
    return {word: index for index, word in enumerate((*SPECIAL, *sorted(known)))}


def make_embeddings(count: int) -> list[list[float]]:
    """Return one row of multiples of 2**-8 in [-1, 1) a word."""
    numbers = random.Random(SEED)  # noqa: S311 - weights, not secrets
    return [[(numbers.getrandbits(9) - 256) / 256 for _ in range(WIDTH)] for _ in range(count)]


def pool(text: str, vocabulary: dict[str, int], embeddings: list[list[float]]) -> list[float]:
    """Return the mean of the embeddings of a text's words."""
    rows = [embeddings[vocabulary.get(word, 1)] for word in words(text)]
    return [float32(sum(column) / len(rows)) for column in zip(*rows, strict=True)]


Head = tuple[list[list[float]], list[float]]


def scores(head: Head, row: list[float]) -> list[float]:
    """Return the linear layer's output."""
    weights, bias = head
    products = [[w * x for w, x in zip(ws, row, strict=True)] for ws in weights]
    return [sum(product) + b for product, b in zip(products, bias, strict=True)]


def train(samples: list[tuple[list[float], int]], classes: int) -> Head:
    """Fit a multi-class perceptron: move the wrong class's row away, the right one's nearer."""
    width = len(samples[0][0])
    weights, bias = [[0.0] * width for _ in range(classes)], [0.0] * classes
    for _ in range(EPOCHS):
        for row, label in samples:
            output = scores((weights, bias), row)
            margins = [value + (index != label) for index, value in enumerate(output)]
            guess = margins.index(max(margins))
            for index, step in ((label, 1.0), (guess, -1.0)) if guess != label else ():
                weights[index] = [
                    float32(w + step * x) for w, x in zip(weights[index], row, strict=True)
                ]
                bias[index] = float32(bias[index] + step)
    return weights, bias


def safetensors(tensors: dict[str, list[list[float]] | list[float]]) -> bytes:
    """Serialise float32 tensors: 8 bytes of header length, the JSON header, the data."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, tensor in tensors.items():
        rows = [row if isinstance(row, list) else [row] for row in tensor]
        flat = [value for row in rows for value in row]
        shape = [len(rows), len(rows[0])] if isinstance(tensor[0], list) else [len(rows)]
        start = len(data)
        data += struct.pack(f"<{len(flat)}f", *flat)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def write_json(path: Path, value: object) -> None:
    """Write indented JSON."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def write_tokenizer(directory: Path, vocabulary: dict[str, int]) -> None:
    """Write the tokenizer's files, in the format of the Hugging Face tokenizers library."""
    added = [
        {"id": vocabulary[token], "content": token, "special": True}
        | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for token in SPECIAL
    ]
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    }
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]"}
    write_json(directory / "tokenizer.json", tokenizer)
    write_json(directory / "special_tokens_map.json", special)
    config = {**special, "model_max_length": 512, "tokenizer_class": "PreTrainedTokenizerFast"}
    write_json(directory / "tokenizer_config.json", config)


def make_router(directory: Path) -> None:
    """Train the ticket router and write its directory."""
    directory.mkdir(parents=True, exist_ok=True)
    vocabulary = make_vocabulary()
    embeddings = make_embeddings(len(vocabulary))
    samples = [
        (pool(text, vocabulary, embeddings), LABELS.index(label))
        for label, texts in TICKETS.items()
        for text in texts
    ]
    head = train(samples, len(LABELS))
    hits = sum(scores(head, row).index(max(scores(head, row))) == label for row, label in samples)
    weights, bias = head
    (directory / "model.safetensors").write_bytes(
        safetensors(
            {
                "model.embeddings.weight": embeddings,
                "classifier.weight": weights,
                "classifier.bias": bias,
            }
        )
    )
    config = {
        "architectures": ["BagOfEmbeddingsForSequenceClassification"],
        "model_type": "bag-of-embeddings",
        "hidden_size": WIDTH,
        "vocab_size": len(vocabulary),
        "id2label": {str(index): label for index, label in enumerate(LABELS)},
        "label2id": {label: index for index, label in enumerate(LABELS)},
        "pad_token_id": 0,
        "torch_dtype": "float32",
    }
    write_json(directory / "config.json", config)
    write_tokenizer(directory, vocabulary)
    accuracy = round(hits / len(samples), 4)
    card = CARD.format(accuracy=accuracy, tickets=len(samples), words=len(vocabulary))
    (directory / "README.md").write_text(card, encoding="utf-8")


def make_priority(path: Path) -> None:
    """Fit the two-class priority model and pickle it, as people do."""
    calm = [text for texts in TICKETS.values() for text in texts]
    samples = [(features(text), 0) for text in calm] + [(features(text), 1) for text in URGENT]
    weights, bias = train(samples, 2)
    model = LogisticRegression()
    model.classes_ = ["normal", "high"]
    model.coef_ = [[high - low for low, high in zip(*weights, strict=True)]]
    model.intercept_ = [bias[1] - bias[0]]
    path.write_bytes(pickle.dumps(model, protocol=4))


def main() -> int:
    """Write all models below the given directory."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "models"
    make_router(target / "ticket-router-tiny")
    make_priority(target / "priority.pkl")
    return 0


if __name__ == "__main__":
    sys.exit(main())
