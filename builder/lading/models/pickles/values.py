"""What the walker knows about values on the unpickler's stack.

Text, integers, booleans, short tuples and small dictionaries stand for themselves, as far as they
are needed to resolve names and tensor shapes; ``None`` is any other value. Nothing nests deeper
than two levels, so that a hostile stream cannot build what costs more memory than its own bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from lading.inventory import Verdict
from lading.limits import LIMITS
from lading.models.pickles.names import judge

__all__ = ["Global", "Made", "Persistent", "Seen", "shallow", "tuple_of"]

#: Longer text is of no use as a name, and counts as an unknown value.
TEXT_KEPT: Final = 256
TUPLE_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Global:
    """An imported name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True)
class Made:
    """What calling an imported name gave. ``args`` are kept for a few names only."""

    of: Global
    args: tuple[Any, ...] = ()
    state: Any = None


@dataclass(frozen=True, slots=True)
class Persistent:
    """A persistent id, as torch uses for storages."""

    args: tuple[Any, ...] = field(default=())


@dataclass(slots=True)
class Seen:
    """What a walk has seen. Offsets are those of the source."""

    globals: dict[Global, int] = field(default_factory=dict)
    unresolved: dict[str, int] = field(default_factory=dict)  # what, first offset
    computed_call: int | None = None
    build_on_global: dict[Global, int] = field(default_factory=dict)
    extension: int | None = None
    getattr_given: int = 0  # times that it came onto the stack
    getattr_used: int = 0  # calls of it that are as harmless as those of a time zone
    mixed_memo: int | None = None
    texts: dict[str, str] = field(default_factory=dict)  # values of a few keys
    protocol: int = 0
    opcodes: int = 0
    result: Any = None

    def add(self, other: Seen) -> None:
        """Take over names and facts of another walk, as far as there is room."""
        for name, offset in other.globals.items():
            if self.takes(name):
                self.globals.setdefault(name, offset)
        for key, text in other.texts.items():
            self.texts.setdefault(key, text)
        self.protocol, self.opcodes, self.result = other.protocol, other.opcodes, other.result

    def more(self) -> bool:
        """Whether a few thousand names have not been seen yet."""
        return len(self.globals) + len(self.unresolved) < LIMITS.fact_items

    def takes(self, name: Global) -> bool:
        """Whether a new name is kept: of dangerous ones, more are."""
        have = len(self.globals)
        return self.more() or (
            have < 2 * LIMITS.fact_items and judge(name.module, name.name) is Verdict.DANGEROUS
        )


def tuple_of(items: list[Any]) -> tuple[Any, ...] | None:
    """Return a tuple for the stack, or None when it is too long to be kept."""
    if len(items) > TUPLE_KEPT:
        return None
    return tuple(
        None if type(item) is dict or (type(item) is tuple and _nests(item)) else item
        for item in items
    )


def _nests(items: tuple[Any, ...]) -> bool:
    return any(type(item) in (tuple, Made, Persistent) for item in items)


def shallow(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return ``items`` without what nested objects hold."""
    return tuple(Made(item.of) if type(item) is Made else item for item in items)
