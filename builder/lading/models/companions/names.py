"""Companions by name: which files beside weights matter, and what each is."""

from __future__ import annotations

import re
from typing import Final

from lading.inventory import Role

__all__ = ["COMPANIONS", "SKIPPED_PLACES", "by_pattern", "role_of"]

#: Lower-case name → (role, kind). Kinds are those of ``vocabulary.KIND``.
COMPANIONS: Final = {
    "config.json": (Role.CONFIG, None),
    "params.json": (Role.CONFIG, None),
    "generation_config.json": (Role.CONFIG, "generation"),
    "adapter_config.json": (Role.CONFIG, "adapter"),
    "model_index.json": (Role.CONFIG, "pipeline"),
    "scheduler_config.json": (Role.CONFIG, "scheduler"),
    "modules.json": (Role.CONFIG, "modules"),
    "config_sentence_transformers.json": (Role.CONFIG, "sentence-transformers"),
    "sentence_bert_config.json": (Role.CONFIG, "sentence-transformers"),
    "preprocessor_config.json": (Role.CONFIG, "processor"),
    "processor_config.json": (Role.CONFIG, "processor"),
    "feature_extractor.json": (Role.CONFIG, "processor"),
    "image_processor_config.json": (Role.CONFIG, "processor"),
    "quantize_config.json": (Role.CONFIG, "quantization"),
    "quant_config.json": (Role.CONFIG, "quantization"),
    "trainer_state.json": (Role.OTHER, "trainer"),
    "model.json": (Role.CONFIG, None),
    "task.json": (Role.CONFIG, None),
    "preprocessor.json": (Role.CONFIG, None),
    "model_config.json": (Role.CONFIG, None),
    "hyperparams.yaml": (Role.CONFIG, "yaml-tags"),
    "hparams.yaml": (Role.CONFIG, "yaml-tags"),
    "config.yaml": (Role.CONFIG, "yaml-tags"),
    "config.yml": (Role.CONFIG, "yaml-tags"),
    "args.yaml": (Role.CONFIG, "yaml-tags"),
    "saved_model.pbtxt": (Role.WEIGHTS, "saved-model-text"),
    "meta.json": (Role.CONFIG, "spacy"),
    "model_config.yaml": (Role.CONFIG, "nemo"),
    "mlmodel": (Role.CONFIG, "mlflow"),
    "manifest.json": (Role.CONFIG, "mlpackage"),
    "models.json": (Role.INDEX, "model-index"),
    "keras_metadata.pb": (Role.CONFIG, "keras-metadata"),
    "dataset_info.json": (Role.CONFIG, "dataset"),
    "tokenizer.json": (Role.TOKENIZER, "vocabulary"),
    "tokenizer_config.json": (Role.TOKENIZER, "tokenizer"),
    "special_tokens_map.json": (Role.TOKENIZER, "tokenizer"),
    "added_tokens.json": (Role.TOKENIZER, "vocabulary"),
    "vocab.json": (Role.TOKENIZER, "vocabulary"),
    "vocab.txt": (Role.TOKENIZER, "vocabulary"),
    "merges.txt": (Role.TOKENIZER, "vocabulary"),
    "bpe.codes": (Role.TOKENIZER, "vocabulary"),
    "tokenizer.model": (Role.TOKENIZER, "vocabulary"),
    "spiece.model": (Role.TOKENIZER, "vocabulary"),
    "source.spm": (Role.TOKENIZER, "vocabulary"),
    "target.spm": (Role.TOKENIZER, "vocabulary"),
    "sentencepiece.bpe.model": (Role.TOKENIZER, "vocabulary"),
    "tekken.json": (Role.TOKENIZER, "vocabulary"),
    "chat_template.json": (Role.TOKENIZER, "tokenizer"),
    "chat_template.jinja": (Role.TOKENIZER, "template"),
    "labels.txt": (Role.OTHER, "labels"),
    "label_map.pbtxt": (Role.OTHER, "labels"),
    "readme.md": (Role.CARD, "card"),
    "model_card.md": (Role.CARD, "card"),
    "modelcard.md": (Role.CARD, "card"),
    "model-card.md": (Role.CARD, "card"),
    "use_policy.md": (Role.LICENSE, "license"),
    "license": (Role.LICENSE, "license"),
    "license.txt": (Role.LICENSE, "license"),
    "license.md": (Role.LICENSE, "license"),
    "licence": (Role.LICENSE, "license"),
    "licence.txt": (Role.LICENSE, "license"),
    "copying": (Role.LICENSE, "license"),
    "notice": (Role.LICENSE, "notice"),
    "notice.txt": (Role.LICENSE, "notice"),
}  # fmt: skip

_PATTERNS: Final = (
    (re.compile(r".+\.index(?:\.[\w-]+)?\.json\Z"), (Role.INDEX, "index")),
    (re.compile(r".*license.*\.(?:txt|md|pdf)\Z"), (Role.LICENSE, "license")),
)

#: Parts of paths below which companions belong to packages, not to models.
SKIPPED_PLACES: Final = re.compile(
    r"(?:^|/)(?:node_modules|usr/share/(?:doc|licenses|man|info|locale|icons|perl\w*|python-wheels)"
    r"|[^/]+\.(?:dist|egg)-info|go/pkg/mod|\.cargo|gems)/"
)


def by_pattern(name: str) -> tuple[Role, str] | None:
    """Return role and kind of a lower-case name that is no fixed one."""
    for pattern, found in _PATTERNS:
        if pattern.match(name):
            return found
    return None


def role_of(name: str) -> tuple[Role, str | None] | None:
    """Return role and kind of a lower-case name, or None when it says nothing."""
    return COMPANIONS.get(name) or by_pattern(name)
