"""A policy's YAML as plain data, read strictly, and where in the file each value stands.

YAML 1.1 reads ``no`` as false, takes a key that stands twice, and lets a few lines of aliases
stand for gigabytes. For a file that decides what may run, each of these is an error.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lading.errors import InputError, LimitError
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yaml.nodes import Node

__all__ = ["Where", "parse"]

_DEPTH: Final = 32
_SCALARS: Final = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")
}

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Where:
    """A value's place: the file, its path from the top, and the lines of all paths."""

    file: str
    lines: Mapping[Path, int]
    path: Path = ()

    def at(self, *step: str | int) -> Where:
        """Return the place of something inside."""
        return Where(self.file, self.lines, (*self.path, *step))

    def __str__(self) -> str:
        line = next(
            (self.lines[self.path[:end]] for end in range(len(self.path), -1, -1)
             if self.path[:end] in self.lines),
            1,
        )  # fmt: skip
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return f"{self.file}:{line}" + (f" ({steps.lstrip('.')})" if steps else "")

    def error(
        self, what: str, *, got: object = None, wanted: str | None = None, hint: str | None = None
    ) -> InputError:
        """Return the error that this value is."""
        shown = None if got is None else (got if isinstance(got, str) else repr(got))[:200]
        return InputError(what, where=str(self), got=shown, wanted=wanted, hint=hint)

    def unknown(self, kind: str, word: str, known: Iterable[str]) -> InputError:
        """Return the error that ``word`` is none of ``known``, with the nearest one."""
        names = sorted(known)
        close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(names)}."
        return self.error(f"the policy has an unknown {kind}", got=word, hint=hint)


def parse(content: bytes, file: str) -> tuple[Any, Where]:
    """Return the document and its place.

    Raises:
        LimitError: larger or deeper than ``limits.py`` allows.
        InputError: not UTF-8, not YAML, several documents, an alias, a tag, a key twice.
    """
    import yaml

    top = Where(file, {})
    if len(content) > LIMITS.policy_file:
        raise LimitError(
            "the policy is too large",
            where=file,
            got=f"{len(content)} bytes",
            wanted=f"at most {LIMITS.policy_file}",
        )
    try:
        text = content.decode()
        _refuse_aliases(text, top)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[Path, int] = {}
        value = None if root is None else _Reader(file, lines).value(root, ())
    except UnicodeDecodeError as error:
        raise top.error("the policy is not UTF-8", got=f"byte {error.start}") from None
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        raise top.error("the policy is not YAML", got=" ".join(str(error).split())) from None
    return value, Where(file, lines)


def _refuse_aliases(text: str, top: Where) -> None:
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise Where(top.file, {(): line}).error(
                "the policy has an alias", hint="Write the value out."
            )
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            raise LimitError("the policy is nested too deeply", where=top.file)


def _line(node: Node) -> int:
    return node.start_mark.line + 1 if node.start_mark else 1


class _Reader:
    """Turns YAML nodes into data and remembers their lines."""

    def __init__(self, file: str, lines: dict[Path, int]) -> None:
        import yaml

        self._file, self._lines = file, lines
        self._scalars = yaml.SafeLoader("")

    def value(self, node: Node, path: Path) -> Any:
        import yaml

        self._lines[path] = _line(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node.value, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, at)) for at, item in enumerate(node.value)]
        if node.tag not in _SCALARS:
            raise Where(self._file, self._lines, path).error("the policy has a tag", got=node.tag)
        if node.tag.endswith(":timestamp"):
            return node.value  # dates stay text: what they mean, the option says
        return self._scalars.construct_object(node)

    def _mapping(self, pairs: list[tuple[Node, Node]], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in pairs:
            key = key_node.value
            if not isinstance(key, str) or not key_node.tag.endswith(":str"):
                what = "a key of the policy is no text"
            elif key in found:
                what = "a key stands twice in the policy"
            else:
                found[key] = self.value(value_node, (*path, key))
                continue
            here = Where(self._file, {path: _line(key_node)}, path)
            raise here.error(what, got=str(key))
        return found
