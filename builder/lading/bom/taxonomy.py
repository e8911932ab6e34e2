"""Properties by other people's names: those that readers of AI BOMs look for.

``spdx:NAME`` on the component uses the names of SPDX 3's AI profile, ``genai:aibom:modelcard:NAME``
in the model card those of the OWASP AIBOM property taxonomy. Both repeat facts that stand
elsewhere in the component; what is not known is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.bom import facts
from lading.models import vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lading.inventory import Fact

__all__ = ["card_properties", "component_properties"]

# The categories under which the Hugging Face Hub lists its tasks.
_TASKS = {
    "audio": (
        "audio-classification audio-text-to-text audio-to-audio automatic-speech-recognition "
        "text-to-audio text-to-speech voice-activity-detection"
    ),
    "computer vision": (
        "depth-estimation image-classification image-feature-extraction image-segmentation "
        "image-to-3d image-to-image image-to-text image-to-video keypoint-detection "
        "mask-generation object-detection text-to-3d text-to-image text-to-video "
        "unconditional-image-generation video-classification video-to-video "
        "zero-shot-image-classification zero-shot-object-detection"
    ),
    "multimodal": (
        "any-to-any document-question-answering image-text-to-text video-text-to-text "
        "visual-document-retrieval visual-question-answering"
    ),
    "natural language processing": (
        "conversational feature-extraction fill-mask question-answering sentence-similarity "
        "summarization table-question-answering text-classification text-generation text-ranking "
        "text2text-generation token-classification translation zero-shot-classification"
    ),
    "reinforcement learning": "reinforcement-learning robotics",
    "tabular": "tabular-classification tabular-regression time-series-forecasting",
}
_DOMAINS = {task: domain for domain, tasks in _TASKS.items() for task in tasks.split()}

# By the names of the OWASP taxonomy.
_SIZES = {
    "contextLength": vocabulary.CONTEXT_LENGTH,
    "vocabSize": vocabulary.VOCABULARY_SIZE,
    "embeddingLength": vocabulary.EMBEDDING_LENGTH,
    "blockCount": vocabulary.BLOCK_COUNT,
    "attentionHeadCount": vocabulary.HEAD_COUNT,
    "attentionHeadCountKV": vocabulary.HEAD_COUNT_KV,
    "feedForwardLength": vocabulary.FEED_FORWARD_LENGTH,
    "ropeDimensionCount": vocabulary.ROPE_DIMENSION_COUNT,
}
_OTHERS = {
    "quantizationFileType": vocabulary.QUANTIZATION,
    "quantizationVersion": vocabulary.QUANTIZATION_VERSION,
    "tokenizerClass": vocabulary.TOKENIZER_CLASS,
    "modelCardExplainability": vocabulary.EXPLAINABILITY,
}


def component_properties(
    known: Mapping[str, Fact], supplier: str | None
) -> Iterator[tuple[str, Any]]:
    """Yield the ``spdx:`` properties of a model."""
    task = facts.line(known, vocabulary.TASK)
    yield "spdx:primaryPurpose", task
    yield "spdx:domain", _DOMAINS.get(task or "")
    yield "spdx:suppliedBy", supplier
    yield (
        "spdx:typeOfModel",
        facts.line(known, vocabulary.ARCHITECTURE_FAMILY, vocabulary.ARCHITECTURE),
    )
    yield "spdx:informationAboutApplication", facts.text(known, vocabulary.INTENDED_USE)
    yield "spdx:informationAboutTraining", facts.text(known, vocabulary.TRAINING)
    yield "spdx:modelDataPreprocessing", facts.text(known, vocabulary.PREPROCESSING)
    yield "spdx:modelExplainability", facts.text(known, vocabulary.EXPLAINABILITY)
    yield "spdx:metric", facts.value(known, vocabulary.METRICS)


def card_properties(known: Mapping[str, Fact]) -> Iterator[tuple[str, Any]]:
    """Yield the properties of a model card."""
    prefix = "genai:aibom:modelcard:"
    for called, name in {**_SIZES, **_OTHERS}.items():
        yield prefix + called, facts.value(known, name)
    hyperparameters = {name: facts.value(known, name) for name in _SIZES.values()}
    yield (
        prefix + "hyperparameter",
        {name: value for name, value in hyperparameters.items() if value is not None},
    )
