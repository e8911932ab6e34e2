"""Documents of others and of our own, read into what is compared."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading import bom
from lading.errors import InputError
from support import bom_inspections as samples


def document(**fields: Any) -> bytes:
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", **fields}).encode()


def test_our_own_document() -> None:
    found = bom.read(bom.encode(bom.render(samples.full(), timestamp=samples.MOMENT)))
    assert found.subject == "ghcr.io/acme/svc:1"
    assert found.subject_version == samples.image().manifest_digest
    assert [one.name for one in found.models] == ["acme/big", "benjamin/wtp-bert-tiny", "toy"]
    assert [one.name for one in found.datasets] == ["acme/reviews"], "declared ones are not there"
    big, tiny, toy = found.models
    assert len(big.weights) == 3
    assert tiny.weights == (f"SHA-256:{samples.digest('app/models/wtp/model.safetensors')}",)
    assert tiny.licenses == ("MIT",)
    assert tiny.version == samples.COMMIT
    assert toy.version == "0.1", "the version of the distribution that ships it"
    assert toy.verdict == "dangerous"
    kinds = {(one.kind, one.name) for one in found.packages}
    assert {("pypi", "torch"), ("deb", "libc6"), ("operating-system", "debian")} <= kinds


def test_a_document_of_another_tool() -> None:
    model = {
        "type": "machine-learning-model",
        "group": "google",
        "name": "bert",
        "version": "1",
        "hashes": [{"alg": "SHA-256", "content": "AB" * 32}],
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    }
    application = {
        "type": "application",
        "name": "app",
        "components": [model, {"type": "library", "name": "lib", "purl": "pkg:npm/lib@1"}],
    }
    found = bom.read(document(components=[application, {"type": "file", "name": "/x"}]))
    (one,) = found.models
    assert (one.name, one.weights) == ("google/bert", ("SHA-256:" + "ab" * 32,))
    assert one.licenses == ("MIT OR Apache-2.0",)
    assert [(p.kind, p.name) for p in found.packages] == [("application", "app"), ("npm", "lib")]


def test_a_model_of_files_without_roles() -> None:
    files = [
        {"type": "file", "name": f"/{n}", "hashes": [{"alg": "SHA-256", "content": f"{n}" * 64}]}
        for n in range(2)
    ]
    model = {"type": "machine-learning-model", "name": "m", "components": files}
    (found,) = bom.read(document(components=[model])).models
    assert found.weights == ("SHA-256:" + "0" * 64, "SHA-256:" + "1" * 64)


def test_an_empty_document() -> None:
    found = bom.read(document())
    assert (found.models, found.datasets, found.packages, found.subject) == ((), (), (), None)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"bomFormat":"SPDX"}',
        b'{"bomFormat":"CycloneDX","bomFormat":"CycloneDX"}',
        document(components={}),
        document(components=[7]),
        document(components=[{"type": "library"}]),
        document(components=[{"type": "library", "name": 7}]),
        document(components=[{"type": ["library"], "name": "x"}]),
        document(metadata=[]),
        document(metadata={"component": "x"}),
        document(components=[{"type": "data", "name": "x", "evidence": {"occurrences": 1}}]),
        document(components=[{"type": "data", "name": "x", "hashes": [[]]}]),
        document(components=[{"type": "data", "name": "x", "licenses": [{"license": "MIT"}]}]),
    ],
)
def test_what_is_no_cyclonedx_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        bom.read(data)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "type",
                    "name",
                    "components",
                    "hashes",
                    "alg",
                    "content",
                    "licenses",
                    "license",
                    "id",
                    "evidence",
                    "occurrences",
                    "location",
                    "properties",
                    "value",
                    "version",
                    "purl",
                )
            ),
            inner | st.sampled_from(("library", "data", "machine-learning-model")),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(("metadata", "components", "specVersion")), _json))
def test_any_json_is_read_or_refused(fields: dict[str, Any]) -> None:
    with contextlib.suppress(InputError):
        assert bom.read(document(**fields)).packages is not None
