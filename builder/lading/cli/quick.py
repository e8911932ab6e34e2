"""``lading verify``, ``inspect`` and ``bom`` without the library that parses command lines.

Deploy scripts run the first before every start, people the second again and again; importing that
library takes as long as everything else of a short run, and 7 MiB. What is read here are plain
command lines of the options below; any other, a mistake or ``--help`` above all, is left to the
verb's declared options. Both mean the same: a test holds these tables against the declarations.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Final

__all__ = [
    "ASKED",
    "BOM",
    "FLAGS",
    "INSPECT",
    "OTHERS",
    "TRUST",
    "bom",
    "inspect",
    "parse",
    "parse_bom",
    "parse_inspect",
    "verify",
]

#: Every setting of each kind, with its value where it was not given.
TRUST: Final[dict[str, Any]] = {
    "key": None,
    "identity": None,
    "identity-regexp": None,
    "issuer": None,
    "trusted-root": None,
    "certificate-root": None,
    "certificate-chain": None,
    "tlog": False,
    "timestamp": False,
    "trust": None,
}
ASKED: Final[dict[str, Any]] = {
    "type": None,
    "full": False,
    "max-age": None,
    "platform": None,
    "policy": None,
    "previous": None,
    "outputs": None,
}
OTHERS: Final[dict[str, Any]] = {
    "all-platforms": False,
    "content": False,
    "evidence": None,
    "insecure": False,
    "json": False,
}
#: What is read here: flag → setting. The others make the whole line somebody else's.
FLAGS: Final = {
    **{
        f"--{name}": name
        for name in (*TRUST, *ASKED, *OTHERS)
        if name not in {"policy", "previous", "outputs"}
    },
    "--trust-config": "trusted-root",
}
#: Every setting of ``inspect``, with its value where it was not given; all are read here.
INSPECT: Final[dict[str, Any]] = {
    "platform": None,
    "all-platforms": False,
    "all-layers": False,
    "insecure": False,
    "json": False,
}
#: The same of ``bom``; ``-o`` is its one short form.
BOM: Final[dict[str, Any]] = {
    "output": None,
    "spec-version": "1.6",
    "format": "json",
    "platform": None,
    "all-platforms": False,
    "insecure": False,
    "json": False,
}


def _path(value: str) -> Path:
    from pathlib import Path  # an unchanged image is told without

    return Path(value)


_REPEATED: Final[dict[str, Callable[[str], Any]]] = {
    "key": _path,
    "identity": str,
    "identity-regexp": str,
}


def verify(words: Sequence[str]) -> bool:
    """Run ``lading verify`` with ``words``; False when they are not for here.

    Raises:
        SystemExit, FactsError: as :func:`lading.cli.verifying.verify`.
    """
    found = parse(words)
    if found is None:
        return False
    from lading.cli.verifying import verify as answer

    image, given = found
    answer(
        image,
        trust={name: given.get(name, absent) for name, absent in TRUST.items()},
        asked={name: given.get(name, absent) for name, absent in ASKED.items()},
        all_platforms=given.get("all-platforms", False),
        content=given.get("content", False),
        evidence=given.get("evidence") or os.environ.get("LADING_EVIDENCE") or None,
        insecure=given.get("insecure", False),
        json=given.get("json", False),
    )
    return True


def parse(words: Sequence[str]) -> tuple[str, dict[str, Any]] | None:
    """Return the image and the given settings of a plain command line, or None."""
    return _parse(words, FLAGS, {**TRUST, **ASKED, **OTHERS})


def _parse(
    words: Sequence[str], flags: Mapping[str, str], absent: Mapping[str, Any]
) -> tuple[str, dict[str, Any]] | None:
    targets: list[str] = []
    given: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            targets.append(word)
            continue
        flag, equals, value = word.partition("=")
        name = flags.get(flag)
        if name is None or (name in given and name not in _REPEATED):
            return None
        if absent[name] is False:
            if equals:
                return None
            given[name] = True
            continue
        value = value if equals else next(rest, "")
        if not value or value.startswith("-"):
            return None
        if name in _REPEATED:
            given.setdefault(name, []).append(_REPEATED[name](value))
        else:
            given[name] = value
    return (targets[0], given) if len(targets) == 1 and targets[0] else None


def _arguments(given: Mapping[str, Any], absent: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("-", "_"): value for name, value in {**absent, **given}.items()}


def inspect(words: Sequence[str]) -> bool:
    """Run ``lading inspect`` with ``words``; False when they are not for here.

    Raises:
        FactsError: as :func:`lading.cli.inspecting.inspect`.
    """
    found = parse_inspect(words)
    if found is None:
        return False
    from lading.cli.inspecting import inspect as answer

    answer(found[0], **_arguments(found[1], INSPECT))
    return True


def parse_inspect(words: Sequence[str]) -> tuple[str, dict[str, Any]] | None:
    """Return the target and the given settings of a plain command line, or None."""
    return _parse(words, {f"--{name}": name for name in INSPECT}, INSPECT)


def bom(words: Sequence[str]) -> bool:
    """Run ``lading bom`` with ``words``; False when they are not for here.

    Raises:
        FactsError: as :func:`lading.cli.writing.bom`.
    """
    found = parse_bom(words)
    if found is None:
        return False
    from lading.cli.writing import bom as answer

    target, given = found
    if "output" in given:
        given["output"] = _path(given["output"])
    answer(target, **_arguments(given, BOM))
    return True


def parse_bom(words: Sequence[str]) -> tuple[str, dict[str, Any]] | None:
    """Return the target and the given settings of a plain command line, or None."""
    return _parse(words, {**{f"--{name}": name for name in BOM}, "-o": "output"}, BOM)
