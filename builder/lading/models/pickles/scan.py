"""A file of pickles: walk each, and say what loading them would do.

A file may hold several in a row (repeated ``dump``, torch's legacy format) and raw array bytes
between them (joblib). Whatever is not walked to its end is *unscannable*, never safe.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.pickles.joblib import Ahead, skip_array
from lading.models.pickles.machine import Machine, Seen
from lading.models.pickles.names import judge
from lading.models.pickles.values import Global, Made
from lading.models.report import printable
from lading.models.stream import Malformed, Truncated

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = [
    "describe",
    "hides_pickle",
    "imports_danger",
    "judge_all",
    "may_be_pickle",
    "passes_for_pickle",
    "scan_all",
    "scan_one",
    "walk_one",
]

_GETATTR: Final = frozenset({Global("builtins", "getattr"), Global("__builtin__", "getattr")})
_PICKLES_IN_A_ROW: Final = 10_000
#: Opcodes that need nothing on the stack; letters that only texts begin with are left out.
_FIRST_OPCODES: Final = frozenset(
    b"(BCFGIJKLMNSTUVX]cghijp})\x80\x82\x83\x84\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96"
)
#: What can be imported; lines of a text are not.
_DOTTED: Final = re.compile(r"[\w.]+\Z").match

#: Classes that only hold what a model is.
_CONTAINERS: Final = frozenset({"Counter", "NumpyArrayWrapper", "OrderedDict"})
#: First part of a class's module → the library's own name.
_LIBRARIES: Final = {
    "sklearn": "scikit-learn", "torch": "pytorch", "xgboost": "xgboost", "lightgbm": "lightgbm",
    "catboost": "catboost", "transformers": "transformers", "numpy": "numpy", "pandas": "pandas",
    "statsmodels": "statsmodels", "keras": "keras", "tensorflow": "tensorflow", "spacy": "spacy",
    "gensim": "gensim", "ultralytics": "ultralytics", "stable_baselines3": "stable-baselines3",
    "fastai": "fastai", "scipy": "scipy", "prophet": "prophet", "implicit": "implicit",
}  # fmt: skip


def walk_one(
    source: Source,
    report: Report,
    seen: Seen,
    *,
    on_call: Callable[[Global, tuple[Any, ...]], None] | None = None,
) -> Any:
    """Walk one pickle into ``seen`` and return what is known of its value; judge nothing.

    Raises:
        Malformed: the pickle cannot be walked to its end.
    """

    def built(made: Made) -> None:
        if made.of.name == "NumpyArrayWrapper":
            skip_array(source, made, machine, report)

    machine = Machine(source, seen, on_build=built, on_call=on_call)
    seen.result = machine.run()
    return seen.result


def scan_one(
    source: Source,
    report: Report,
    seen: Seen | None = None,
    *,
    on_call: Callable[[Global, tuple[Any, ...]], None] | None = None,
    judge_name: Callable[[str, str], Verdict] = judge,
    where: str = "",
) -> Any:
    """Walk one pickle and note what was seen, also when it is broken.

    Raises:
        Malformed: the pickle cannot be walked to its end.
    """
    seen = Seen() if seen is None else seen
    try:
        return walk_one(source, report, seen, on_call=on_call)
    finally:
        judge_all(seen, report, judge_name, where)


def scan_all(
    source: Source,
    report: Report,
    on_call: Callable[[Global, tuple[Any, ...]], None] | None = None,
) -> Seen:
    """Walk every pickle of a file; bytes after the last are a finding.

    ``on_call`` is told about the calls of the first.

    Raises:
        Malformed: the first pickle cannot be walked to its end.
    """
    seen = Seen()
    try:
        first = walk_one(source, report, seen, on_call=on_call)
        _walk_rest(source, report, seen)
        seen.result = first
    finally:
        judge_all(seen, report)  # once: a file may hold many pickles, and many names
    return seen


def _walk_rest(source: Source, report: Report, seen: Seen) -> None:
    for _ in range(_PICKLES_IN_A_ROW):
        if source.at_end():
            return
        start = source.offset
        try:
            walk_one(source, report, seen)
        except Malformed as error:
            text = f"what follows the pickle at byte {start} is no pickle: {error}"
            report.find("pickle-trailing-data", text)
            return
    raise Malformed(f"more than {_PICKLES_IN_A_ROW} pickles in a row")


def may_be_pickle(head: bytes) -> bool:
    """Whether an unpickler would get through the start of a file, whatever else the file is."""
    return _walked(head, Seen())


def passes_for_pickle(head: bytes) -> bool:
    """Whether an unpickler would get through the start of a file, or import something from it."""
    found = Seen()
    return _walked(head, found) or bool(found.globals or found.unresolved)


def imports_danger(head: bytes) -> bool:
    """Whether an unpickler would import what no data needs, before it stumbles over ``head``."""
    found = Seen()
    _walked(head, found)
    return any(judge(one.module, one.name) is Verdict.DANGEROUS for one in found.globals)


def hides_pickle(head: bytes, size: float) -> bool:
    """Whether a file of ``size`` bytes that no name and no mark speaks of may be a pickle.

    Asked of most files of an image: those of which the first byte is no opcode that a pickle can
    begin with cost nothing, and those that a step leads out of end there.
    """
    if not head or head[0] not in _FIRST_OPCODES:
        return False
    found = Seen()
    whole = _walked(head, found, size)
    names = [one for one in found.globals if _DOTTED(one.module) and _DOTTED(one.name)]
    if any(judge(one.module, one.name) is Verdict.DANGEROUS for one in names):
        return True
    return whole and bool(names or found.unresolved or len(head) < size)


def _walked(head: bytes, found: Seen, size: float = math.inf) -> bool:
    """Walk the start of a file; False when an unpickler would stop inside it."""
    try:
        Machine(Ahead(head, size), found).run()
    except Truncated:
        return True
    except Malformed:
        return False
    return True


def judge_all(
    seen: Seen,
    report: Report,
    judge_name: Callable[[str, str], Verdict] = judge,
    where: str = "",
) -> None:
    """Turn names and calls into findings and the verdict."""
    inside = f" in {printable(where)}" if where else ""
    # Whatever else is done with it: called otherwise, handed on, kept.
    harmless = seen.getattr_used == seen.getattr_given
    judged = [
        (judge_name(name.module, name.name), name, offset)
        for name, offset in seen.globals.items()
        if not (harmless and name in _GETATTR)
    ]
    # The worst first: the number of findings is bounded.
    for verdict, name, offset in sorted(judged, key=lambda one: -one[0]):
        if verdict is Verdict.SAFE:
            break
        what = f"imports {printable(str(name))} at byte {offset}{inside}"
        level = Level.ERROR if verdict is Verdict.DANGEROUS else Level.WARNING
        report.find(f"pickle-{verdict.word}-global", f"loading it {what}", level, verdict)
    for text, offset in seen.unresolved.items():
        module = text.partition(".")[0]
        verdict = judge_name(module, "?") if module != "?" else Verdict.SUSPICIOUS
        report.find(
            "pickle-unresolved-global",
            f"loading it imports a name that it computes ({printable(text)}) "
            f"at byte {offset}{inside}",
            Level.WARNING,
            max(Verdict.SUSPICIOUS, verdict),
        )
    for name, offset in seen.build_on_global.items():
        report.find(
            "pickle-patches-global",
            f"loading it changes attributes of {printable(str(name))} at byte {offset}{inside}",
            Level.ERROR,
            Verdict.DANGEROUS,
        )
    for identifier, at, text in (
        ("pickle-computed-call", seen.computed_call, "calls what an earlier call returned"),
        ("pickle-extension", seen.extension, "uses a name from the extension registry"),
        ("pickle-mixed-memo", seen.mixed_memo, "mixes two ways of remembering values"),
    ):
        if at is not None:
            message = f"loading it {text} at byte {at}{inside}"
            report.find(identifier, message, Level.WARNING, Verdict.SUSPICIOUS)


def describe(seen: Seen, report: Report) -> None:
    """Note what the pickled object is, and who wrote it."""
    names = sorted(str(name) for name in seen.globals)
    report.fact(v.GLOBALS, [printable(name) for name in names[: LIMITS.fact_items]], "pickle")
    protocol = seen.protocol or "0 or 1"  # which has no mark
    report.fact(v.FORMAT_VERSION, f"protocol {protocol}", "pickle")
    top = seen.result.of if type(seen.result) is Made else None
    if top is not None and str(top) in ("copyreg._reconstructor", "copy_reg._reconstructor"):
        first = seen.result.args[:1]
        top = first[0] if first and type(first[0]) is Global else None
    roots = {name.module.partition(".")[0] for name in seen.globals}
    if top is not None:
        if top.name[:1].isupper() and top.name not in _CONTAINERS:
            report.fact(v.ARCHITECTURE, printable(top.name), "pickle: class of the object")
        roots = {top.module.partition(".")[0]} & roots or roots
    for root, library in _LIBRARIES.items():
        if root in roots and root not in ("numpy", "scipy"):
            report.fact(v.LIBRARY, library, "pickle: module of the object")
            break
    for key in ("_sklearn_version", "pytorch-lightning_version"):
        report.fact(v.FRAMEWORK_VERSION, seen.texts.get(key), f"pickle: {key}")
