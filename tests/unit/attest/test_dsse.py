from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.attest.dsse import PAYLOAD_TYPE, Envelope, decode_base64, pae, parse_envelope
from lading.errors import VerificationError


def test_the_specifications_own_vector() -> None:
    """DSSE v1.0, protocol.md, test vectors; a second one counts bytes, not characters."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_types_and_payloads_cannot_be_shifted_into_each_other() -> None:
    assert pae("a", b"1 b") != pae("a 3 1", b"b")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("YQ", id="no padding"),
        pytest.param("YQ=", id="half the padding"),
        pytest.param("YQ===", id="too much padding"),
        pytest.param("YR==", id="non-zero trailing bits"),
        pytest.param("YWJ=", id="non-zero trailing bits of two bytes"),
        pytest.param("YQ==\n", id="a newline"),
        pytest.param(" YQ==", id="a space"),
        pytest.param("Y Q==", id="a space within"),
        pytest.param("YQ==YQ==", id="two texts"),
        pytest.param("-_-_", id="the URL alphabet"),
        pytest.param("YQ=\u003d\u200b", id="a zero-width space"),
        pytest.param("=", id="padding alone"),
        pytest.param(None, id="null"),
        pytest.param(7, id="a number"),
    ],
)
def test_base64_has_one_form(text: object) -> None:
    with pytest.raises(VerificationError) as caught:
        decode_base64(text, "it")
    assert caught.value.code == "malformed"


@given(st.binary())
def test_base64_round_trip(data: bytes) -> None:
    assert decode_base64(base64.b64encode(data).decode(), "it") == data


def test_envelope_round_trip() -> None:
    envelope = Envelope(b"{}", PAYLOAD_TYPE, b"s")
    assert parse_envelope(envelope.to_json()) == envelope
    assert envelope.signed == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signatures": []}, "signatures"),
        ({"signatures": [{"sig": "cw=="}, {"sig": "cw=="}]}, "signatures"),
        ({"signatures": {"sig": "cw=="}}, "signatures"),
        ({"signatures": [{"sig": ""}]}, "malformed"),
        ({"signatures": [{"sig": "cw==", "cert": "x"}]}, "malformed"),
        ({"signatures": [{"keyid": "x"}]}, "malformed"),
        ({"signatures": [{"sig": "cw==", "keyid": 1}]}, "malformed"),
        ({"signatures": ["cw=="]}, "malformed"),
        ({"signatures": [{"sig": "c" * 100_000}]}, "malformed"),
        ({"payloadType": "application/vnd.in-toto+json "}, "payload-type"),
        ({"payloadType": "text/plain"}, "payload-type"),
        ({"payloadType": None}, "payload-type"),
        ({"payload": "e30"}, "malformed"),
        ({"extra": 1}, "malformed"),
    ],
)
def test_refuses(change: dict[str, object], code: str) -> None:
    with pytest.raises(VerificationError) as caught:
        parse_envelope({**Envelope(b"{}", PAYLOAD_TYPE, b"s").to_json(), **change})
    assert caught.value.code == code
