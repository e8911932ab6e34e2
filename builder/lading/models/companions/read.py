"""Reads one companion: by the kind its name says, or by content where it has no name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.inventory import Level, Role, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.companions import card, config, dataset, manifests, mlflow, nemo, reaching, spacy
from lading.models.companions.spdx import identify_text
from lading.models.formats.jinja import judge_template
from lading.models.formats.tensorflow import parse_keras_metadata, parse_saved_model_text
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["judge_text", "read_anonymous", "read_named"]

#: Kinds of which only the name and the digest matter.
_OPAQUE: Final = frozenset({"vocabulary", "labels", "trainer", "notice", "scheduler"})

#: What the beginning of a model's configuration has.
_CONFIGURED: Final = re.compile(rb'"(?:auto_map|_target_|model_type|architectures|class_name)"\s*:')
#: Kinds whose names other programs use too: their readers say whether it is a model's.
_DOCUMENTS: Final = {
    "spacy": spacy.parse,
    "mlflow": mlflow.parse,
    "nemo": nemo.parse,
    "dataset": dataset.parse,
    "mlpackage": manifests.parse_package,
    "model-index": manifests.parse_model_index,
    "keras-metadata": parse_keras_metadata,
    "saved-model-text": parse_saved_model_text,
    "yaml-tags": reaching.parse_yaml_tags,
}


def read_named(source: Source, report: Report, role: Role, kind: str | None) -> bool:
    """Read a companion whose name is known; False when its content is not a model's."""
    report.role = role
    if kind in _OPAQUE:
        report.fact(v.KIND, kind, "")
    elif kind == "card":
        card.parse(source, report)
    elif kind == "license":
        _license(source, report)
    elif kind == "template":
        _template(source, report)
    elif kind in _DOCUMENTS:
        try:
            return _DOCUMENTS[kind](source, report)
        except Malformed:
            return False  # its name is also that of other programs' files
    elif kind == "modules":
        return _json(source, report, kind)
    elif kind == "processor":
        report.fact(v.KIND, kind, "")
    else:
        return _json(source, report, kind)
    return True


def read_anonymous(source: Source, report: Report) -> bool:
    """Read a file that has no name of its own, as blobs of a cache have; always kept."""
    head = source.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    report.role = Role.OTHER
    if head[:1] == b"{":
        _json(source, report, None)
    elif head[:3] == card.FRONT:
        report.role = Role.CARD
        card.parse(source, report)
    elif head and head.decode("utf-8", "replace").replace("\n", " ").isprintable():
        _license(source, report)
    return True


def _json(source: Source, report: Report, kind: str | None) -> bool:
    head = source.peek(LIMITS.sniff_bytes)
    try:
        if kind == "modules":
            return reaching.parse_modules(source, report)
        return config.parse(source, report, kind)
    except Malformed as error:
        if kind is None:
            if not _CONFIGURED.search(head):
                return False  # another program's
            report.fact(v.KIND, "config", "")
            report.find("config-unreadable", f"what it asks for is not known: {error}")
            return True
        report.fact(v.KIND, kind, "")
        report.find("config-unreadable", f"not the JSON it should be: {error}", Level.WARNING)
        return True


def _license(source: Source, report: Report) -> None:
    text = source.peek(64 * 1024).decode("utf-8", "replace")
    found = identify_text(text)
    if found is None and report.role is Role.OTHER:
        return
    report.role = Role.LICENSE
    report.fact(v.KIND, "license", "")
    report.fact(v.LICENSE, found, "text")
    report.fact(v.LICENSE_FILE, report.path, "")


def _template(source: Source, report: Report) -> None:
    report.fact(v.KIND, "template", "")
    judge_text(source.read(LIMITS.companion_text).decode("utf-8", "replace"), report)


def judge_text(template: str, report: Report) -> None:
    """Note what a chat template reaches for."""
    danger = judge_template(template)
    if danger:
        text = f"the chat template uses {printable(danger)}"
        report.find("template-dangerous", text, Level.ERROR, Verdict.DANGEROUS)
