"""What archives of other programs hold: TorchServe, ``torch.export``, H2O's MOJO, MediaPipe tasks.

* TorchServe, ``.mar``: ``MAR-INF/MANIFEST.json`` names a handler, Python that the server runs.
* ``torch.export``, ``.pt2``: a graph in JSON, weights, and what AOTInductor compiled
  (``torch/export/pt2_archive/constants.py`` of pytorch/pytorch).
* MOJO: ``model.ini`` (``AbstractMojoWriter`` of h2oai/h2o-3); trees are data.
* MediaPipe, ``.task``: TFLite models and what belongs to them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats import tflite
from lading.models.jsonstream import parse_json
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["Bundle"]

_MANIFEST: Final = "MAR-INF/MANIFEST.json"
#: Handlers that TorchServe brings along.
_OWN_HANDLERS: Final = frozenset(
    {"image_classifier", "image_segmenter", "object_detector", "text_classifier", "base_handler"}
)
_EXPORTED: Final = re.compile(r"(?:[^/]+/)?(?:models/[^/]+|serialized_exported_program)\.json\Z")
_PROGRAM: Final = re.compile(rb'\s*\{\s*"graph_module"\s*:\s*\{')
_MARK: Final = re.compile(r"(?:[^/]+/)?archive_format\Z")
_WEIGHTS: Final = re.compile(r"(?:[^/]+/)?data/weights/[^/]*weights_config\.json\Z")
_NATIVE: Final = re.compile(r"(?:[^/]+/)?data/aotinductor/.+\.(?:so|o|cpp|cubin|pyd|dll)\Z")
_SETTING: Final = re.compile(r"^(\w{1,40}) = (.{1,200})$", re.MULTILINE)
#: torch/_export/serde/schema.py, ScalarType
_TYPES: Final = {
    1: "U8", 2: "I8", 3: "I16", 4: "I32", 5: "I64", 6: "F16", 7: "F32", 8: "F64", 12: "BOOL",
    13: "BF16", 28: "U16", 29: "F8_E4M3", 30: "F8_E5M2",
}  # fmt: skip
_TASKS: Final = {
    "Binomial": "tabular-classification", "Multinomial": "tabular-classification",
    "Regression": "tabular-regression", "Clustering": "clustering",
    "WordEmbedding": "feature-extraction",
}  # fmt: skip


class Bundle:
    """Collects what an archive's members say of it, one after the other."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._handler: str | None = None
        self._scripts: list[str] = []
        self._elements: Counter[str] = Counter()
        self._tensors = 0
        self.format: str | None = None

    def see(self, name: str, head: bytes) -> bool:
        """Note a member's name; whether :meth:`read` wants its content."""
        if name.endswith(".py") and len(self._scripts) < LIMITS.fact_items:
            self._scripts.append(name)
        elif _NATIVE.match(name):
            text = f"loading it runs machine code or a program: {printable(name)}"
            self._report.find("export-native-code", text, Level.WARNING, Verdict.SUSPICIOUS)
        elif (_EXPORTED.match(name) and _PROGRAM.match(head)) or (
            _MARK.match(name) and head.strip() == b"pt2"
        ):
            self.format = self.format or "torch-export"
        return (
            name == _MANIFEST
            or (name == "model.ini" and head.startswith(b"[info]"))
            or head[4:8] == tflite.MAGIC
            or _WEIGHTS.match(name) is not None
        )

    def read(self, name: str, size: int | None, content: Source) -> None:
        """Read one member that :meth:`see` wants.

        Raises:
            Malformed: it is not what its name says.
        """
        if name == _MANIFEST:
            self._torchserve(_document(content, name))
        elif name == "model.ini":
            self._mojo(content.read(LIMITS.companion_text).decode("utf-8", "replace"))
        elif _WEIGHTS.match(name):
            self._exported_weights(_document(content, name))
        else:
            self._tflite(name, size, content)

    def _torchserve(self, document: dict[str, Any]) -> None:
        self.format = "torchserve"
        model = document.get("model")
        model = model if isinstance(model, dict) else {}
        handler = model.get("handler")
        self._handler = printable(handler) if isinstance(handler, str) else None
        for key, name in (("modelName", v.NAME), ("modelVersion", v.VERSION)):
            value = model.get(key)
            self._report.declared(name, value if isinstance(value, str) else None, key)

    def _mojo(self, text: str) -> None:
        info = dict(_SETTING.findall(text.partition("[columns]")[0]))
        if "mojo_version" not in info and "h2o_version" not in info:
            return
        self.format = "h2o-mojo"
        report = self._report
        report.fact(v.LIBRARY, "h2o", "model.ini")
        report.fact(v.ARCHITECTURE, printable(info.get("algorithm", "")), "algorithm")
        report.fact(v.TASK, _TASKS.get(info.get("category", "")), "category")
        report.fact(v.FORMAT_VERSION, printable(info.get("mojo_version", "")), "mojo_version")
        version = info.get("h2o_version")
        report.declared(v.PRODUCER, f"h2o {printable(version)}" if version else None, "h2o_version")

    def _exported_weights(self, document: dict[str, Any]) -> None:
        config = document.get("config")
        for entry in (config if isinstance(config, dict) else {}).values():
            meta = entry.get("tensor_meta") if isinstance(entry, dict) else None
            sizes = meta.get("sizes") if isinstance(meta, dict) else None
            if not isinstance(meta, dict) or not isinstance(sizes, list):
                continue
            extents: list[Any] = [one.get("as_int") for one in sizes if isinstance(one, dict)]
            if len(extents) == len(sizes) and all(type(n) is int and n >= 0 for n in extents):
                self._tensors += 1
                kind: Any = meta.get("dtype")
                name = _TYPES.get(kind, "unknown") if isinstance(kind, int) else "unknown"
                self._elements[name] += min(math.prod(extents), 1 << 63)

    def _tflite(self, name: str, size: int | None, content: Source) -> None:
        task = self._report.named.endswith(".task")
        self.format = self.format or ("mediapipe" if task else "model-archive")
        member = self._report.inside(name, size or 0)
        try:
            tflite.parse(content, member)
        finally:
            self._report.absorb(member)
        facts = member.facts
        if v.PARAMETERS in facts:
            self._elements[facts[v.DTYPE].value] += facts[v.PARAMETERS].value
            self._tensors += facts[v.TENSOR_COUNT].value

    def finish(self) -> None:
        """Say what runs when it is loaded, and what was counted."""
        report = self._report
        if self.format == "torchserve":
            report.fact(v.LIBRARY, "torchserve", _MANIFEST)
            own = self._handler is not None and self._handler.partition(":")[0] in _OWN_HANDLERS
            if self._scripts or not own:
                what = self._handler or ", ".join(map(printable, self._scripts[:3])) or "any"
                text = f"TorchServe runs Python that the archive brings: the handler {what}"
                report.find("torchserve-handler", text, Level.WARNING, Verdict.SUSPICIOUS)
        elif self.format == "torch-export":
            report.fact(v.LIBRARY, "pytorch", "members")
        elif self.format == "mediapipe":
            report.fact(v.LIBRARY, "mediapipe", "members")
        if self._elements:
            report.fact(v.TENSOR_COUNT, self._tensors, "members")
            report.fact(v.PARAMETERS, self._elements.total(), "members: shapes")
            report.fact(v.DTYPE, self._elements.most_common(1)[0][0], "members: types")


def _document(content: Source, name: str) -> dict[str, Any]:
    text = content.read(LIMITS.companion_json + 1)
    if len(text) > LIMITS.companion_json:
        raise Malformed(f"{name} is too large")
    document = parse_json(text.decode("utf-8", "replace"))
    if not isinstance(document, dict):
        raise Malformed(f"{name} is no object")
    return document
