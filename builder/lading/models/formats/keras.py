"""Keras configurations, in ``.keras`` archives and in HDF5 attributes.

A ``Lambda`` layer holds marshalled byte code that loading runs (CVE-2024-3660); any layer may
name a module and a class to import (CVE-2025-1550), which safe mode allows for Keras' own only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.jsonstream import parse_json
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["KerasConfig", "judge_config"]

#: Modules whose classes Keras itself provides.
_OWN: Final = ("keras", "tensorflow", "tf_keras", "keras_hub", "keras_nlp", "keras_cv", "builtins")


class KerasConfig:
    """Reads ``config.json`` of a ``.keras`` archive."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def wants(self, name: str) -> bool:
        """Whether a member is the archive's configuration."""
        return name == "config.json"

    def read(self, content: Source) -> None:
        """Judge the configuration.

        Raises:
            Malformed: it is larger than its bound, or not JSON.
        """
        text = content.read(LIMITS.companion_json + 1)
        if len(text) > LIMITS.companion_json:
            raise Malformed("config.json is too large")
        judge_config(parse_json(text.decode("utf-8", "replace")), self._report, "config.json")


def judge_config(config: Any, report: Report, where: str) -> None:
    """Note class, layers and dangers of a configuration."""
    if not isinstance(config, dict) or "class_name" not in config:
        return
    inner = config.get("config")
    name = inner.get("name") if isinstance(inner, dict) else None
    report.fact(v.ARCHITECTURE, config["class_name"], f"{where}: class_name")
    report.declared(v.NAME, name if isinstance(name, str) else None, f"{where}: config.name")
    report.fact(v.LIBRARY, "keras", where)
    for node in _objects(config):
        class_name, module = node.get("class_name"), node.get("module")
        if class_name == "Lambda":
            text = f"{where}: a Lambda layer brings byte code that loading runs"
            report.find("keras-lambda", text, Level.ERROR, Verdict.DANGEROUS)
        elif class_name == "__lambda__":
            text = f"{where}: a serialised lambda is byte code that loading runs"
            report.find("keras-lambda", text, Level.ERROR, Verdict.DANGEROUS)
        elif isinstance(module, str) and module.partition(".")[0] not in _OWN:
            text = f"{where}: loading it imports {printable(f'{module}.{class_name}')}"
            report.find("keras-import", text, Level.WARNING, Verdict.SUSPICIOUS)


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a document, without recursion."""
    waiting = [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
