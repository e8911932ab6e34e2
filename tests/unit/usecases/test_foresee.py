"""What is foreseen of an image is never what it has inside: it only spares making it again."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from lading import bom
from lading.attest import statement
from lading.attest.predicates import CYCLONEDX
from lading.attest.statement import Subject, build_statement, parse_statement
from lading.bom import body, document
from lading.bom import validate as validate_bom
from lading.bom.encode import encode_value
from lading.errors import InputError
from lading.inventory import Fact, Inspection, Origin
from lading.spliced import Spliced
from lading.usecases import foresee, kept
from lading.usecases.attest import make_bom
from lading.usecases.footing import Footing
from lading.usecases.foresee import Foreseeing, rehearse
from support import bom_inspections as samples
from support.images_in_memory import MemoryCache

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = (Subject("svc", {"sha256": "a" * 64}),)
KEY = "sha256:" + "1" * 64


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget what other tests have made."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    kept._last.clear()
    body._last.clear()
    yield
    kept._last.clear()
    body._last.clear()


def alone(inspection: Inspection) -> bytes:
    """Return the BOM by the long way, nothing known."""
    return bom.encode(bom.render(inspection))


def kept_twice(found: Inspection) -> tuple[Foreseeing, MemoryCache]:
    """Return what knows the contents of an image's name from an earlier run."""
    results, names = MemoryCache(), MemoryCache()
    earlier = Foreseeing("svc:1", results, names)
    earlier.put(KEY, kept.to_json(found, Footing(len(found.image.layers), frozenset())))
    earlier.remember(KEY)
    return Foreseeing("svc:1", results, names), results


def test_a_foreseen_bom_has_the_bytes_of_one_made_alone() -> None:
    found = samples.full()
    ahead, _ = kept_twice(found)
    guessed = ahead.read()
    assert guessed is not None
    rehearse(guessed)
    made = body._last[0][1]

    data = ahead.get(KEY)
    assert data is not None
    real = kept.from_json(data, found.image, found.target)
    written = make_bom(real)

    assert body._last[0][1] is made, "nothing was made again"
    assert written == alone(found)


def test_other_contents_are_made_anew() -> None:
    found = samples.full()
    rehearse(found)

    for other in (
        dataclasses.replace(found, models=()),
        dataclasses.replace(found, packages=found.packages[:-1]),
        dataclasses.replace(found, datasets=()),
        _with_fact(found, 1),
        _with_fact(found, True),
        _with_fact(found, 1.0),
    ):
        assert make_bom(other) == alone(other)


def _with_fact(found: Inspection, value: object) -> Inspection:
    """Change a fact to a value that Python takes for equal to others that JSON writes unlike."""
    model = found.models[0]
    facts = {**model.facts, "x": Fact(value, Origin.OBSERVED, "here")}
    return dataclasses.replace(
        found, models=(dataclasses.replace(model, facts=facts), *found.models[1:])
    )


def test_an_image_without_anything_inside_has_its_bom_too() -> None:
    empty = dataclasses.replace(
        samples.full(), models=(), packages=(), datasets=(), findings=(), shadowed=None
    )

    assert make_bom(empty) == alone(empty)
    assert not isinstance(make_bom(empty), Spliced)


def test_of_a_name_that_was_never_seen_nothing_is_foreseen() -> None:
    assert Foreseeing("new", MemoryCache(), MemoryCache()).read() is None
    ahead, results = kept_twice(samples.full())
    results.texts.clear()
    assert ahead.read() is None


def test_the_name_is_kept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, _ = kept_twice(samples.full())
    ahead.read()
    monkeypatch.setattr(ahead, "_names", None)

    ahead.remember(KEY)
    with pytest.raises(AttributeError):
        ahead.remember("sha256:" + "2" * 64)


def spliced(components: list[dict[str, Any]] | bytes, **others: Any) -> Spliced:
    """Return a document around components."""
    whole = {**bom.render(samples.full()), "dependencies": [], "annotations": [], **others}
    part = components if isinstance(components, bytes) else encode_value(components)
    token = "f" * 32
    return Spliced.around(bom.encode({**whole, "components": token}), "components", token, part)


