"""Reading facts whose values nobody promised: the right type, or as if the fact were unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.bom.text import as_text, label, prose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.inventory import Fact

__all__ = ["items", "line", "lines", "paragraphs", "text", "value"]

_MOST_ITEMS = 1000


def value(facts: Mapping[str, Fact], *names: str) -> Any:
    """Return the value of the first of ``names`` that is known, else None."""
    for name in names:
        fact = facts.get(name)
        if fact is not None and fact.value not in (None, "", [], {}, ()):
            return fact.value
    return None


def items(facts: Mapping[str, Fact], *names: str) -> tuple[Any, ...]:
    """Return a fact as items: a list as it is, anything else as one item, unknown as none."""
    found = value(facts, *names)
    if found is None:
        return ()
    return tuple(found[:_MOST_ITEMS]) if isinstance(found, list | tuple) else (found,)


def text(facts: Mapping[str, Fact], *names: str) -> str | None:
    """Return a fact as text of one or more lines; numbers and structures as JSON."""
    return as_text(value(facts, *names))


def line(facts: Mapping[str, Fact], *names: str) -> str | None:
    """Return a fact as one line; the scalars of a list are joined by commas."""
    found = items(facts, *names)
    joined = ", ".join(label(as_text(item) or "") for item in found if not isinstance(item, dict))
    return joined or None


def lines(facts: Mapping[str, Fact], *names: str) -> tuple[str, ...]:
    """Return the strings of a fact that is one string or a list of them, each one line."""
    found = (label(item) for item in items(facts, *names) if isinstance(item, str))
    return tuple(dict.fromkeys(item for item in found if item))


def paragraphs(facts: Mapping[str, Fact], *names: str) -> list[str]:
    """Return the strings of a fact that is one text or a list of them, line ends kept."""
    found = (prose(item).strip() for item in items(facts, *names) if isinstance(item, str))
    return list(dict.fromkeys(item for item in found if item))
