"""Configurations that name what loading a model imports or calls, without asking anybody.

* ``_target_``: Hydra's ``instantiate``, which several mixins of the Hub's call on ``config.json``.
* ``modules.json`` of sentence-transformers, ``model_index.json`` of diffusers, ``auto_mapping`` of
  PEFT: classes by module and name.
* ``!new:``, ``!apply:`` and their kin of HyperPyYAML, which SpeechBrain reads ``hyperparams.yaml``
  with; ``!!python/…`` of PyYAML's loaders that are not safe.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Role, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.jsonstream import SKIPPED, read_json
from lading.models.pickles.names import judge
from lading.models.report import printable
from lading.models.suffixes import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["Reach", "judge_adapter", "parse_modules", "parse_yaml_tags", "unseen"]

FINDING: Final = "config-import"
_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*\Z")
#: Packages whose classes a configuration may name without further ado.
_OWN: Final = re.compile(
    r"(?:speechbrain|torch|torchaudio|transformers|diffusers|peft|sentence_transformers"
    r"|sentencepiece)\.|(?:random|numpy\.random)\.seed\Z"
)
#: … unless their names run what they are given, or import it.
_REACHING: Final = re.compile(
    r"speechbrain\.utils\.(?:superpowers|importutils|fetching|hpopt)\.|.*\.(?:run_shell|import_from_path)\Z"
)
_PLAIN: Final = re.compile(
    r"(?:none|bool|bytes|str|unicode|int|long|float|complex|list|tuple|dict)\Z"
)
_PYTHON: Final = "tag:yaml.org,2002:python/"
_HYPER: Final = re.compile(r"!(?:new|apply|applyref|name|module):(.*)\Z", re.DOTALL)
#: Members that are long in models of many classes, and hold nothing but their names.
_LONG: Final = ("id2label", "label2id")
#: What a document has that is worth a walk.
_TELLING: Final = re.compile(rb"!|%TAG|_target_")
_LARGEST: Final = 512 * 1024


def _find(name: str, report: Report, *, own: bool = True, least: Verdict | None = None) -> None:
    """Note that ``name``, dotted, is imported; nothing when it is known to be harmless."""
    module, _, last = name.rpartition(".")
    itself = judge(module, last)
    if Verdict.DANGEROUS in (itself, judge(name, "?")) or _REACHING.match(name):
        verdict = Verdict.DANGEROUS
    elif itself is Verdict.SAFE or (own and _OWN.match(name)):
        return
    else:
        verdict = Verdict.SUSPICIOUS
    if least is not None and verdict < least:
        return
    level = Level.ERROR if verdict is Verdict.DANGEROUS else Level.WARNING
    report.find(FINDING, f"loading it imports {printable(name)}", level, verdict)


class Reach:
    """Collects what the members of a JSON object import, until it shows whether it is a model's."""

    def __init__(self, report: Report, kind: str | None) -> None:
        self._report = report
        self._found = report.inside("", 0)
        self._kind = kind
        self._hidden: str | None = None

    def see(self, path: tuple[str, ...], value: Any) -> None:
        """Take the next member."""
        if self._kind == "pipeline":
            _component(value, self._found)
        if path[-1] == "_target_" or isinstance(value, (dict, list)):
            _targets({path[-1]: value}, self._found)
        elif value is SKIPPED and path[0] not in _LONG:
            self._hidden = path[0]

    def counts(self, kind: str) -> None:
        """Tell what was found: the object is a model's document of this kind."""
        if kind == "config" and self._hidden is not None:
            text = f"the value of {printable(self._hidden)} is larger than anybody looks at"
            self._report.find("config-unreadable", text)
        for one in self._found.findings:
            self._report.find(one.id, one.message, one.level, self._found.verdict)


def _targets(value: Any, report: Report) -> None:
    """Note what ``_target_`` names anywhere in a JSON value."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            target = node.get("_target_")
            if isinstance(target, str):
                _find(target, report)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _component(value: Any, report: Report) -> None:
    """Note a component of diffusers' whose library is one that does harm.

    Other names are those of its own pipelines, or of a file beside the document.
    """
    if isinstance(value, list) and len(value) == 2 and all(isinstance(one, str) for one in value):
        _find(".".join(value), report, least=Verdict.DANGEROUS)


def unseen(name: str) -> bool:
    """Whether a file that a document calls a model's would not be looked at, or lies elsewhere."""
    parts = name.split("/")
    return name.startswith("/") or ".." in parts or posixpath.splitext(name)[1].lower() in NEVER


def judge_adapter(mapping: Any, report: Report) -> None:
    """Note which module PEFT imports to make the model that an adapter belongs to."""
    library = mapping.get("parent_library") if isinstance(mapping, dict) else None
    if isinstance(library, str):
        _find(f"{library}.{mapping.get('base_model_class')}", report)


def parse_modules(source: Source, report: Report) -> bool:
    """Read ``modules.json``: sentence-transformers imports the ``type`` of each entry.

    Raises:
        Malformed: it is no JSON.
    """
    report.fact(v.KIND, "modules", "")
    document = read_json(source, "modules.json")
    for entry in document if isinstance(document, list) else ():
        name = entry.get("type") if isinstance(entry, dict) else None
        if isinstance(name, str) and not name.startswith("sentence_transformers."):
            _find(name, report, own=False)
    return True


def parse_yaml_tags(source: Source, report: Report) -> bool:
    """Search YAML for tags that make a loader import or call; False when it has none."""
    head = source.peek(_LARGEST + 1)
    if not _TELLING.search(head):
        return False
    hyper = report.named.endswith("hyperparams.yaml")
    report.role = Role.CONFIG
    report.fact(v.KIND, "config" if hyper else "yaml", "")
    if len(head) > _LARGEST:
        report.find("config-unreadable", "what it asks for to be imported is not known: too large")
        return True
    for kind, name in _asked(head, report):
        least = Verdict.DANGEROUS if kind == "target" else None
        _find(name, report, own=kind == "hyper", least=least)
    return hyper or bool(report.findings)


def _asked(text: bytes, report: Report) -> Iterator[tuple[str, str]]:
    """Yield how a document asks for what: by a tag of one kind or the other, or as a target."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    last = ""
    try:
        for number, event in enumerate(yaml.parse(text, Loader=loader)):
            if number > LIMITS.fact_items * 64:
                raise ValueError("too many values")
            tag = getattr(event, "tag", None) or ""
            if tag.startswith(_PYTHON):
                kind, _, name = tag[len(_PYTHON) :].partition(":")
                if not _PLAIN.match(kind):
                    yield "python", name
            elif found := _HYPER.match(tag):
                yield "hyper", found[1]
            elif tag.startswith("!include:"):
                what = f"it includes {printable(tag[9:])}, which may ask for anything"
                report.find(FINDING, what, Level.WARNING, Verdict.SUSPICIOUS)
            value = getattr(event, "value", None)
            if last == "_target_" and isinstance(value, str) and _DOTTED.match(value):
                yield "target", value
            last = value if isinstance(value, str) else ""
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if b"!!python/" in text or b"!new:" in text or b"!apply" in text:
            why = f"what it asks for to be imported is not known: {type(error).__name__}"
            report.find("config-unreadable", why)
