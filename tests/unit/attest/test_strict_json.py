from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.attest.strict_json import StrictJsonError, canonical_bytes, parse_object
from lading.errors import LadingError

LIMIT = 64 * 1024 * 1024


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="an array at the top"),
        pytest.param(b'"a"', id="a text at the top"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"a":1,"a":1}', id="a key twice"),
        pytest.param(b'{"a":{"b":1,"\\u0062":2}}', id="a key twice, once escaped"),
        pytest.param(b'{"a":1}{"a":1}', id="a second document"),
        pytest.param(b'{"a":1}x', id="trailing bytes"),
        pytest.param(b'{"a":1}\x00', id="a trailing NUL"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":Infinity}', id="Infinity"),
        pytest.param(b'{"a":-Infinity}', id="minus Infinity"),
        pytest.param(b'{"a":1e999}', id="a float beyond binary64"),
        pytest.param(b'{"a":1e999999999999}', id="a gigantic exponent"),
        pytest.param(b'{"a":18446744073709551616}', id="2^64"),
        pytest.param(b'{"a":-9223372036854775809}', id="below -2^63"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="a gigantic integer"),
        pytest.param(b'{"a":0.' + b"3" * 5000 + b"}", id="a gigantic fraction"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', id="an encoded surrogate"),
        pytest.param(b'{"a":"\\ud800"}', id="an escaped lone surrogate"),
        pytest.param(b'{"a\\uDfff":1}', id="a lone surrogate in a key"),
        pytest.param(b'{"a":"\n"}', id="a control character"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b'{"a":1,}', id="a trailing comma"),
        pytest.param(b'{"a":01}', id="a leading zero"),
        pytest.param(b'{"a":+1}', id="a leading plus"),
        pytest.param(b'{"a":1}//', id="a comment"),
        pytest.param(b'{"a":' + b"[" * 128 + b"]" * 128 + b"}", id="one level too deep"),
        pytest.param(b'{"a":' + b"[" * 5_000_000, id="five million levels"),
        pytest.param(b'{"a":' * 1_000_000, id="a million objects deep"),
        pytest.param(b'{"x":"\\"","a":' + b"[" * 200 + b"]" * 200 + b"}", id="deep after escapes"),
    ],
)
def test_refuses(content: bytes) -> None:
    with pytest.raises(StrictJsonError):
        parse_object(content, limit=LIMIT)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b" {} \r\n\t", {}),
        (
            b'{"a":[1,-1,0.5,1e3,true,false,null,"x"]}',
            {"a": [1, -1, 0.5, 1e3, True, False, None, "x"]},
        ),
        (b'{"a":18446744073709551615,"b":-9223372036854775808}', {"a": 2**64 - 1, "b": -(2**63)}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a":"\\\\ud800"}', {"a": "\\ud800"}),
        (b'{"a":"[[[[{{{{\\"[[[["}', {"a": '[[[[{{{{"[[[['}),
        (b'{"a":' + b"[" * 127 + b"]" * 127 + b"}", None),
        (b'{"k":"' + b"[" * 10_000 + b'"}', {"k": "[" * 10_000}),
        (b'{"a":{"x":1},"b":{"x":1}}', {"a": {"x": 1}, "b": {"x": 1}}),
    ],
)
def test_accepts(content: bytes, value: object) -> None:
    parsed = parse_object(content, limit=LIMIT)
    assert value is None or parsed == value


def test_the_size_bound_is_inclusive() -> None:
    assert parse_object(b'{"a":1}', limit=7) == {"a": 1}
    with pytest.raises(StrictJsonError, match="too large"):
        parse_object(b'{"a":1}', limit=6)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_reads_what_it_writes(value: dict[str, object]) -> None:
    content = canonical_bytes(value)
    assert parse_object(content, limit=LIMIT) == value
    assert canonical_bytes(parse_object(content, limit=LIMIT)) == content


@given(
    st.binary(max_size=200) | st.text(alphabet='{}[]":,\\ue019.-+ \n', max_size=80).map(str.encode)
)
def test_any_bytes_give_an_object_or_our_error(content: bytes) -> None:
    try:
        value = parse_object(content, limit=LIMIT)
    except LadingError:
        return
    assert value == json.loads(content)


def test_writing_refuses_what_json_has_not() -> None:
    for value in ({"a": float("nan")}, {"a": b"x"}, {"a": "\ud800"}):
        with pytest.raises(StrictJsonError):
            canonical_bytes(value)


def test_ten_megabytes_take_a_moment() -> None:
    component = {
        "type": "library",
        "name": "x" * 40,
        "hashes": [{"alg": "SHA-256", "content": "0" * 64}],
    }
    content = json.dumps({"components": [component] * 70_000}).encode()
    assert len(content) > 10_000_000
    start = time.process_time()
    parse_object(content, limit=LIMIT)
    assert time.process_time() - start < 4  # 0.4 on an idle machine
