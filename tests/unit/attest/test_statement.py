from __future__ import annotations

import json
from typing import Any

import pytest

from lading.attest.statement import Subject, build_statement, check_statement, parse_statement
from lading.errors import InputError, VerificationError

HEX = "a1" * 32
SUBJECT = {"name": "image", "digest": {"sha256": HEX}}


def document(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [SUBJECT],
        "predicateType": "https://cyclonedx.org/bom",
        "predicate": {"bomFormat": "CycloneDX"},
    }
    fields.update(changes)
    return json.dumps({k: v for k, v in fields.items() if v is not ...}).encode()


def subject(**changes: Any) -> bytes:
    fields = {**SUBJECT, **changes}
    return document(subject=[{k: v for k, v in fields.items() if v is not ...}])


def test_golden() -> None:
    content = build_statement(
        [
            Subject("b", {"sha512": "0" * 128, "sha256": "2" * 64}),
            Subject("a", {"sha256": "3" * 64}),
        ],
        "https://cyclonedx.org/bom",
        b'{"z":1, "a":"\xc3\xa9"}',
    )
    assert content == (
        b'{"_type":"https://in-toto.io/Statement/v1","subject":['
        b'{"digest":{"sha256":"' + b"3" * 64 + b'"},"name":"a"},'
        b'{"digest":{"sha256":"' + b"2" * 64 + b'","sha512":"' + b"0" * 128 + b'"},"name":"b"}],'
        b'"predicateType":"https://cyclonedx.org/bom","predicate":{"z":1, "a":"\xc3\xa9"}}'
    )


def test_order_of_subjects_and_digests_does_not_matter() -> None:
    one, two = Subject("x", {"sha256": "1" * 64}), Subject("x", {"sha256": "2" * 64})
    assert build_statement([one, two], "t", {"b": 1, "a": 2}) == build_statement(
        [two, one], "t", {"a": 2, "b": 1}
    )


def test_what_is_built_is_read_back() -> None:
    statement = parse_statement(build_statement([Subject("n", {"sha256": HEX})], "t", {"a": [1]}))
    assert statement.subjects == (Subject("n", {"sha256": HEX}),)
    assert (statement.predicate_type, statement.predicate) == ("t", {"a": [1]})
    assert statement.sha256 == {f"sha256:{HEX}"}


def test_only_the_very_statement_that_passed_is_not_read_again() -> None:
    passed = build_statement([Subject("n", {"sha256": HEX})], "t", {"a": [1]})
    check_statement(passed)
    for other in (passed[:-1], passed.replace(b"subject", b"object_"), b"", passed + b"x"):
        with pytest.raises(VerificationError):
            check_statement(other)
        check_statement(passed)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(document(_type=...), "statement-type", id="no type"),
        pytest.param(document(_type="https://in-toto.io/Statement/v2"), "statement-type", id="v2"),
        pytest.param(
            document(_type="https://in-toto.io/Statement/v1/"), "statement-type", id="slash"
        ),
        pytest.param(
            document(_type=["https://in-toto.io/Statement/v1"]), "statement-type", id="list"
        ),
        pytest.param(document(extra=1), "malformed", id="an unknown field"),
        pytest.param(document(predicate=...), "malformed", id="no predicate"),
        pytest.param(document(predicate={}), "malformed", id="an empty predicate"),
        pytest.param(document(predicate=None), "malformed", id="a null predicate"),
        pytest.param(document(predicate=[1]), "malformed", id="a list as predicate"),
        pytest.param(document(predicateType=""), "malformed", id="an empty predicate type"),
        pytest.param(document(predicateType=1), "malformed", id="a number as predicate type"),
        pytest.param(document(subject=[]), "malformed", id="no subjects"),
        pytest.param(document(subject=SUBJECT), "malformed", id="a subject that is no list"),
        pytest.param(document(subject=[SUBJECT] * 1025), "malformed", id="1025 subjects"),
        pytest.param(document(subject=["x"]), "malformed", id="a text as subject"),
        pytest.param(subject(digest={}), "malformed", id="no digest"),
        pytest.param(subject(digest=...), "malformed", id="no digest field"),
        pytest.param(subject(uri="x"), "malformed", id="an unknown subject field"),
        pytest.param(subject(name=None), "malformed", id="a null name"),
        pytest.param(subject(digest={"sha256": HEX.upper()}), "malformed", id="upper-case hex"),
        pytest.param(subject(digest={"sha256": HEX[:-1]}), "malformed", id="63 digits"),
        pytest.param(subject(digest={"sha256": HEX + "0"}), "malformed", id="65 digits"),
        pytest.param(subject(digest={"sha256": "g" * 64}), "malformed", id="not hex"),
        pytest.param(subject(digest={"sha256": HEX + "\n"}), "malformed", id="a trailing newline"),
        pytest.param(subject(digest={"sha256": "\u0661" * 64}), "malformed", id="Arabic digits"),
        pytest.param(subject(digest={"sha256": [HEX]}), "malformed", id="a digest in a list"),
        pytest.param(subject(digest={"sha256": "sha256:" + HEX}), "malformed", id="a prefix"),
        pytest.param(subject(digest={"": HEX}), "malformed", id="an algorithm without a name"),
        pytest.param(
            subject(digest={f"x{n}": "0" for n in range(33)}), "malformed", id="33 digests"
        ),
        pytest.param(document() + b"{}", "malformed", id="trailing bytes"),
        pytest.param(document().replace(b'"predicate"', b'"_type"'), "malformed", id="a key twice"),
    ],
)
def test_refuses(content: bytes, code: str) -> None:
    with pytest.raises(VerificationError) as caught:
        parse_statement(content)
    assert caught.value.code == code


def test_takes_the_bounds_themselves() -> None:
    many = {f"x{n}": "0" for n in range(32)}
    assert len(parse_statement(document(subject=[SUBJECT] * 1024)).subjects) == 1024
    assert len(parse_statement(subject(digest=many)).subjects[0].digest) == 32


def test_another_algorithm_never_identifies_a_subject() -> None:
    statement = parse_statement(subject(digest={"sha3_256": HEX, "x-sha256": HEX, "SHA256": HEX}))
    assert statement.sha256 == frozenset()


def test_reads_the_older_type_that_cosign_writes() -> None:
    older = document(_type="https://in-toto.io/Statement/v0.1")
    assert parse_statement(older).sha256 == {f"sha256:{HEX}"}


@pytest.mark.parametrize(
    "predicate",
    [
        pytest.param(b"{}", id="empty"),
        pytest.param(b"[1]", id="no object"),
        pytest.param(b'{"a":1},"predicate":{"b":2}', id="a second predicate smuggled in"),
        pytest.param(b'{"a":1},"x":{"b":2}', id="a field smuggled in"),
        pytest.param(b'{"a":1}}', id="a brace too many"),
        pytest.param(b'{"a":1,"a":2}', id="a key twice"),
        pytest.param({"a": float("nan")}, id="NaN"),
    ],
)
def test_builds_nothing_that_it_would_not_read(predicate: Any) -> None:
    with pytest.raises(InputError):
        build_statement([Subject("n", {"sha256": HEX})], "t", predicate)
