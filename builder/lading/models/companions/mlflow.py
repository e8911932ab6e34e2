"""``MLmodel`` of an MLflow model directory; https://mlflow.org/docs/latest/ml/model.

The python_function flavor names a module that loading imports: MLflow's own, or anybody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Role, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.companions.reaching import unseen
from lading.models.companions.yamltext import parse_yaml, unreadable
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["parse"]

#: Modules that MLflow itself names as loaders.
_OWN: Final = "mlflow."
#: Members of a flavor that name the file to be loaded.
_FILES: Final = (
    "pickled_model",
    "data",
    "model_data",
    "model_binary",
    "python_model",
    "model_path",
)


def parse(source: Source, report: Report) -> bool:
    """Note flavors and versions; False when the document is another's."""
    text = source.read(LIMITS.companion_text).decode("utf-8", "replace")
    try:
        data = parse_yaml(text)
    except Malformed as error:
        return "flavors" in text and unreadable(report, "mlflow", error)
    flavors = data.get("flavors") if isinstance(data, dict) else None
    if not isinstance(flavors, dict) or not flavors:
        return False
    report.role = Role.CONFIG
    report.fact(v.KIND, "mlflow", "")
    report.declared(v.PRODUCER, _versioned("mlflow", data.get("mlflow_version")), "mlflow_version")
    report.declared(v.VERSION, _text(data.get("model_uuid")), "model_uuid")
    report.declared(v.NAME, _text(data.get("name")), "name")
    names = [name for name in flavors if isinstance(name, str)]
    own = next((name for name in names if name != "python_function"), None)
    report.declared(v.LIBRARY, own, "flavors")
    flavor = flavors.get(own)
    if own and isinstance(flavor, dict):
        version = flavor.get(f"{own}_version", flavor.get(f"{_SHORT.get(own, own)}_version"))
        report.declared(v.FRAMEWORK_VERSION, _text(version), f"flavors.{own}")
    _loader(flavors.get("python_function"), report)
    for one in flavors.values():
        _weights(one, report)
    return True


_SHORT: Final = {"xgboost": "xgb", "lightgbm": "lgb"}


def _weights(flavor: Any, report: Report) -> None:
    for key in _FILES if isinstance(flavor, dict) else ():
        name = flavor.get(key)
        if isinstance(name, str) and unseen(name):
            text = f"it names {printable(name)} as the model, where nobody looks for any"
            report.find("weights-unseen", text)


def _loader(function: Any, report: Report) -> None:
    if not isinstance(function, dict):
        return
    module = function.get("loader_module")
    if isinstance(module, str) and not module.startswith(_OWN):
        text = f"loading it imports {printable(module)}, a module that is not MLflow's"
        report.find("mlflow-loader", text, Level.WARNING, Verdict.SUSPICIOUS)
    elif function.get("code"):
        text = "the model brings Python code of its own, which loading puts on the path"
        report.find("mlflow-code", text, Level.NOTE)


def _versioned(name: str, version: Any) -> str | None:
    text = _text(version)
    return f"{name} {text}" if text else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
