"""Strict reading of JSON documents and the exact bytes of what is written."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading_oci import mediatypes
from lading_oci.digest import digest_of, is_digest, referrers_tag
from lading_oci.errors import LimitExceeded, MalformedError, OciError
from lading_oci.interface import Descriptor
from lading_oci.jsontext import parse_object
from lading_oci.manifests import (
    check_shape,
    describe,
    descriptor_json,
    dump,
    index_manifest,
    parse_descriptor,
    referrer_manifest,
)

DIGEST = digest_of(b"x")
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"7",
        b"null",
        b"{",
        b'{"a":1}x',
        b'{"a":1,"a":2}',
        b'{"b":{"a":1,"a":2}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":"\xff"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\\ud800"}',
        b'{"\\ud800":1}',
        b'{"a":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
        '{"a":1}'.encode("utf-16"),
    ],
)
def test_what_is_no_object(content: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_object(content)


def test_a_document_has_a_bound() -> None:
    assert parse_object(b'{"a":"b"}', limit=9) == {"a": "b"}
    with pytest.raises(LimitExceeded):
        parse_object(b'{"a":"b"}', limit=8)


@pytest.mark.parametrize(
    ("containers", "inside", "fits"),
    [(64, b"", True), (65, b"", False), (63, b"1", True), (64, b"1", False), (64, b"{}", False)],
)
def test_a_document_has_a_depth(containers: int, inside: bytes, fits: bool) -> None:
    """What lies in the innermost container counts, too."""
    lists = containers - 1
    content = b'{"a":' + b"[" * lists + inside + b"]" * lists + b"}"
    if fits:
        assert parse_object(content)
    else:
        with pytest.raises(MalformedError, match="well-formed"):
            parse_object(content)


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert parse_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_parse_or_are_refused(content: bytes) -> None:
    with contextlib.suppress(OciError):
        parse_object(content)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(
    st.fixed_dictionaries(
        {"mediaType": st.just("a/b") | _json, "digest": st.just(DIGEST) | _json},
        optional={
            "size": st.integers() | _json,
            "annotations": _json,
            "artifactType": _json,
            "platform": _json,
            "data": _json,
        },
    )
)
def test_any_descriptor_is_read_or_refused(value: dict[str, object]) -> None:
    try:
        descriptor = parse_descriptor(value)
    except OciError:
        return
    assert parse_descriptor(descriptor_json(descriptor)) == descriptor


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "sha256:ABC"},
        {"digest": "md5:d41d8cd98f00b204e9800998ecf8427e"},
        {"digest": None},
        {"size": -1},
        {"size": True},
        {"size": 1.0},
        {"size": "1"},
        {"size": 1 << 64},
        {"mediaType": ""},
        {"mediaType": "x" * 256},
        {"annotations": {"a": 1}},
        {"annotations": []},
        {"annotations": {str(n): "" for n in range(1001)}},
        {"data": "%%%"},
        {"data": "eXk="},
        {"data": 7},
    ],
)
def test_descriptors_that_are_none(change: dict[str, object]) -> None:
    with pytest.raises(OciError):
        parse_descriptor({"mediaType": "a/b", "digest": DIGEST, "size": 1, **change})
    with pytest.raises(OciError):
        parse_descriptor([change])


def test_inline_data_is_verified() -> None:
    value = {"mediaType": "a/b", "digest": DIGEST, "size": 1, "data": "eA=="}
    assert parse_descriptor(value).data == b"x"


def test_the_referrer_manifest_to_the_byte() -> None:
    subject = Descriptor(
        mediatypes.OCI_MANIFEST, "sha256:" + "1" * 64, 10, annotations={"dropped": "yes"}
    )
    blob = Descriptor(BUNDLE, "sha256:" + "2" * 64, 20)
    annotations = {
        "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
        "dev.sigstore.bundle.content": "dsse-envelope",
    }
    assert referrer_manifest(
        subject, blob, artifact_type=BUNDLE, annotations=annotations
    ).decode() == (
        '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json",'
        '"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:'
        '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",'
        '"size":2,"data":"e30="},'
        '"layers":[{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",'
        f'"digest":"sha256:{"2" * 64}","size":20}}],'
        '"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        f'"digest":"sha256:{"1" * 64}","size":10}},'
        '"annotations":{"dev.sigstore.bundle.content":"dsse-envelope",'
        '"org.opencontainers.image.created":"2026-01-02T03:04:05Z"}}'
    )


def test_entries_of_others_are_kept_verbatim() -> None:
    entry = {"x-unknown": {"y": [1, "é"]}, "digest": DIGEST}
    assert json.loads(index_manifest([entry]))["manifests"] == [entry]


@pytest.mark.parametrize(
    ("document", "sent"),
    [
        ({"mediaType": mediatypes.OCI_INDEX, "manifests": []}, mediatypes.OCI_MANIFEST),
        ({"mediaType": mediatypes.OCI_MANIFEST, "manifests": []}, mediatypes.OCI_MANIFEST),
        ({"mediaType": mediatypes.OCI_INDEX, "layers": []}, mediatypes.OCI_INDEX),
        ({"manifests": [], "layers": []}, mediatypes.OCI_INDEX),
        ({"manifests": [], "config": {}}, "application/json"),
        ({}, mediatypes.OCI_MANIFEST),
    ],
)
def test_documents_that_could_be_read_in_two_ways(document: dict[str, object], sent: str) -> None:
    with pytest.raises(MalformedError):
        check_shape(document, sent, where="here")


def test_the_media_type_of_a_document() -> None:
    image = {"mediaType": mediatypes.OCI_MANIFEST, "config": {}, "layers": []}
    assert check_shape(image, "application/json", where="") == mediatypes.OCI_MANIFEST
    del image["mediaType"]
    sent = f"{mediatypes.OCI_MANIFEST}; charset=utf-8"
    assert check_shape(image, sent, where="") == mediatypes.OCI_MANIFEST


def test_a_referrer_is_described_as_the_specification_says() -> None:
    config = {
        "config": {"mediaType": "application/vnd.config"},
        "subject": {},
        "annotations": {"a": "b"},
    }
    content = dump(config)
    described = describe(config, content, mediatypes.OCI_MANIFEST)
    assert described.artifact_type == "application/vnd.config"
    assert described.annotations == {"a": "b"}
    assert (described.digest, described.size) == (digest_of(content), len(content))
    with_type = {**config, "artifactType": "application/vnd.artifact"}
    assert describe(with_type, b"", "").artifact_type == "application/vnd.artifact"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sha256:" + "0" * 64, True),
        ("sha512:" + "f" * 128, True),
        ("sha384:" + "f" * 96, True),
        ("sha256:" + "0" * 63, False),
        ("sha256:" + "0" * 65, False),
        ("sha256:" + "A" * 64, False),
        ("sha256:" + "0" * 63 + "\n", False),
        ("sha1:" + "0" * 40, False),
        ("blake3:" + "0" * 64, False),
        ("sha256", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_digests(text: object, expected: bool) -> None:
    assert is_digest(text) is expected


def test_the_referrers_tag() -> None:
    assert referrers_tag("sha256:" + "a" * 64) == "sha256-" + "a" * 64
    assert referrers_tag("sha512:" + "b" * 128) == "sha512-" + "b" * 64, "cut as the schema says"
