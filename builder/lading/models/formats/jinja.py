"""Chat templates are Jinja programs: what in one reaches for Python is a finding.

A template for chat needs loops, conditions and a few filters. Attribute names with double
underscores, or the names that lead from any object to the interpreter, have no place in it; an
unsandboxed ``Environment`` runs them (CVE-2024-34359). Text is searched, never rendered.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["judge_template"]

#: Whatever stands between {{ }} or {% %}; text outside is only printed.
_CODE: Final = re.compile(r"\{[{%]([\s\S]*?)(?:[}%]\}|\Z)")
_DANGER: Final = re.compile(
    r"__\w+__|\\x5f|\\u005f"
    r"|\b(?:mro|subclasses|func_globals|gi_frame|gi_code|cr_frame|f_globals|f_builtins"
    r"|popen|subprocess|builtins|importlib|getattr|setattr|eval|exec|os\s*\.\s*system)\b"
    r"|\battr\s*\(|\|\s*attr\b|\b(?:cycler|joiner|lipsum)\s*\."
    r"|\b(?:include|import|extends)\s+['\"]",
    re.IGNORECASE,
)


def judge_template(template: str) -> str | None:
    """Return the first part of ``template`` that reaches for the interpreter, or None."""
    for code in _CODE.finditer(template):
        found = _DANGER.search(code.group(1))
        if found:
            return found.group().strip()
    return None