A = {"type": "library", "name": "a", "bom-ref": "a"}
CARD = {"modelParameters": {"datasets": [{"ref": "nowhere"}]}}


@pytest.mark.parametrize(
    ("components", "others", "why"),
    [
        ([{**A, "type": "no such type"}], {}, "is not one of"),
        ([{**A, "surplus": 1}], {}, "surplus"),
        ([A, {**A, "name": "b"}], {}, "stands twice"),
        ([A], {"version": "one"}, "version"),
        ([A], {"dependencies": [{"ref": "b"}]}, "nothing has the bom-ref 'b'"),
        (
            [{**A, "type": "machine-learning-model", "modelCard": CARD}],
            {},
            "nothing has the bom-ref 'nowhere'",
        ),
        (b'[{"type":"library","name":"a","name":"b"}]', {}, "stands twice in one object"),
        (b'[],"services":[]', {"services": [{"name": "s"}]}, "stands twice in one object"),
        (b"[" * 300 + b"]" * 300, {}, "nested too deeply"),
        (b'[{"type":"library","name":"a","x":NaN}]', {}, "NaN"),
        (b"[", {}, "not strict JSON"),
    ],
)
def test_a_bad_document_is_refused_as_if_nothing_of_it_were_known(
    components: list[dict[str, Any]] | bytes, others: dict[str, Any], why: str
) -> None:
    document = spliced(components, **others)
    said = []
    for one in (document, bytes(document)):
        with pytest.raises(InputError) as caught:
            validate_bom(one)
        said.append(str(caught.value))

    assert said[0] == said[1]
    assert why in said[0]
    validate_bom(spliced([A]))


def test_a_component_of_the_images_own_reference_is_refused() -> None:
    image = bom.render(samples.full())["metadata"]["component"]["bom-ref"]

    with pytest.raises(InputError, match="stands twice"):
        validate_bom(spliced([{**A, "bom-ref": image}]))


@pytest.mark.parametrize("version", bom.SPEC_VERSIONS)
def test_no_rule_of_the_schema_looks_at_components_and_another_field(version: str) -> None:
    """What is valid apart is valid together."""
    from lading.bom import schemas

    schema = schemas._load(f"bom-{version}.SNAPSHOT.schema.json")

    assert schema.keys() <= {
        *("$schema", "$id", "$comment", "title", "type", "required", "additionalProperties"),
        *("properties", "definitions", "patternProperties"),
    }
    assert set(schema["required"]) <= {"bomFormat", "specVersion"}


def test_a_statement_around_a_known_bom_is_the_statement_around_any() -> None:
    whole = bom.write(samples.full())
    assert isinstance(whole, Spliced)

    for _ in range(2):
        made = build_statement(SUBJECT, CYCLONEDX, whole)
        assert made == build_statement(SUBJECT, CYCLONEDX, bytes(whole))
        assert statement._last[0] == made
        assert parse_statement(made).predicate == bom.render(samples.full())


@pytest.mark.parametrize(
    "components",
    [
        b'[{"name":"a","name":"b"}]',
        b'["\\ud800"]',
        b"[18446744073709551616]",
        b"[1e999]",
        b'[],"version":1',
        b"[" * 255 + b"]" * 255,
        b"[",
        b'["\xff"]',
    ],
)
def test_a_statement_around_what_is_not_strict_is_refused_as_ever(components: bytes) -> None:
    document = spliced(components)
    said = []
    for one in (document, bytes(document)):
        with pytest.raises(InputError) as caught:
            build_statement(SUBJECT, CYCLONEDX, one)
        said.append(str(caught.value))

    assert said[0] == said[1]


def test_what_is_put_around_a_value_names_its_place_once() -> None:
    for shell in (b'{"a":"t","b":"t"}', b'{"a":1}'):
        with pytest.raises(ValueError, match="unpack"):
            Spliced.around(shell, "a", "t", b"[]")
    elsewhere = Spliced.around(b'{"a":["t"]}', "a", "t", b"[]")
    with pytest.raises(InputError, match="version"):
        validate_bom(elsewhere)


def test_the_version_of_what_is_kept_about_names_is_its_own() -> None:
    assert foresee.VERSION != kept.VERSION
    assert document.write is bom.write
