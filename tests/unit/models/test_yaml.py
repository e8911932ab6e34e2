"""Cards of strangers: what their YAML can do to a reader of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.models.companions.yamltext import parse_yaml
from lading.models.stream import Malformed
from support.models_streams import facts_of, ids_of, seen

FRONT = b"---\nlicense: mit\n%s\n---\nText\n"
REFUSED = {
    "aliases": b"a: &x [1]\nb: *x",
    "deep": b"a: " + b"[" * 100 + b"]" * 100,
    "tags that make objects": b"a: !!python/object/apply:os.system [id]",
    "huge number": b"model-index: [{results: [{metrics: [{type: a, value: 0x"
    + b"f" * 9000
    + b"}]}]}]",
    "huge octal number": b"tags: [0o" + b"7" * 9000 + b"]",
    "huge sexagesimal number": b"tags: [1" + b":59" * 5000 + b"]",
    "too large": b"a: " + b"x" * 600_000,
    "nonsense": b"a: [",
    "tab": b"a:\n\t- b",
    "two documents": b"a: 1\n--- \nb: 2\n...\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_front_matter_is_refused(text: bytes) -> None:
    file = seen("README.md", FRONT % text)

    json.dumps({name: fact.value for name, fact in file.facts.items()})
    assert "license" not in facts_of(file) or ids_of(file) == set()
    assert ids_of(file) <= {"card-unreadable"}


def test_refusals_are_told() -> None:
    for name in ("aliases", "deep", "huge number", "too large"):
        assert ids_of(seen("README.md", FRONT % REFUSED[name])) == {"card-unreadable"}


def test_plain_values_pass() -> None:
    assert parse_yaml("a: 1\nb: [x, 2.5, 2024-01-01]\nc: 0x1f\nd: " + "1" * 99)["c"] == 31


@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan"])
def test_metrics_that_json_has_no_word_for(value: str) -> None:
    text = f"model-index: [{{results: [{{metrics: [{{type: a, value: {value}}}]}}]}}]".encode()

    assert facts_of(seen("README.md", FRONT % text))["metrics"] == [{"type": "a"}]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    try:
        value = parse_yaml(text)
    except Malformed:
        return
    str(value)
