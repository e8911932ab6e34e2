"""``dataset_info.json`` of the Hugging Face ``datasets`` library; its ``DatasetInfo`` class.

It lies beside the Arrow files of a cache, and of ``save_to_disk``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Role
from lading.models import vocabulary as v
from lading.models.jsonstream import JsonObject
from lading.models.report import printable

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["parse"]

_WANTED: Final = frozenset(
    {"dataset_name", "builder_name", "config_name", "description", "homepage", "license",
     "features", "splits", "version"}
)  # fmt: skip


def parse(source: Source, report: Report) -> bool:
    """Note what the data set says of itself; False when the document is another's."""
    data = {path[0]: value for path, value in JsonObject(source) if path[0] in _WANTED}
    features, splits = data.get("features"), data.get("splits")
    if not isinstance(features, dict) and not isinstance(splits, dict):
        return False
    report.role = Role.CONFIG
    report.fact(v.KIND, "dataset", "")
    name = _text(data.get("dataset_name")) or _text(data.get("builder_name"))
    report.declared(v.NAME, name, "dataset_name")
    report.declared(v.DESCRIPTION, _text(data.get("description")), "description")
    report.declared(v.SOURCE_URL, _text(data.get("homepage")), "homepage")
    licence = _text(data.get("license"))
    report.declared(v.LICENSE, licence, "license")
    version = data.get("version")
    text = version.get("version_str") if isinstance(version, dict) else None
    report.declared(v.VERSION, _text(text), "version")
    if isinstance(features, dict):
        report.declared(v.COLUMNS, [printable(one) for one in features], "features")
    if isinstance(splits, dict):
        report.declared(v.SPLITS, [printable(one) for one in splits], "splits")
        counts = [_examples(one) for one in splits.values()]
        if all(count >= 0 for count in counts):
            report.declared(v.ROWS, sum(counts), "splits: num_examples")
    return True


def _examples(split: Any) -> int:
    number = split.get("num_examples") if isinstance(split, dict) else None
    return number if type(number) is int and 0 <= number < 1 << 50 else -1


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
