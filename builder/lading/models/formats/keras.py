"""Keras configurations, in ``.keras`` archives and in HDF5 attributes.

A ``Lambda`` layer holds marshalled byte code that loading runs; any object may name what is to be
imported. :mod:`lading.models.formats.keras_dangers` judges each object.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.keras_dangers import dangers_of
from lading.models.jsonstream import read_json
from lading.models.report import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["ConfigSearch", "KerasConfig", "judge_config", "search_config"]

_DECODER: Final = json.JSONDecoder()


class KerasConfig:
    """Reads ``config.json`` of a ``.keras`` archive."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def wants(self, name: str) -> bool:
        """Whether a member is the archive's configuration or says which Keras wrote it."""
        return name in ("config.json", "metadata.json")

    def read(self, name: str, content: Source) -> None:
        """Judge the configuration.

        Raises:
            Malformed: it is larger than its bound, or not JSON.
        """
        document = read_json(content, name)
        if name == "config.json":
            judge_config(document, self._report, name)
        elif isinstance(document, dict) and isinstance(document.get("keras_version"), str):
            version = printable(document["keras_version"], 64)
            self._report.fact(v.FRAMEWORK_VERSION, version, f"{name}: keras_version")


def judge_config(config: Any, report: Report, where: str) -> None:
    """Note class, layers and dangers of a configuration."""
    if not isinstance(config, dict):
        return
    if "class_name" in config:
        inner = config.get("config")
        name = inner.get("name") if isinstance(inner, dict) else None
        report.fact(v.ARCHITECTURE, config["class_name"], f"{where}: class_name")
        report.declared(v.NAME, name if isinstance(name, str) else None, f"{where}: config.name")
        report.fact(v.LIBRARY, "keras", where)
    for node in _objects(config):
        for danger in dangers_of(node):
            level = Level.ERROR if danger.verdict is Verdict.DANGEROUS else Level.WARNING
            report.find(danger.finding, f"{where}: {danger.text}", level, danger.verdict)


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


#: A member's name, whatever it is: which comes first is the writer's choice.
_NAME: Final = rb'(?:[^"\\\x00-\x1f]|\\[ -~])'
#: How a JSON object begins that has members. Six bytes or more, which chance does not put into
#: weights.
_STARTS: Final = re.compile(
    rb'\{\s{0,200}"' + _NAME + rb'{0,200}"\s{0,200}:\s{0,200}["{\[\dtfnNI-]'
)
#: What no writer puts into a configuration, and what would keep its beginning from being seen.
_STRETCHED: Final = re.compile(rb'["{:]\s{200}|\{\s{0,200}"' + _NAME + rb"{200}")
_LAMBDA: Final = re.compile(rb'"class_name"\s{0,200}:\s{0,200}"(?:Lambda|__lambda__)"')
_OVERLAP: Final = 1024


class ConfigSearch:
    """Finds configurations in bytes that pass by in pieces, wherever a container put them.

    A ``Lambda`` layer is found by its bytes alone, also where the JSON around it is broken.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._text = b""  # what may be the beginning of a configuration
        self._tail = b""
        self._affordable = 4 * LIMITS.companion_json  # bytes that may still be decoded
        self.found = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        window = self._tail + piece
        if b'"class_name"' in window and _LAMBDA.search(window):
            text = "a Lambda layer brings byte code that loading runs"
            self._report.find("keras-lambda", text, Level.ERROR, Verdict.DANGEROUS)
        if _STRETCHED.search(window):
            text = "white space or long names hide where a configuration begins"
            self._report.find("unscannable", text)
        if self._text:
            self._text += piece
        else:
            start = _STARTS.search(window)
            if start:
                self._text = window[start.start() :]
        if self._text:
            self._try()
        self._tail = window[-_OVERLAP:]

    def _try(self) -> None:
        """Decode configurations as far as the bytes at hand reach."""
        while self._text:
            end = self._text.find(b"\x00")
            text = self._text if end < 0 else self._text[:end]
            self._affordable -= len(text)
            if self._affordable < 0:
                why = "it has more broken configurations than are looked at"
                self._report.find("unscannable", why)
                self._text = b""
                return
            try:
                value, used = _DECODER.raw_decode(text.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                if end < 0 and len(self._text) <= LIMITS.companion_json:
                    return  # more may come
                used = 1
            else:
                self.found = self.found or (isinstance(value, dict) and "class_name" in value)
                judge_config(value, self._report, "configuration")
            start = _STARTS.search(self._text, max(1, min(used, len(self._text))))
            self._text = self._text[start.start() :] if start else b""

    def finish(self) -> None:
        """Give up on what has not ended."""
        self._text = b""


def search_config(source: Source, report: Report) -> bool:
    """Search a whole source; return whether a configuration was found."""
    search = ConfigSearch(report)
    while piece := source.some():
        search.feed(piece)
    search.finish()
    return search.found
