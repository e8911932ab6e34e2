"""A verdict in the forms that people and other programs read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from lading.policy.outputs.junit import junit
from lading.policy.outputs.markdown import markdown
from lading.policy.outputs.sarif import sarif
from lading.policy.outputs.table import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.policy.verdict import Verdict

__all__ = ["FORMATS", "markdown", "table"]


def _json(verdict: Verdict) -> str:
    document = {"subject": verdict.subject, "digest": verdict.digest, **verdict.to_json()}
    return json.dumps(document, ensure_ascii=True, indent=2) + "\n"


FORMATS: Final[dict[str, Callable[[Verdict], str]]] = {
    "json": _json,
    "junit": junit,
    "markdown": markdown,
    "sarif": sarif,
    "table": table,
}
