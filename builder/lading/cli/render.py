"""Turn results into text: aligned tables, sizes, one-paragraph errors, JSON documents."""

from __future__ import annotations

import os
import sys

from lading.errors import InputError, VerificationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from lading_oci.errors import FactsError

__all__ = [
    "error_to_json",
    "human_count",
    "human_size",
    "json_text",
    "note",
    "plain",
    "print_error",
    "print_json",
    "put",
    "say",
    "short_digest",
    "table",
]

_KIB = 1024
_THOUSAND = 1000


def plain(text: object) -> str:
    """Return text that is safe on a terminal: control characters and broken Unicode escaped.

    File names, licences and card texts come from images; an escape sequence in one must not
    repaint somebody's screen.
    """
    return "".join(char if char.isprintable() else _escaped(char) for char in str(text))


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # a byte of a path that is no UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape", "surrogatepass").decode()


def human_size(size: int) -> str:
    """Return bytes as a person reads them: ``1.4 MiB``."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < _KIB:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _KIB
    return f"{value:.1f} TiB"


def human_count(count: int) -> str:
    """Return a number as model cards write it: ``7.2B``, ``110M``, ``4.2k``."""
    value = float(count)
    for unit in ("", "k", "M", "B"):
        if value < _THOUSAND:
            return f"{value:.3g}{unit}" if unit else str(count)
        value /= _THOUSAND
    return f"{value:.3g}T"


def short_digest(digest: str | None) -> str:
    """Return the first 12 hexadecimal digits of a digest, as docker shows them."""
    return (digest or "-").removeprefix("sha256:")[:12]


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, indent: str = "  ") -> str:
    """Return left-aligned columns under a header; every cell is made safe for a terminal."""
    cells = [list(header), *([plain(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(indent + "  ".join(padded).rstrip())
    return "\n".join(lines)


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON document to standard output; see :func:`put`."""
    put(json_text(document) + "\n")


def put(result: str | bytes) -> None:
    """Write a result to standard output.

    That nobody reads it any more (``| head``) changes nothing of what the verb ends with.

    Raises:
        InputError: it cannot be written, to a full disk for one.
    """
    out = sys.stdout
    if out is None:  # closed by whoever started us
        return
    try:
        if isinstance(result, str):
            out.write(result)
        else:
            out.flush()
            out.buffer.write(result)
        out.flush()
    except BrokenPipeError:
        _let_go()
    except OSError as error:
        _let_go()
        raise InputError("Standard output cannot be written", got=error.strerror) from error


def say(line: str) -> None:
    """Write a line of a result to standard output; see :func:`put`."""
    put(f"{line}\n")


def _let_go() -> None:
    """Have what is still waiting to be written go nowhere, lest the end fails on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def json_text(document: dict[str, Any]) -> str:
    """Return a JSON document as :func:`print_json` prints it."""
    import json

    return json.dumps(document, ensure_ascii=True, indent=2)


def note(text: str) -> None:
    """Print a line to standard error, where everything that is not the result goes."""
    print(text, file=sys.stderr, flush=True)


def error_to_json(error: FactsError) -> dict[str, Any]:
    """Return an error's facts as JSON data (the ``error`` object of every document)."""
    code = error.code if isinstance(error, VerificationError) else type(error).__name__
    facts = {name: getattr(error, name) for name in ("what", "where", "got", "wanted", "hint")}
    return {"code": code, **facts}


def print_error(error: FactsError) -> None:
    """Print an error as one paragraph: what, where, got, wanted, and what to do."""
    import shutil
    import textwrap

    text = _sentence(error.what, where=error.where)
    if error.got:
        text += " Got: " + plain(error.got).rstrip(".") + "."
    if error.wanted:
        text += " Wanted: " + plain(error.wanted).rstrip(".") + "."
    if error.hint:
        text += " " + _sentence(error.hint)
    width = max(60, min(100, shutil.get_terminal_size((100, 24)).columns))
    note(
        textwrap.fill(
            text,
            width,
            initial_indent="lading: ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _sentence(text: str, where: str | None = None) -> str:
    """Return text as a sentence: a capital at its start, a full stop at its end."""
    clean = plain(text)
    clean = clean[:1].upper() + clean[1:].rstrip(".")
    place = f" ({plain(where)})" if where else ""
    return clean + place + ("" if clean.endswith(("?", "!", "…")) and not place else ".")
