"""The names of facts about models and data sets, and the shape of each value.

A fact's value is JSON data. Names are stable: they are written to the layer cache and read by the
BOM. "Text" is printable and at most ``LIMITS.fact_text`` characters long.
"""

from __future__ import annotations

from typing import Final

# What it is
NAME: Final = "name"  # text: as the header, config or card calls it
VERSION: Final = "version"  # text: the model's own version
DESCRIPTION: Final = "description"  # text
AUTHOR: Final = "author"  # text: who made it, as declared
TASK: Final = "task"  # text: Hugging Face pipeline tag, e.g. "text-generation"
ARCHITECTURE: Final = "architecture"  # text: class or graph, e.g. "LlamaForCausalLM"
ARCHITECTURE_FAMILY: Final = "architecture_family"  # text: model_type, e.g. "llama"
OBJECTIVE: Final = "objective"  # text: what training optimised, e.g. "binary:logistic"
TAGS: Final = "tags"  # list of text
LANGUAGES: Final = "languages"  # list of text: as declared, usually ISO 639-1

# What the tensors are
PARAMETERS: Final = "parameters"  # integer: elements of all tensors, from their shapes
TENSOR_COUNT: Final = "tensor_count"  # integer
DTYPE: Final = "dtype"  # text: the type that most elements have, e.g. "BF16", "Q4_K"
QUANTIZATION: Final = "quantization"  # text: the method, e.g. "gptq", "Q4_K_M"
CONTEXT_LENGTH: Final = "context_length"  # integer: tokens
VOCABULARY_SIZE: Final = "vocabulary_size"  # integer: tokens
EMBEDDING_LENGTH: Final = "embedding_length"  # integer: width of a token's vector
BLOCK_COUNT: Final = "block_count"  # integer: layers
HEAD_COUNT: Final = "attention_head_count"  # integer
HEAD_COUNT_KV: Final = "attention_head_count_kv"  # integer: heads of keys and values
FEED_FORWARD_LENGTH: Final = "feed_forward_length"  # integer
ROPE_DIMENSION_COUNT: Final = "rope_dimension_count"  # integer
QUANTIZATION_VERSION: Final = "quantization_version"  # integer
TOKENIZER_CLASS: Final = "tokenizer_class"  # text
INPUTS: Final = "inputs"  # list of {"name", "type", "shape"} or of text
OUTPUTS: Final = "outputs"  # like INPUTS
TOTAL_SIZE: Final = "total_size"  # integer: bytes of all tensors, as an index declares

# Who may use it, and for what
LICENSE: Final = "license"  # text: SPDX identifier or expression where it could be had
LICENSE_NAME: Final = "license_name"  # text: a licence's own name, when it has no SPDX id
LICENSE_LINK: Final = "license_link"  # text: where the licence's text is
LICENSE_FILE: Final = "license_file"  # text: path of the licence's text in the image
INTENDED_USE: Final = "intended_use"  # text: the card's section
LIMITATIONS: Final = "limitations"  # text: the card's section on limits, risks and bias
ETHICS: Final = "ethical_considerations"  # text: the card's section on ethics, bias or risks
EXPLAINABILITY: Final = "explainability"  # text: the card's section
TRAINING: Final = "training"  # text: the card's section on how it was trained
PREPROCESSING: Final = "preprocessing"  # text: the card's section on how data were prepared
EMISSIONS: Final = "emissions"  # text: the carbon dioxide of training, by the card

# What it came from
BASE_MODEL: Final = "base_model"  # list of text: Hub names or paths
BASE_MODEL_RELATION: Final = "base_model_relation"  # text: finetune, adapter, quantized, merge
DATASETS: Final = "datasets"  # list of text
METRICS: Final = "metrics"  # list of {"type", "name"?, "value"?, "dataset"?, "task"?}
REPOSITORY: Final = "repository"  # text: "org/name" on the Hugging Face Hub
COMMIT: Final = "commit"  # text: 40 hexadecimal digits
REFS: Final = "refs"  # list of [name, commit or name]: references of a Git checkout
SOURCE_URL: Final = "source_url"  # text
ATTESTED: Final = "attested"  # text: the source, as its signed list of files names it

# What made it, and what loads it
LIBRARY: Final = "library"  # text: e.g. "transformers", "scikit-learn"
FRAMEWORK_VERSION: Final = "framework_version"  # text
PRODUCER: Final = "producer"  # text: the exporter, e.g. "pytorch 2.3.0"
FORMAT_VERSION: Final = "format_version"  # text
OPSET: Final = "opset"  # list of {"domain", "version"}
GLOBALS: Final = "globals"  # list of text: what a pickle imports when it is loaded
SIGNATURES: Final = "signatures"  # list of text: entry points of a SavedModel
CUSTOM_OPERATORS: Final = "custom_operators"  # list of text
MEMBERS: Final = "members"  # list of text: what a container holds

# How files hang together; used while grouping
KIND: Final = "kind"  # text: what a companion is, e.g. "config", "adapter", "pipeline"
SHARDS: Final = "shards"  # list of text: file names that an index names
EXTERNAL_DATA: Final = "external_data"  # list of text: paths beside the model that hold tensors
SHARD_NUMBER: Final = "shard_number"  # integer, from 1
SHARD_COUNT: Final = "shard_count"  # integer
LFS_OID: Final = "lfs_oid"  # text: SHA-256 of the bytes that an LFS pointer stands for
LFS_SIZE: Final = "lfs_size"  # integer: bytes that an LFS pointer stands for
BLOBS: Final = "blobs"  # list of {"digest", "media_type", "size"}: an OCI-style model manifest

# Data sets
ROWS: Final = "rows"  # integer
COLUMNS: Final = "columns"  # list of text
SPLITS: Final = "splits"  # list of text
