"""Core ML: ``.mlmodel``, a protobuf, alone or in an ``.mlpackage`` with its ``weight.bin``.

Model.proto of apple/coremltools: specification version, description, and one field above 200
that says which kind of model it is. A blob file has 64 bytes of header and records of 64 bytes
that start with 0xDEADBEEF.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.protobuf import BYTES, VARINT, Message, first_fields
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse", "parse_weights", "weights_like"]

FORMAT: Final = "coreml"
_NEWEST: Final = 32
#: The model's kind, by its field.
_KINDS: Final = {
    200: "pipelineClassifier", 201: "pipelineRegressor", 202: "pipeline", 300: "glmRegressor",
    301: "supportVectorRegressor", 302: "treeEnsembleRegressor", 303: "neuralNetworkRegressor",
    304: "bayesianProbitRegressor", 400: "glmClassifier", 401: "supportVectorClassifier",
    402: "treeEnsembleClassifier", 403: "neuralNetworkClassifier",
    404: "kNearestNeighborsClassifier",
    500: "neuralNetwork", 501: "itemSimilarityRecommender", 502: "mlProgram", 555: "customModel",
    556: "linkedModel", 560: "classConfidenceThresholding", 600: "oneHotEncoder", 601: "imputer",
    602: "featureVectorizer", 603: "dictVectorizer", 604: "scaler", 606: "categoricalMapping",
    607: "normalizer", 609: "arrayFeatureExtractor", 610: "nonMaximumSuppression", 900: "identity",
    2000: "textClassifier", 2001: "wordTagger", 2002: "visionFeaturePrint",
    2003: "soundAnalysisPreprocessing", 2004: "gazetteer", 2005: "wordEmbedding",
    2006: "audioFeaturePrint", 3000: "serializedModel",
}  # fmt: skip
_METADATA: Final = {1: v.DESCRIPTION, 2: v.VERSION, 3: v.AUTHOR, 4: v.LICENSE}
_BLOB: Final = bytes.fromhex("efbeadde")


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a Model: a version, then a description of named features."""
    fields = first_fields(head, 4)
    if not fields or len(fields) < 2 or fields[0][:2] != (1, VARINT):
        return False
    if not 1 <= fields[0][2] <= _NEWEST or fields[1][:2] != (2, BYTES):
        return False
    if any(field not in _KINDS and field != 10 for field, *_ in fields[2:]):
        return False
    feature = first_fields(fields[1][3], 1)
    if not feature or feature[0][:2] != (1, BYTES):
        return False
    inner = first_fields(feature[0][3], 3)
    return (
        inner is not None
        and [one[:2] for one in inner][:1] == [(1, BYTES)]
        and all(one[:2] in ((1, BYTES), (2, BYTES), (3, BYTES)) for one in inner)
        and len(inner) > 1
    )


def weights_like(head: bytes) -> bool:
    """Whether ``head`` starts a blob file: version 2, and the mark of its first record."""
    return head[4:8] == b"\x02\x00\x00\x00" and head[64:68] == _BLOB and not any(head[8:64])


def parse(source: Source, report: Report) -> None:
    """Read description and kind."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "coreml", "")
    kinds = 0
    for field, wire in (message := Message(source)):
        if field == 1 and wire == VARINT:
            report.fact(v.FORMAT_VERSION, str(message.number), "specificationVersion")
        elif field == 2 and wire == BYTES:
            _description(message.message(), report)
        elif field in _KINDS and wire == BYTES:
            kinds += 1
            report.fact(v.ARCHITECTURE, _KINDS[field], "type")
            if field == 555:
                text = "a custom model asks the application to load a class by its name"
                report.find("coreml-custom", text, Level.WARNING, Verdict.SUSPICIOUS)
    if kinds != 1:
        raise Malformed(f"the model has {kinds} types")


def _description(message: Message, report: Report) -> None:
    features: dict[int, list[dict[str, Any]]] = {1: [], 10: []}
    for field, wire in message:
        if wire != BYTES:
            continue
        if field in features and len(features[field]) < 256:
            features[field].append(_feature(message.message()))
        elif field == 100:
            _metadata(message.message(), report)
    report.fact(v.INPUTS, features[1], "description.input")
    report.fact(v.OUTPUTS, features[10], "description.output")


def _feature(message: Message) -> dict[str, Any]:
    name = ""
    for field, wire in message:
        if field == 1 and wire == BYTES:
            name = printable(message.text(256))
    return {"name": name}


def _metadata(message: Message, report: Report) -> None:
    for field, wire in message:
        if wire != BYTES:
            continue
        if field in _METADATA:
            report.declared(_METADATA[field], message.text(LIMITS.fact_text), "metadata")
        elif field == 100:
            entry = dict[int, str]()
            for number, form in (inner := message.message()):
                if form == BYTES and number in (1, 2):
                    entry[number] = inner.text(LIMITS.fact_text)
            if entry.get(1) == "com.github.apple.coremltools.version":
                report.declared(v.PRODUCER, f"coremltools {entry.get(2)}", "metadata")


def parse_weights(source: Source, report: Report) -> None:  # noqa: ARG001 - only its digest counts
    """Note the weights of an ML program, which the model beside them refers to."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "coreml", "")
