"""The images that a Dockerfile builds on, as far as its text says so for certain.

Read by the rules of the Dockerfile reference: parser directives, line continuation, heredocs,
``ARG`` before the first ``FROM``, variables with ``:-`` and ``:+``. Of the stages, only those
that the built one draws on count, through ``FROM``, ``COPY --from`` and ``RUN --mount=from``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lading.records import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["BaseImage", "base_images"]

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z]+)\s*=\s*(\S+)\s*\Z")
_HEREDOC = re.compile(r"<<(-?)([\"']?)([A-Za-z_]\w*)\2(?!\S)")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::([-+])([^${}]*))?\})")
_FLAG = re.compile(r"--([a-z]+)=(\S+)")
_MOUNTED = re.compile(r"(?:\A|,)from=([^,]+)")
_PLATFORM_ARGS = frozenset(
    side + what for side in ("BUILD", "TARGET") for what in ("PLATFORM", "OS", "ARCH", "VARIANT")
)


@record
class BaseImage:
    """One image as written, and its name with variables filled in: None where that is not sure."""

    written: str
    name: str | None
    final: bool = False  # the built stage's own base, and so its lowest layers


class _Stage:
    def __init__(self, base: BaseImage, name: str = "") -> None:
        self.base = base
        self.name = name
        self.uses: list[str] = []


def base_images(
    text: str,
    *,
    build_args: Mapping[str, str],
    target: str | None = None,
    contexts: Mapping[str, str] | None = None,
) -> list[BaseImage]:
    """Return the images that building ``target`` (None: the last stage) draws on, each once.

    ``build_args`` are those with known values, ``contexts`` named build contexts by name: one
    that is a ``docker-image://`` is an image, any other is none.
    """
    stages = _stages(text, build_args)
    if not stages:
        return []
    start = len(stages) - 1
    if target is not None:
        named = _find(stages, target, len(stages))
        start = start if named is None else named
    waiting, seen = [start], set[int]()
    found: dict[str, BaseImage] = {}
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        stage = stages[at]
        for used in (stage.base, *(BaseImage(name, name) for name in stage.uses)):
            earlier = None if used.name is None else _find(stages, used.name, at)
            if earlier is not None:
                waiting.append(earlier)
                continue
            image = _in_context(used, contexts or {})
            if image is not None and image.name != "scratch":
                found.setdefault(image.written, image)
    lowest = _lowest(stages, start)
    return [
        BaseImage(one.written, one.name, final=one.written == lowest.written)
        for one in found.values()
    ]


def _in_context(used: BaseImage, contexts: Mapping[str, str]) -> BaseImage | None:
    """Return what a name means when a named build context of the command line stands for it."""
    place = contexts.get(used.name or "")
    if place is None:
        return used
    image = place.removeprefix("docker-image://")
    return BaseImage(used.written, image) if image != place else None


def _lowest(stages: list[_Stage], at: int) -> BaseImage:
    """Return the image below a stage, through stages that are based on stages."""
    below: int | None = at
    while below is not None:
        base = stages[below].base
        below = None if base.name is None else _find(stages, base.name, below)
    return base


def _find(stages: list[_Stage], name: str, before: int) -> int | None:
    """Return the stage that a name or number means to the one at ``before``."""
    for at in range(before - 1, -1, -1):
        if stages[at].name == name.lower():
            return at
    return int(name) if name.isdecimal() and int(name) < before else None


def _stages(text: str, build_args: Mapping[str, str]) -> list[_Stage]:
    stages: list[_Stage] = []
    args: dict[str, str | None] = dict.fromkeys(_PLATFORM_ARGS)
    for instruction, rest in _instructions(text):
        flags = _flags(rest)
        if instruction == "FROM":
            stages.append(_stage(rest, args))
        elif instruction == "ARG" and not stages:
            _declare(rest, args, build_args)
        elif stages and instruction == "COPY":
            stages[-1].uses += [value for name, value in flags if name == "from"]
        elif stages and instruction == "RUN":
            mounts = (_MOUNTED.search(value) for name, value in flags if name == "mount")
            stages[-1].uses += [mount[1] for mount in mounts if mount]
    return stages


def _stage(rest: str, args: Mapping[str, str | None]) -> _Stage:
    words = [word for word in rest.split() if not word.startswith("--")]
    written = words[0] if words else ""
    stage = _Stage(BaseImage(written, _filled(written, args) or None))
    if len(words) == 3 and words[1].lower() == "as":
        stage.name = words[2].lower()
    return stage


def _flags(rest: str) -> list[tuple[str, str]]:
    """Return the ``--name=value`` words that an instruction begins with."""
    found = []
    for word in rest.split():
        flag = _FLAG.fullmatch(word)
        if flag is None:
            break
        found.append((flag[1], flag[2]))
    return found


def _declare(rest: str, args: dict[str, str | None], build_args: Mapping[str, str]) -> None:
    for word in rest.split():
        name, given, default = word.partition("=")
        if name in build_args:
            args[name] = build_args[name]
        elif given:
            args[name] = _filled(_unquoted(default), args)
        else:
            args.setdefault(name, "")


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _filled(text: str, args: Mapping[str, str | None]) -> str | None:
    """Fill variables in; None when one has no certain value, or the syntax is another."""
    literal = _VARIABLE.sub("", text)
    if any(mark in literal for mark in "$\\\"'`"):
        return None
    result, end = "", 0
    for match in _VARIABLE.finditer(text):
        value = args.get(match[1] or match[2], "")
        if value is None:
            return None
        if match[3] == "-":
            value = value or match[4]
        elif match[3] == "+":
            value = match[4] if value else ""
        result += text[end : match.start()] + value
        end = match.end()
    return result + text[end:]


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction in upper case, and the rest of its logical line."""
    lines = text.removeprefix("\ufeff").splitlines()
    escape, at = _directives(lines)
    while at < len(lines):
        logical, at = _logical(lines, at, escape)
        instruction, _, rest = logical.strip().partition(" ")
        if not instruction:
            continue
        instruction = instruction.upper()
        if instruction in {"RUN", "COPY", "ADD"}:
            at = _after_heredocs(lines, at, rest)
        yield instruction, rest.strip()


def _directives(lines: list[str]) -> tuple[str, int]:
    """Return the escape character, and the number of lines that are parser directives."""
    escape = "\\"
    for at, line in enumerate(lines):
        directive = _DIRECTIVE.match(line.strip())
        if directive is None:
            return escape, at
        if directive[1].lower() == "escape":
            escape = directive[2]
    return escape, len(lines)


def _logical(lines: list[str], at: int, escape: str) -> tuple[str, int]:
    """Join continued lines; comments and empty lines among them do not end the line."""
    parts: list[str] = []
    while at < len(lines):
        line = lines[at].replace("\t", " ").rstrip()
        at += 1
        if line.lstrip().startswith("#") or (parts and not line.strip()):
            if not parts:
                break
            continue
        continued = line.endswith(escape)
        parts.append(line[:-1] if continued else line)
        if not continued:
            break
    return "".join(parts), at


def _after_heredocs(lines: list[str], at: int, rest: str) -> int:
    """Return the first line after the heredocs that an instruction opens."""
    for heredoc in _HEREDOC.finditer(rest):
        for end in range(at, len(lines)):
            line = lines[end].lstrip("\t") if heredoc[1] else lines[end]
            if line == heredoc[3]:
                at = end + 1
                break
    return at
