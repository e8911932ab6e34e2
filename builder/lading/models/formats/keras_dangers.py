"""What in a Keras configuration reaches further than a layer: code, imports, files.

Loading resolves names: of a class, of a function, of an operation of TensorFlow's. Keras' own
classes only make layers; its own *functions* also fetch files and switch its safe mode off
(CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9906, CVE-2025-12058, CVE-2025-49655).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lading.inventory import Verdict
from lading.models.pickles.names import judge
from lading.models.report import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Danger", "dangers_of"]

#: Packages whose classes Keras itself provides.
_OWN: Final = frozenset(
    ("keras", "tensorflow", "tf_keras", "keras_hub", "keras_nlp", "keras_cv", "builtins")
)
#: Parts of modules in which functions compute with tensors, and nothing else.
_PURE: Final = frozenset(
    ("activations", "constraints", "initializers", "losses", "math", "metrics", "nn", "ops",
     "regularizers")
)  # fmt: skip
#: Names that load, fetch, run, or take the guards away, wherever they are imported from.
_REACHING: Final = frozenset(
    ("deserialize_keras_object", "disable_interactive_logging", "enable_unsafe_deserialization",
     "extract_archive", "func_load", "get_file", "load_file_system_library", "load_library",
     "load_model", "load_op_library", "load_weights", "matching_files", "model_from_config",
     "model_from_json", "numpy_function", "py_func", "py_function", "read_file", "save_model",
     "write_file", "write_graph")
)  # fmt: skip
#: Modules in which every name reaches out of the program.
_REACHING_MODULES: Final = frozenset(
    ("file_io", "file_utils", "gfile", "gfile_v2", "io_ops", "io_utils", "saving_lib", "script_ops")
)
#: Operations that reach out of a graph (``tensorflow.OPERATIONS`` has them all).
_OPERATIONS: Final = frozenset(
    ("EagerPyFunc", "PyFunc", "PyFuncStateless", "ReadFile", "WriteFile")
)
_LAMBDAS: Final = {
    "Lambda": "a Lambda layer brings byte code that loading runs",
    "__lambda__": "a serialised lambda is byte code that loading runs",
}
#: Layers that bring or load what is no layer.
_LAYERS: Final = {
    "TorchModuleWrapper": (Verdict.DANGEROUS, "is unpickled by torch"),
    "TFSMLayer": (Verdict.SUSPICIOUS, "loads another model from a path"),
    "JaxLayer": (Verdict.SUSPICIOUS, "calls a function that the file names"),
    "FlaxLayer": (Verdict.SUSPICIOUS, "calls a method that the file names"),
}


class Danger(NamedTuple):
    """One reach of one object: finding, what it says, how bad it is."""

    finding: str
    text: str
    verdict: Verdict


def dangers_of(node: dict[str, Any]) -> Iterator[Danger]:
    """Yield what loading an object of a configuration would do beyond making a layer."""
    name, module, inner = node.get("class_name"), node.get("module"), node.get("config")
    if isinstance(name, str):
        if name in _LAMBDAS:
            yield Danger("keras-lambda", _LAMBDAS[name], Verdict.DANGEROUS)
        elif name in _LAYERS:
            verdict, what = _LAYERS[name]
            yield Danger("keras-layer", f"the layer {name} {what}", verdict)
        if isinstance(module, str):
            # A function's class is "function", and its name the configuration.
            called = inner if name == "function" and isinstance(inner, str) else name
            yield from _import(module, called)
    if isinstance(inner, dict):
        yield from _operation(name, inner)
        vocabulary = inner.get("vocabulary")
        if isinstance(vocabulary, str) and vocabulary:
            text = f"the layer reads its vocabulary from {printable(vocabulary)}"
            yield Danger("keras-reads-file", text, Verdict.SUSPICIOUS)


def _import(module: str, name: str) -> Iterator[Danger]:
    parts = module.split(".")
    full = printable(f"{module}.{name}")
    text = f"loading it imports {full}"
    if parts[0] not in _OWN:
        worst = max(Verdict.SUSPICIOUS, judge(module, name))
        yield Danger("keras-import", text, worst)
    elif name in _REACHING or not _REACHING_MODULES.isdisjoint(parts):
        text = f"loading it can call {full}, which reaches out of the model"
        yield Danger("keras-import", text, Verdict.DANGEROUS)
    elif parts[0] == "builtins":
        # Keras writes this module for losses and metrics of the model's author, too.
        if judge(module, name) is Verdict.DANGEROUS:
            yield Danger("keras-import", text, Verdict.DANGEROUS)
    elif not name.lstrip("_")[:1].isupper() and _PURE.isdisjoint(parts):
        yield Danger("keras-import", text, Verdict.SUSPICIOUS)


def _operation(name: object, inner: dict[str, Any]) -> Iterator[Danger]:
    """Judge a layer that is an operation of TensorFlow's, by its public or its graph's name."""
    function, node = inner.get("function"), inner.get("node_def")
    if name in ("TFOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty") and isinstance(
        function, str
    ):
        parts = function.split(".")
        reaching = not (_REACHING | _REACHING_MODULES | _OPERATIONS).isdisjoint(parts)
        if reaching or parts[0] == "raw_ops":
            text = f"the layer calls {printable(function)} of TensorFlow's"
            verdict = Verdict.DANGEROUS if reaching else Verdict.SUSPICIOUS
            yield Danger("keras-operation", text, verdict)
    operation = node.get("op") if isinstance(node, dict) else None
    if isinstance(node, str):  # serialised: the name of its operation lies in it as it is
        operation = next((one for one in sorted(_OPERATIONS) if one in node), None)
    if isinstance(operation, str) and operation in _OPERATIONS:
        text = f"the layer is the operation {operation}, which reaches out of the graph"
        yield Danger("keras-operation", text, Verdict.DANGEROUS)
