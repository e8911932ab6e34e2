"""What an option of a rule may hold: one reader each, and the JSON Schema that says the same.

A rule is a dataclass; each field made by :func:`option` is a key of the policy file (``max_age``
is ``max-age``). :func:`read_record` fills it, :mod:`lading.policy.schema` describes it.
"""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import MISSING, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lading.policy.source import Where

__all__ = [
    "DATE",
    "DURATION",
    "FLAG",
    "NUMBERS",
    "TEXT",
    "TEXTS",
    "WHOLE_NUMBER",
    "Kind",
    "choice",
    "choices",
    "duration_text",
    "key_of",
    "listed",
    "matching",
    "option",
    "read_record",
    "record",
]

_MAX_TEXT: Final = 2048
_MAX_ITEMS: Final = 4096
_DURATION: Final = re.compile(r"([1-9]\d{0,5})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind:
    """How a value is read, and its JSON Schema. ``read`` raises InputError."""

    read: Callable[[Any, Where], Any]
    schema: Mapping[str, Any]
    record: type | None = None


def option(kind: Kind, doc: str, *, default: Any = MISSING, key: str | None = None) -> Any:
    """Declare an option; without a default it is required. ``key`` is one that is no name."""
    return dataclasses.field(metadata={"kind": kind, "doc": doc, "key": key}, default=default)


def key_of(field: dataclasses.Field[Any]) -> str:
    """Return a field's key in the file."""
    return field.metadata.get("key") or field.name.replace("_", "-")


def read_record(cls: type[T], value: Any, where: Where, *, given: Mapping[str, Any]) -> T:
    """Read a mapping into ``cls``; ``given`` are fields that do not come from the file.

    Raises:
        InputError: not a mapping, an unknown key, a missing one, or a value of the wrong kind.
    """
    if not isinstance(value, dict):
        raise where.error("this is no mapping", got=value, wanted="keys and values")
    fields = {
        key_of(one): one
        for one in dataclasses.fields(cls)  # type: ignore[arg-type]
        if "kind" in one.metadata
    }
    for key in value:
        if key not in fields:
            raise where.at(key).unknown("key", key, fields)
    read = dict(given)
    for key, one in fields.items():
        if key in value:
            read[one.name] = one.metadata["kind"].read(value[key], where.at(key))
        elif one.default is MISSING and one.name not in given:
            raise where.error(f"{key} is missing", hint=one.metadata["doc"])
    return cls(**read)


def _text(value: Any, where: Where) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_TEXT:
        raise where.error(
            "this is no text", got=value, wanted="1 to 2048 characters; quote what looks like more"
        )
    return value


def _flag(value: Any, where: Where) -> bool:
    if not isinstance(value, bool):
        raise where.error("this is neither true nor false", got=value)
    return value


def _whole_number(value: Any, where: Where) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise where.error("this is no whole number", got=value, wanted="0 or more")
    return value


def _numbers(value: Any, where: Where) -> dict[str, float]:
    if not isinstance(value, dict) or not value:
        raise where.error("this is no mapping of names to numbers", got=value)
    for name, number in value.items():
        known = isinstance(number, int | float) and not isinstance(number, bool)
        if not known or not math.isfinite(number):
            raise where.at(name).error("this is no number", got=number)
    return dict(value)


def _duration(value: Any, where: Where) -> timedelta:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise where.error("this is no duration", got=value, wanted="90m, 12h, 30d or 4w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def duration_text(value: timedelta) -> str:
    """Return a duration as a policy writes it, in days at most."""
    for unit, name in (("d", "days"), ("h", "hours"), ("m", "minutes")):
        if value % timedelta(**{name: 1}) == timedelta(0):
            return f"{value // timedelta(**{name: 1})}{unit}"
    return str(value)


def _date(value: Any, where: Where) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise where.error("this is no date", got=value, wanted="2026-12-31") from None


TEXT: Final = Kind(_text, {"type": "string", "minLength": 1, "maxLength": _MAX_TEXT})
FLAG: Final = Kind(_flag, {"type": "boolean"})
WHOLE_NUMBER: Final = Kind(_whole_number, {"type": "integer", "minimum": 0})
NUMBERS: Final = Kind(
    _numbers,
    {"type": "object", "minProperties": 1, "additionalProperties": {"type": "number"}},
)
DURATION: Final = Kind(_duration, {"type": "string", "pattern": f"^{_DURATION.pattern}$"})
DATE: Final = Kind(_date, {"type": "string", "format": "date"})


def matching(pattern: re.Pattern[str], wanted: str) -> Kind:
    """A text that ``pattern`` matches from end to end."""

    def read(value: Any, where: Where) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise where.error("this text has another form", got=value, wanted=wanted)
        return value

    return Kind(read, {"type": "string", "pattern": f"^(?:{pattern.pattern})$"})


def choice(words: Iterable[str]) -> Kind:
    """One of these words."""
    known = sorted(words)

    def read(value: Any, where: Where) -> str:
        if value not in known:
            raise where.unknown("value", str(value), known)
        return str(value)

    return Kind(read, {"enum": known})


def listed(kind: Kind) -> Kind:
    """A list of at least one; nothing twice."""

    def read(value: Any, where: Where) -> tuple[Any, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= _MAX_ITEMS:
            raise where.error("this is no list of at least one", got=value)
        return tuple(kind.read(item, where.at(at)) for at, item in enumerate(value))

    schema = {"type": "array", "items": dict(kind.schema), "minItems": 1, "maxItems": _MAX_ITEMS}
    return Kind(read, schema, kind.record)


def choices(words: Iterable[str]) -> Kind:
    """A list of these words."""
    return listed(choice(words))


def record(cls: type, *, shorthand: Callable[[str], Any] | None = None) -> Kind:
    """A mapping read into ``cls``; ``shorthand`` also takes a text and returns what it means."""

    def read(value: Any, where: Where) -> Any:
        if shorthand is not None and isinstance(value, str):
            return shorthand(_text(value, where))
        return read_record(cls, value, where, given={})

    inner = record_schema(cls)
    schema = {"anyOf": [TEXT.schema, inner]} if shorthand is not None else inner
    return Kind(read, schema, cls)


def record_schema(cls: type) -> dict[str, Any]:
    """Return the JSON Schema of a dataclass of options."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for one in dataclasses.fields(cls):
        if "kind" not in one.metadata:
            continue
        key = key_of(one)
        properties[key] = {**one.metadata["kind"].schema, "description": one.metadata["doc"]}
        if one.default is MISSING:
            required.append(key)
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


TEXTS: Final = listed(TEXT)
