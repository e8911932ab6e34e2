"""``model_config.yaml`` of NVIDIA NeMo: in a ``.nemo``, or beside the weights that it is about.

``target``, and ``_target_`` at any depth, name what restoring the model imports and calls: NeMo's
own classes, or anybody's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Role, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.companions.yamltext import parse_yaml, unreadable
from lading.models.pickles.names import judge
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["parse"]

#: Packages whose classes NeMo itself writes down.
_OWN: Final = re.compile(
    r"(?:nemo\w*|torch|torchaudio|torchmetrics|lightning|pytorch_lightning|transformers)\."
)
_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+\Z")


def parse(source: Source, report: Report) -> bool:
    """Note class and versions; False when the document is another's."""
    text = source.read(LIMITS.companion_text).decode("utf-8", "replace")
    try:
        data = parse_yaml(text)
    except Malformed as error:
        if "nemo" not in text and "target" not in text:
            return False
        return unreadable(report, "nemo", error)
    if not isinstance(data, dict):
        return False
    target, version = _text(data.get("target")), _text(data.get("nemo_version"))
    if target is None and version is None:
        return False
    report.role = Role.CONFIG
    report.fact(v.KIND, "nemo", "")
    report.declared(v.LIBRARY, "nemo", "")
    report.declared(v.FRAMEWORK_VERSION, version, "nemo_version")
    report.declared(v.NAME, _text(data.get("name")), "name")
    if target is not None:
        report.fact(v.ARCHITECTURE, target.rpartition(".")[2], "target")
    for name in _targets(data):
        module, _, last = name.rpartition(".")
        verdict = judge(module, last)
        if verdict is Verdict.DANGEROUS or not _OWN.match(name):
            level = Level.ERROR if verdict is Verdict.DANGEROUS else Level.WARNING
            text = f"restoring it imports {printable(name)}, which is not NeMo's"
            report.find("nemo-target", text, level, max(verdict, Verdict.SUSPICIOUS))
    return True


def _targets(data: Any) -> Iterator[str]:
    """Yield every dotted name that some part of the configuration is to be made from."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            names = [value.get("target"), value.get("_target_")]
            yield from (name for name in names if isinstance(name, str) and _DOTTED.match(name))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
