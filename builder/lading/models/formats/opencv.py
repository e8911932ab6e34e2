"""OpenCV's classical models: cascades of detectors in XML, classifiers in YAML and XML.

``CascadeClassifier::Data::read`` and ``StatModel::write`` of opencv/opencv. As with other XML,
nothing is parsed as such: the elements that every cascade begins with are searched. OpenCV reads
numbers from these files, and nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse", "yaml_like"]

FORMAT: Final = "opencv"
_ROOT: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?>(?><!--.{0,16000}?-->)\s*)*+<opencv_storage>\s*"
    rb"(?>(?><!--.{0,4000}?-->)\s*)*+<([\w.-]{1,64})(?:\s+type_id=\"opencv-(cascade-classifier|haar-classifier|ml-[\w-]+)\")?"
    rb"\s*>(.{0,400})",
    re.DOTALL,
)
#: A comment that the first bytes do not see the end of: licences are long.
_UNENDED: Final = re.compile(rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?<!--(?!.*-->)", re.DOTALL)
_YAML: Final = re.compile(rb"%YAML[: ]1\.\d\r?\n---\r?\n(opencv_ml_\w{2,32}):(?: ![\w-]+)?\r?\n")
_STAGES: Final = re.compile(rb"<stageType>\s*(\w{1,16})\s*</stageType>")
_FEATURES: Final = re.compile(rb"<featureType>\s*(\w{1,16})\s*</featureType>")
_LOOKED_AT: Final = 24 * 1024


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a cascade or a classifier, or a comment that may hide one."""
    if b"<opencv_storage>" in head:
        return _kind(head) is not None
    return _UNENDED.match(head) is not None and b"-->" not in head


def yaml_like(head: bytes) -> bool:
    """Whether ``head`` starts a classifier in YAML."""
    return _YAML.match(head) is not None


def _kind(head: bytes) -> tuple[str, str] | None:
    """Return what the first element is: its architecture, and the features that it looks at."""
    found = _ROOT.match(head)
    if found is None:
        return None
    name, kind, rest = found[1], found[2] or b"", found[3]
    stages, features = _STAGES.search(rest), _FEATURES.search(rest)
    if stages and features:
        return "CascadeClassifier", features[1].decode()
    if kind in (b"haar-classifier", b"cascade-classifier"):
        return "CascadeClassifier", "HAAR"
    if name.startswith(b"opencv_ml_") or kind.startswith(b"ml-"):
        return name.removeprefix(b"opencv_ml_").decode(), ""
    return None


def parse(source: Source, report: Report) -> bool:
    """Read what kind of model it is; False when a comment hid none."""
    head = source.peek(_LOOKED_AT)
    text = _YAML.match(head)
    if text:
        kind: tuple[str, str] | None = (text[1].removeprefix(b"opencv_ml_").decode(), "")
    else:
        kind = _kind(head)
    if kind is None:
        return False
    report.format = FORMAT
    report.fact(v.LIBRARY, "opencv", "")
    report.fact(v.ARCHITECTURE, f"{kind[0]} ({kind[1]})" if kind[1] else kind[0], "first element")
    if kind[0] == "CascadeClassifier":
        report.fact(v.TASK, "object-detection", "first element")
    if not text and b"</opencv_storage>" not in _end(source):
        raise Malformed("it ends before its root element does")
    return True


def _end(source: Source) -> bytes:
    """Return the last bytes of what is left."""
    last = b""
    while piece := source.some():
        last = (last + piece)[-64:]
    return last
