"""Which parts of a Jinja template are only printed, so that nothing in them is ever code.

Text outside of blocks is, and so are literals that an output or a condition joins or compares and
does nothing else with. Neither is one where its text can be had again: in a macro, a call, a
filter, a block, a ``set`` with a body, a loop that calls itself. ``Lexer`` of pallets/jinja says
where blocks begin and end; what it would refuse, and raw blocks, are not taken apart at all.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["Kept", "without_print"]

_START: Final = re.compile(r"\{[{%#]")
_STRING: Final = r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*\""""
_TOKEN: Final = re.compile(rf"\s*+(?:({_STRING})|(\w+)|([=!]=|[^'\"]))", re.DOTALL)
_OPEN: Final = {"(": ")", "[": "]", "{": "}"}
#: Statements with a body that somebody can ask for; of the others the body is printed.
_CAPTURING: Final = frozenset({"macro", "call", "filter", "block"})
_PASSING: Final = frozenset({"for", "if", "with", "autoescape"})
_ALONE: Final = frozenset({"elif", "else", "set", "do", "break", "continue"})
#: What may stand before and behind a literal that is only printed, or compared.
_BEFORE: Final = frozenset(
    {"", "+", "~", "==", "!=", "in", "if", "elif", "else", "and", "or", "not"}
)
_BEHIND: Final = frozenset({"", "+", "~", "==", "!=", "in", "not", "if", "else", "and", "or"})


class Kept(NamedTuple):
    """What is left of a template: texts that may become values, and the code of each block."""

    text: str
    codes: list[str]


class _Code(NamedTuple):
    end: int  # of the block, in the template
    tokens: list[tuple[str, bool, bool]]  # token, whether it is a literal, whether in brackets
    assigns: bool  # outside of brackets


def without_print(template: str) -> Kept | None:
    """Return what of ``template`` is code, or can get into it; None when that is not sure."""
    texts: list[str] = []
    codes: list[str] = []
    bodies: list[tuple[str, bool]] = []  # open statements, and whether what they have is kept
    at = 0
    while (found := _START.search(template, at)) is not None:
        kept = _captured(bodies)
        texts.append(template[at : found.start()] if kept else "")
        if found.group() == "{#":
            at = template.find("#}", found.end()) + 2
            if at < 2:
                return None
            continue
        code = _code(template, found.end(), "%" if found.group() == "{%" else "}")
        if code is None or (found.group() == "{%" and not _statement(code, bodies)):
            return None
        codes.append(_left(code, printed=not kept and _prints(found.group(), code)))
        at = code.end
    texts.append(template[at:] if _captured(bodies) else "")
    return Kept(" ".join(texts), codes)


def _captured(bodies: list[tuple[str, bool]]) -> bool:
    """Whether what is printed now can be had again: each body knows of those around it."""
    return bool(bodies) and bodies[-1][1]


def _code(template: str, at: int, mark: str) -> _Code | None:
    """Take apart what stands in one block; ``mark`` is the first character of its end."""
    closing: list[str] = []
    tokens: list[tuple[str, bool, bool]] = []
    assigns = False
    while (found := _TOKEN.match(template, at)) is not None:
        at = found.end()
        literal, _, sign = found.groups()
        if not closing and sign == mark and template[at : at + 1] == "}":
            return _Code(at + 1, tokens, assigns)
        if sign in _OPEN:
            closing.append(_OPEN[sign])
        elif sign in (")", "]", "}") and (not closing or closing.pop() != sign):
            return None
        assigns = assigns or (sign == "=" and not closing)
        tokens.append((literal or found[2] or sign, literal is not None, bool(closing)))
    return None


def _statement(code: _Code, bodies: list[tuple[str, bool]]) -> bool:
    """Open or close the body of a statement; False when it is none that is known."""
    words = [token for token, _, _ in code.tokens]
    if words[:1] in (["-"], ["+"]):
        del words[0]
    word = words[0] if words else ""
    if word.startswith("end"):
        return word == "endgeneration" or (bool(bodies) and bodies.pop()[0] == word[3:])
    if word in _CAPTURING or (word == "set" and not code.assigns):
        bodies.append((word, True))
    elif word in _PASSING:
        again = word == "for" and "recursive" in words
        bodies.append((word, again or _captured(bodies)))
    else:
        return word in _ALONE or word == "generation"
    return True


def _prints(start: str, code: _Code) -> bool:
    """Whether a block prints its value, or only asks whether it is true."""
    return start == "{{" or any(token in ("if", "elif") for token, _, _ in code.tokens[:2])


def _left(code: _Code, *, printed: bool) -> str:
    """Return the code of a block, without the literals that are only printed."""
    tokens = code.tokens
    left = []
    for number, (token, literal, inside) in enumerate(tokens):
        plain = printed and literal and not inside
        if plain:
            before = _neighbour(tokens, number - 1)
            plain = before in _BEFORE and _neighbour(tokens, number + 1) in _BEHIND
        left.append('""' if plain else token)
    return _spaced(left)


def _neighbour(tokens: list[tuple[str, bool, bool]], number: int) -> str:
    """Return a token beside another, ``""`` at the ends; marks of trimming are no tokens."""
    if not 0 <= number < len(tokens):
        return ""
    trims = tokens[number][0] in ("-", "+") and number in (0, len(tokens) - 1)
    return "" if trims else tokens[number][0]


def _spaced(tokens: list[str]) -> str:
    """Join tokens: words stay apart, signs are where they were."""
    pieces: list[str] = []
    for token in tokens:
        if pieces and pieces[-1][-1:].isidentifier() and token[:1].isidentifier():
            pieces.append(" ")
        pieces.append(token)
    return "".join(pieces)
