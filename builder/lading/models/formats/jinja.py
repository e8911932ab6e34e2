"""Chat templates are Jinja programs: what in one reaches for Python is a finding.

A template for chat needs loops, conditions and a few filters. Attribute names with double
underscores, or the names that lead from any object to the interpreter, have no place in its code:
an unsandboxed ``Environment`` runs them (CVE-2024-34359). What is only printed is no code
(``jinja_text``); of a template that cannot be taken apart for sure, all is looked at. Text is
searched, never rendered.
"""

from __future__ import annotations

import re
from typing import Final

from lading.models.formats.jinja_text import without_print

__all__ = ["judge_template"]

#: Roughly what stands between {{ }} or {% %}; quotes and raw blocks may move these borders.
_CODE: Final = re.compile(r"\{[{%]([\s\S]*?)(?:[}%]\}|\Z)")
#: No chat is about these, so they count wherever they stand.
_ANYWHERE: Final = re.compile(
    r"__\w+__|\\x5f|\\u005f|\\U0000005f|\\137|\\N\{|\b(?:mro|subclasses)\s*\(|\b(?:f_globals|f_builtins|func_globals"
    r"|gi_frame|gi_code|cr_frame|os\s*\.\s*(?:system|popen))\b|\|\s*attr\b",
    re.IGNORECASE,
)
#: Words of prose too: dangers in code alone.
_IN_CODE: Final = re.compile(
    r"__|_['\"]\s*\*|%c|:c\}"
    # Underscores on their own, put together; a literal of which one character is taken.
    r"|['\"]_+['\"]\s*[~+]|[~+=]\s*['\"]_+['\"]|['\"]_+['\"]\s*,\s*['\"]_|\bdict\s*\(\s*_+\s*="
    r"|['\"]\s*\[\s*-?\d"
    r"|\b(?:mro|subclasses|popen|subprocess|builtins|importlib|getattr|setattr|eval|exec)\b"
    r"|\battr\s*\(|\b(?:cycler|joiner|lipsum)\s*\."
    r"|\b(?:include|import|extends)\s+['\"]",
    re.IGNORECASE,
)


def judge_template(template: str) -> str | None:
    """Return the first part of ``template`` that reaches for the interpreter, or None."""
    kept = without_print(template)
    text = template if kept is None else kept.text
    codes = [one.group(1) for one in _CODE.finditer(template)] if kept is None else kept.codes
    found = _ANYWHERE.search(text)
    for code in codes:
        found = found or _ANYWHERE.search(code) or _IN_CODE.search(code)
    return found.group().strip() if found else None
