"""skops: a ZIP of arrays and ``schema.json``, which says what is made of them.

https://skops.readthedocs.io: each node names the class that it becomes, and how it is loaded.
Its loader asks before it makes anything that it does not know; what it would import is what a
pickle's globals are, and is judged like those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Verdict
from lading.models import vocabulary as v
from lading.models.jsonstream import read_json
from lading.models.pickles.names import judge
from lading.models.report import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["NAME", "parse"]

NAME: Final = "schema.json"
_VERSION: Final = "_skops_version"
#: Builtins that nodes of plain data name; none of them does anything but hold it.
_PLAIN_WORDS: Final = """
NoneType bool bytearray bytes complex dict float frozenset int list range set slice str tuple
"""
_PLAIN: Final = frozenset(_PLAIN_WORDS.split())


def parse(content: Source, report: Report) -> bool:
    """Note what the document makes; False when it is another's ``schema.json``.

    Raises:
        Malformed: it is larger than its bound, or no JSON.
    """
    document = read_json(content, NAME)
    if not isinstance(document, dict) or not isinstance(document.get(_VERSION), str):
        return False
    report.fact(v.PRODUCER, f"skops {printable(document[_VERSION], 64)}", NAME)
    top = document.get("__class__")
    report.fact(v.ARCHITECTURE, printable(top) if isinstance(top, str) else None, NAME)
    names = sorted(set(_names(document)))
    report.fact(v.GLOBALS, [printable(".".join(one)) for one in names], NAME)
    if any(module.partition(".")[0] == "sklearn" for module, _ in names):
        report.fact(v.LIBRARY, "scikit-learn", NAME)
    for module, name in names:
        verdict = judge(module, name)
        if verdict is not Verdict.SAFE:
            level = Level.ERROR if verdict is Verdict.DANGEROUS else Level.WARNING
            text = f"loading it makes {printable(module)}.{printable(name)}, once that is trusted"
            report.find("skops-type", text, level, verdict)
    return True


def _names(document: Any) -> Iterator[tuple[str, str]]:
    """Yield module and name of everything that a node becomes, or calls."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            module, name = value.get("__module__"), value.get("__class__")
            plain = module == "builtins" and name in _PLAIN
            if isinstance(module, str) and isinstance(name, str) and not plain:
                yield module, name
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
