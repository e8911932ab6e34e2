"""Image configurations and platforms, well-formed and not."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InputError, LimitError, UsageError
from lading.image import documents
from lading.image.documents import (
    checked_digest,
    json_array,
    json_object,
    make_facts,
    parse_config,
    read_config,
)
from lading.image.platforms import choose, default_platform, fits, parse_platform, read_platform
from lading.inventory import Platform
from lading.limits import Limits

A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
CONFIG: dict[str, Any] = {
    "os": "linux",
    "architecture": "arm64",
    "variant": "v8",
    "created": "2026-01-01T00:00:00Z",
    "config": {"Labels": {"a": "b", "n": 1}},
    "rootfs": {"type": "layers", "diff_ids": [A, B]},
    "history": [
        {"created_by": "ADD base"},
        {"created_by": "ENV x=y", "empty_layer": True},
        {"created_by": "RUN pip"},
    ],
}


def test_a_configuration() -> None:
    found = parse_config(json.dumps(CONFIG).encode(), "test")
    assert found.platform == Platform("linux", "arm64", "v8")
    assert found.diff_ids == (A, B)
    assert found.created == "2026-01-01T00:00:00Z"
    assert found.labels == {"a": "b"}
    assert found.created_by == ("ADD base", "RUN pip")


def test_facts() -> None:
    facts = make_facts(
        "name:1", read_config(CONFIG, "t"), config_digest=A, blobs=[B, A], manifest_digest=B
    )
    assert [(one.diff_id, one.digest, one.created_by, one.size) for one in facts.layers] == [
        (A, B, "ADD base", 0),
        (B, A, "RUN pip", 0),
    ]
    assert (facts.config_digest, facts.manifest_digest, facts.index_digest) == (A, B, None)
    bare = make_facts("n", read_config({"rootfs": {"diff_ids": [A]}}, "t"), config_digest=B)
    assert bare.platform == Platform("unknown", "unknown")
    assert bare.layers[0].created_by is None
    assert bare.labels == {}


@pytest.mark.parametrize(
    "history", [None, [], "x", [1, 2], [{"created_by": "one"}], [{"created_by": 5}, {}, {}]]
)
def test_a_history_that_does_not_fit_is_left_out(history: object) -> None:
    facts = make_facts("n", read_config(CONFIG | {"history": history}, "t"), config_digest=A)
    assert [layer.created_by for layer in facts.layers] == [None, None]


@pytest.mark.parametrize(
    "change",
    [
        {"rootfs": None},
        {"rootfs": {}},
        {"rootfs": {"diff_ids": "x"}},
        {"rootfs": {"diff_ids": [1]}},
        {"rootfs": {"diff_ids": ["sha256:12"]}},
        {"rootfs": {"diff_ids": ["sha512:" + "a" * 128]}},
        {"rootfs": {"diff_ids": ["../" + A]}},
    ],
)
def test_configurations_that_are_none(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        read_config(CONFIG | change, "test")


def test_layers_are_bounded() -> None:
    with pytest.raises(LimitError, match="too many layers"):
        read_config({"rootfs": {"diff_ids": [A] * 513}}, "test")


@pytest.mark.parametrize(
    "raw", [b"", b"[1]", b"{", b"\xff", b'{"a":1,"a":2}', b"[" * 100_000, b"null", b'{"a":' * 9999]
)
def test_what_is_no_object(raw: bytes) -> None:
    with pytest.raises(InputError):
        json_object(raw, "it", "test")


def test_arrays_and_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json_array(b"[1]", "it", "test") == [1]
    with pytest.raises(InputError, match="no JSON array"):
        json_array(b"{}", "it", "test")
    with pytest.raises(LimitError, match="too large"):
        json_object(b"{}" + b" " * 100, "it", "test", 50)
    monkeypatch.setattr(documents, "LIMITS", Limits(image_manifest=10))
    with pytest.raises(LimitError, match="too large"):
        json_array(b"[" + b" " * 10 + b"]", "it", "test")


def test_digests() -> None:
    assert checked_digest(A, "it", "test") == A
    for wrong in (None, 1, "", A[:-1], A.upper(), A + "\n"):
        with pytest.raises(InputError, match="SHA-256"):
            checked_digest(wrong, "it", "test")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("LINUX/x86_64", Platform("linux", "amd64")),
        ("arm64", Platform("linux", "arm64")),
        ("aarch64", Platform("linux", "arm64")),
        ("linux/arm/v6", Platform("linux", "arm", "v6")),
        ("linux/armhf", Platform("linux", "arm", "v7")),
        ("windows/amd64", Platform("windows", "amd64")),
    ],
)
def test_platforms_are_parsed(text: str, wanted: Platform) -> None:
    assert parse_platform(text) == wanted


@pytest.mark.parametrize("text", ["", "/", "linux/", "a/b/c/d", "linux amd64", "linux/am*64"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(UsageError, match="no platform"):
        parse_platform(text)


@given(st.text(max_size=20))
def test_any_text_is_a_platform_or_an_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse_platform(text).os


def test_platforms_of_documents() -> None:
    assert read_platform({"os": "linux", "architecture": "s390x"}) == Platform("linux", "s390x")
    assert read_platform({"os": "linux", "architecture": "arm", "variant": ""}) == Platform(
        "linux", "arm"
    )
    for nothing in (None, {}, {"os": "linux"}, {"os": 1, "architecture": "a"}):
        assert read_platform(nothing) is None


def test_what_fits() -> None:
    arm64, arm64v8 = Platform("linux", "arm64"), Platform("linux", "arm64", "v8")
    assert fits(arm64, arm64v8)
    assert fits(arm64v8, arm64)
    assert fits(Platform("linux", "arm", "v6"), Platform("linux", "arm"))
    assert not fits(Platform("linux", "arm", "v6"), Platform("linux", "arm", "v7"))
    assert not fits(arm64, Platform("linux", "amd64"))
    assert not fits(arm64, Platform("windows", "arm64"))


def test_choosing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert default_platform() == Platform("linux", "arm64")
    amd, arm = Platform("linux", "amd64"), Platform("linux", "arm64")
    v6, v7 = Platform("linux", "arm", "v6"), Platform("linux", "arm", "v7")
    assert choose([(amd, 1), (arm, 2)], None, where="t") == 2
    assert choose([(amd, 1), (arm, 2)], amd, where="t") == 1
    assert choose([(amd, 1)], None, where="t") == 1
    assert choose([(None, 1)], amd, where="t") == 1
    assert choose([(None, 1)], None, where="t") == 1
    assert choose([(v6, 6), (v7, 7)], Platform("linux", "arm"), where="t") == 7
    assert choose([(v6, 6)], Platform("linux", "arm"), where="t") == 6
    with pytest.raises(InputError, match="no image for the platform") as caught:
        choose([(amd, 1)], arm, where="t")
    assert caught.value.got == "linux/amd64"
    with pytest.raises(InputError, match="no image for the platform"):
        choose([(amd, 1), (v7, 2)], None, where="t")
    with pytest.raises(InputError, match="not clear"):
        choose([(None, 1), (None, 2)], None, where="t")
    with pytest.raises(InputError, match="there is no image;"):
        choose([], amd, where="t")
