"""Frozen, slotted data classes that cost nothing to define: :func:`record`.

``dataclasses`` writes and compiles the source of up to ten methods for each class, and imports
``inspect`` to do it: with forty classes that is a quarter of a whole ``lading verify``. These
share one set of methods instead. To a type checker they are data classes (PEP 681), and to
``dataclasses.replace``, ``fields`` and ``asdict`` too.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, dataclass_transform

    _C = TypeVar("_C")
    _T = TypeVar("_T")
else:

    def dataclass_transform(**_how):
        return lambda made: made


__all__ = ["changed", "fresh", "record"]


class _Fresh:
    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def fresh(*, default_factory: Callable[[], Any]) -> Any:
    """Say that a field's default is made anew for each object, as ``dataclasses.field`` does."""
    return _Fresh(default_factory)


@dataclass_transform(frozen_default=True, field_specifiers=(fresh,))
def record(cls: type[_C]) -> type[_C]:
    """Make a class what ``@dataclass(frozen=True, slots=True)`` would make of it.

    Only its own annotations are fields (there is no inheritance). A class that has a
    ``cached_property`` needs a ``__dict__`` and says so: ``__slots__ = ("__dict__",)``.
    """
    names = tuple(cls.__annotations__)
    namespace = {
        name: value
        for name, value in cls.__dict__.items()
        if name not in {*names, "__dict__", "__weakref__"}
    }
    defaults = {name: cls.__dict__[name] for name in names if name in cls.__dict__}
    namespace["__slots__"] = (*names, *namespace.get("__slots__", ()))
    namespace["__match_args__"] = names
    namespace["__record_defaults__"] = defaults
    namespace["__dataclass_fields__"] = _Fields()
    for name, method in _METHODS.items():
        namespace.setdefault(name, method)
    if namespace["__hash__"] is None:  # Python's own answer to a class with its own __eq__
        namespace["__hash__"] = _hash
    made: type[_C] = type(cls.__name__, cls.__bases__, namespace)
    made.__qualname__ = cls.__qualname__
    return made


def changed(one: _T, **values: Any) -> _T:
    """Return a copy of a record with other values, as ``dataclasses.replace`` does."""
    kept = {name: getattr(one, name) for name in type(one).__match_args__}  # type: ignore[attr-defined]
    return type(one)(**{**kept, **values})


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    kind = type(self)
    names = kind.__match_args__
    if len(args) > len(names):
        raise TypeError(f"{kind.__name__} takes {len(names)} values, not {len(args)}")
    values = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name in values or name not in names:
            raise TypeError(f"{kind.__name__} got an unexpected or a second {name!r}")
        values[name] = value
    defaults = kind.__record_defaults__
    put = object.__setattr__
    for name in names:
        if name in values:
            value = values[name]
        elif name in defaults:
            value = defaults[name]
            if type(value) is _Fresh:
                value = value.make()
        else:
            raise TypeError(f"{kind.__name__} misses {name!r}")
        put(self, name, value)
    after = getattr(self, "__post_init__", None)
    if after is not None:
        after()


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in type(self).__match_args__)


def _eq(self: Any, other: object) -> Any:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in type(self).__match_args__)
    return f"{type(self).__qualname__}({values})"


def _frozen(_self: Any, name: str, *_value: Any) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot change {name!r}")


def _reduce(self: Any) -> tuple[Any, ...]:
    return type(self), _values(self)


class _Fields:
    """``__dataclass_fields__``, made when somebody asks for it: then ``dataclasses`` is loaded."""

    def __get__(self, _one: object, kind: Any) -> Any:
        from dataclasses import MISSING, field, make_dataclass

        listed = []
        for name in kind.__match_args__:
            default = kind.__record_defaults__.get(name, MISSING)
            of = (
                field(default_factory=default.make)
                if isinstance(default, _Fresh)
                else field(default=default)
            )
            listed.append((name, kind.__annotations__[name], of))
        made: Any = make_dataclass(kind.__name__, listed)
        return made.__dataclass_fields__


_METHODS = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _frozen,
    "__delattr__": _frozen,
    "__reduce__": _reduce,
}
