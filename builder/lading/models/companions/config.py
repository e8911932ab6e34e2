"""``config.json`` and its kin, as transformers, diffusers, PEFT and others write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Role, Verdict
from lading.models import vocabulary as v
from lading.models.companions.reaching import Reach, judge_adapter, unseen
from lading.models.formats.jinja import judge_template
from lading.models.formats.keras import judge_config
from lading.models.jsonstream import SKIPPED, JsonObject
from lading.models.report import printable

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["parse"]

#: Keys of which one must be there for an anonymous JSON object to be a model's configuration.
_KINDS: Final = (
    ("adapter", frozenset({"peft_type"})),
    ("component", frozenset({"_class_name", "_diffusers_version"})),
    ("config", frozenset({"model_type"})),
    ("config", frozenset({"architectures"})),
    ("config", frozenset({"architecture", "num_classes"})),  # timm
    ("config", frozenset({"class_name", "config"})),  # Keras
    ("config", frozenset({"_target_"})),  # Hydra
    ("tokenizer", frozenset({"tokenizer_class"})),
    ("tokenizer", frozenset({"added_tokens_decoder"})),
    ("tokenizer", frozenset({"unk_token"})),
    ("tokenizer", frozenset({"cls_token", "sep_token"})),
    ("tokenizer", frozenset({"bos_token", "eos_token"})),
    ("tokenizer", frozenset({"chat_template"})),
    ("processor", frozenset({"image_processor_type"})),
    ("processor", frozenset({"feature_extractor_type"})),
    ("processor", frozenset({"processor_class"})),
    ("generation", frozenset({"transformers_version"})),
    ("index", frozenset({"weight_map"})),
)
_CONTEXT: Final = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "n_ctx",
    "model_max_length",
)
#: Sizes, under each name that they have; the first that is there counts.
_SIZES: Final = {
    v.EMBEDDING_LENGTH: ("hidden_size", "n_embd", "d_model"),
    v.BLOCK_COUNT: ("num_hidden_layers", "n_layer", "num_layers"),
    v.HEAD_COUNT: ("num_attention_heads", "n_head", "num_heads"),
    v.HEAD_COUNT_KV: ("num_key_value_heads",),
    v.FEED_FORWARD_LENGTH: ("intermediate_size", "n_inner", "d_ff"),
}
_LARGEST_CONTEXT: Final = 1 << 40


def parse(source: Source, report: Report, kind: str | None = None) -> bool:
    """Note what a configuration declares; False when it is not a model's.

    ``kind`` is what the file's name says it is; without, the keys decide.
    """
    values: dict[str, Any] = {}
    keys: set[str] = set()
    shards: dict[str, None] = {}
    total: Any = None
    reach = Reach(report, kind)
    for path, value in JsonObject(source).enter(("weight_map",), ("metadata",)):
        if len(keys) < 100_000:
            keys.add(path[0])
        if path[0] == "weight_map":
            if isinstance(value, str) and len(shards) < 4096:
                shards[value] = None
        elif path == ("metadata", "total_size"):
            total = value
        elif len(path) == 1 and path[0] in _WANTED:
            values[path[0]] = value
        reach.see(path, value)
    if shards:
        keys.add("weight_map")
    found = kind or next((name for name, wanted in _KINDS if wanted <= keys), None)
    if found is None:
        return False
    report.role = _ROLES.get(found, Role.CONFIG)
    report.fact(v.KIND, found, "")
    reach.counts(found)
    if shards:
        report.fact(v.SHARDS, sorted(shards), "weight_map")
        for name in shards:
            if unseen(name):
                text = f"it names {printable(name)} as weights, where nobody looks for any"
                report.find("weights-unseen", text)
        report.fact(v.TOTAL_SIZE, _natural(total), "metadata.total_size")
    _declared(values, report, found)
    return True


#: Members of a Keras configuration, each of which may hold objects.
_KERAS: Final = (
    "class_name", "module", "registered_name", "config", "build_config", "compile_config",
)  # fmt: skip
#: Members that say what is imported or run.
_DANGEROUS: Final = ("auto_map", "auto_mapping", "chat_template", *_KERAS)
_ROLES: Final = {"tokenizer": Role.TOKENIZER, "index": Role.INDEX, "vocabulary": Role.TOKENIZER}
_WANTED: Final = frozenset(
    (
        "architectures", "architecture", "model_type", "_name_or_path", "torch_dtype", "dtype",
        "transformers_version", "_diffusers_version", "_class_name", "vocab_size",
        "quantization_config", "auto_map", "license", "base_model_name_or_path", "peft_type",
        "task_type", "_commit_hash", "chat_template", "revision", "text_config",
        "sentence_transformers_version", "__version__", "tokenizer_class", *_CONTEXT, *_DANGEROUS,
        *(key for keys in _SIZES.values() for key in keys),
    )
)  # fmt: skip


def _declared(values: dict[str, Any], report: Report, kind: str) -> None:
    architectures = values.get("architectures")
    if isinstance(architectures, list) and architectures and isinstance(architectures[0], str):
        report.fact(v.ARCHITECTURE, architectures[0], "architectures")
    for key, name in (
        ("architecture", v.ARCHITECTURE),
        ("_class_name", v.ARCHITECTURE),
        ("model_type", v.ARCHITECTURE_FAMILY),
        ("torch_dtype", v.DTYPE),
        ("dtype", v.DTYPE),
        ("transformers_version", v.FRAMEWORK_VERSION),
        ("_diffusers_version", v.FRAMEWORK_VERSION),
    ):
        report.declared(name, _text(values.get(key)), key)
    report.declared(v.NAME, _hub_name(values.get("_name_or_path")), "_name_or_path")
    report.declared(v.VOCABULARY_SIZE, _natural(values.get("vocab_size")), "vocab_size")
    text_config = values.get("text_config")
    nested = text_config if isinstance(text_config, dict) else {}
    for key in _CONTEXT:
        report.declared(v.CONTEXT_LENGTH, _natural(values.get(key, nested.get(key))), key)
    for name, keys in _SIZES.items():
        for key in keys:
            report.declared(name, _natural(values.get(key, nested.get(key))), key)
    report.declared(v.TOKENIZER_CLASS, _text(values.get("tokenizer_class")), "tokenizer_class")
    quantization = values.get("quantization_config")
    if isinstance(quantization, dict):
        report.declared(v.QUANTIZATION, _quantization(quantization), "quantization_config")
    licence = _text(values.get("license"))
    report.declared(v.LICENSE, licence, "license")
    commit = values.get("_commit_hash")
    if isinstance(commit, str) and len(commit) == 40:
        report.declared(v.COMMIT, commit, "_commit_hash")
    _library(values, report, kind)
    _adapter(values, report, kind)
    _dangers(values, report)


def _library(values: dict[str, Any], report: Report, kind: str) -> None:
    if kind == "adapter":
        library = "peft"
    elif "_diffusers_version" in values:
        library = "diffusers"
    elif kind == "config" and ("transformers_version" in values or "model_type" in values):
        library = "transformers"
    elif kind == "config" and "architecture" in values:
        library = "timm"
    else:
        return
    report.declared(v.LIBRARY, library, "")


def _adapter(values: dict[str, Any], report: Report, kind: str) -> None:
    if kind != "adapter":
        return
    base = _text(values.get("base_model_name_or_path"))
    report.declared(v.BASE_MODEL, [base] if base else None, "base_model_name_or_path")
    report.declared(v.BASE_MODEL_RELATION, "adapter", "peft_type")
    report.declared(v.ARCHITECTURE, _text(values.get("peft_type")), "peft_type")
    report.declared(v.TASK, _text(values.get("task_type")), "task_type")


def _dangers(values: dict[str, Any], report: Report) -> None:
    for key in _DANGEROUS:
        if values.get(key) is SKIPPED:
            report.find("config-unreadable", f"the value of {key} is larger than anybody looks at")
    if {"class_name", "config"} <= values.keys():
        judge_config({key: values.get(key) for key in _KERAS}, report, "configuration")
    judge_adapter(values.get("auto_mapping"), report)
    auto_map = values.get("auto_map")
    if isinstance(auto_map, dict) and auto_map:
        remote = next(
            (one for one in auto_map.values() if isinstance(one, str) and "--" in one), None
        )
        what = f"code of {printable(remote.partition('--')[0])}" if remote else "its own code"
        text = f"auto_map asks for {what} to be run when it is loaded with trust_remote_code"
        report.find("config-remote-code", text, Level.WARNING)
    templates = values.get("chat_template")
    many = templates if isinstance(templates, list) else [templates]
    for one in many[:100]:
        template = one.get("template") if isinstance(one, dict) else one
        danger = judge_template(template) if isinstance(template, str) else None
        if danger:
            text = f"the chat template uses {printable(danger)}"
            report.find("template-dangerous", text, Level.ERROR, Verdict.DANGEROUS)


def _quantization(config: dict[str, Any]) -> str | None:
    method = _text(config.get("quant_method"))
    bits = _natural(config.get("bits"))
    if method is None and config.get("load_in_4bit") is True:
        return "bitsandbytes 4-bit"
    return f"{method} {bits}-bit" if method and bits else method


def _hub_name(value: Any) -> str | None:
    """Return a ``_name_or_path`` that is a name, not a path of the machine that wrote it."""
    if not isinstance(value, str) or value.startswith(("/", ".", "~")) or "\\" in value:
        return None
    return value if value.count("/") <= 1 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _natural(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value < _LARGEST_CONTEXT * 1024 else None
