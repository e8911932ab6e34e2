"""Models in tars: torch's oldest files, NVIDIA NeMo's ``.nemo``, SageMaker's ``model.tar.gz``.

A tar is walked once, in order; each member is looked at as if it were a file of its own, and the
tar is one model of them all. What a member is does not depend on its name: one that an unpickler
gets through is walked, whatever it is called.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from lading.inventory import ModelFile, Role, Verdict
from lading.limits import LIMITS
from lading.models import tars
from lading.models import vocabulary as v
from lading.models.formats import slovnet, torch_tar
from lading.models.formats.webdataset import Samples
from lading.models.grouping.assemble import assemble
from lading.models.grouping.parts import with_parts
from lading.models.pickles.scan import imports_danger, may_be_pickle
from lading.models.readers import pickle
from lading.models.report import Report, printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.readers import Reader
    from lading.models.stream import Source

    Chooser = Callable[[str, str, str, bytes, int], Reader | None]

__all__ = ["looks_like", "tarred", "telling"]

#: Members of torch's tars → what reads them.
_TORCH: Final = {
    "sys_info": pickle,
    "pickle": pickle,
    "storages": torch_tar.storages,
    "tensors": torch_tar.tensors,
}
_NEMO: Final = "model_config.yaml"
#: Formats whose headers name a model; a graph's name is that of whatever exported it.
_NAMING: Final = frozenset({"gguf"})
#: Formats of which the whole tar is one model.
_OWN: Final = frozenset({"navec", "slovnet"})
#: Names that make a tar worth its while.
_TELLING: Final = re.compile(
    r"(?:.*/)?(?:model_config\.yaml|model\.json|vocab\.bin|sys_info|storages|tensors|xgboost-model|saved_model\.pb"
    r"|pytorch_model.*\.bin|.+\.(?:pth?|ckpt|pkl|pickle|joblib|safetensors|gguf|onnx|h5|hdf5|keras"
    r"|tflite|nemo|pdmodel|pdiparams|cbm|ftz|mlmodel))",
    re.DOTALL,
)


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a tar."""
    return tars.header_of(head[: tars.BLOCK]) is not None


def telling(head: bytes) -> bool:
    """Whether one of the first members of the tar that starts with ``head`` is a model's."""
    at = 0
    while (header := tars.header_of(head[at : at + tars.BLOCK])) is not None:
        if _TELLING.fullmatch(header.name):
            return True
        at += tars.BLOCK - (-header.size // tars.BLOCK) * tars.BLOCK
    return False


def tarred(reader_for: Chooser, *, promised: bool = False, hinted: bool = True) -> Reader:
    """Return a reader of tars; ``reader_for`` chooses what reads a member.

    When ``promised``, a tar with no model in it is one that nobody can tell anything about; when
    ``hinted``, one that breaks is.
    """

    def read(source: Source, report: Report) -> bool:
        report.format = "unknown"
        walk = _Tar(report, reader_for, promised=promised)
        try:
            if report.depth + 1 >= LIMITS.archive_nesting:
                raise Malformed(f"archives nested deeper than {LIMITS.archive_nesting}")
            for member in tars.members(source, report):
                walk.member(member)
        except Malformed:
            if not (promised or hinted or walk.counts()):
                return False
            raise
        finally:
            walk.describe()
        if promised and not walk.counts():
            raise Malformed("nothing of a model is in the tar that its name promises")
        return walk.counts()

    return read


class _Tar:
    """What the members of one tar are: the parts of a model, or samples of data."""

    def __init__(self, report: Report, reader_for: Chooser, *, promised: bool) -> None:
        self._report = report
        self._reader_for = reader_for
        self._promised = promised
        self._samples = None if promised else Samples()
        self._passed = 0  # members that were taken for samples
        self._files: list[ModelFile] = []
        self._names: list[str] = []
        self._weights = False

    def member(self, member: tars.Member) -> None:
        """Look at one member; what is broken in it does not hide the next."""
        if len(self._names) < LIMITS.fact_items:
            self._names.append(member.name)
        if self._samples is not None and not self._samples.add(member.name):
            self._samples = None
        if self._samples is not None and self._samples.plausible():
            self._passed += 1
            return
        reader = self._reader(member, member.content.peek(LIMITS.sniff_bytes))
        if reader is not None:
            self._read(member, reader)

    def _read(self, member: tars.Member, reader: Reader) -> None:
        found = self._report.inside(member.name, member.size)
        try:
            if reader(member.content, found) is False:
                if posixpath.basename(member.name) != _NEMO:
                    return
                found.find("config-unreadable", "it is no configuration that can be read")
        except Malformed as error:
            what = found.format or "what it is"
            found.find("unscannable", f"cannot be read as {what}: {error}")
        finally:
            self._report.inflatable = found.inflatable
        self._report.absorb(found)
        self._weights = self._weights or found.role is Role.WEIGHTS
        if found.role is Role.WEIGHTS and found.format not in _NAMING:
            found.facts.pop(v.NAME, None)
        if len(self._files) < LIMITS.fact_items:
            self._files.append(found.file(""))

    def counts(self) -> bool:
        """Whether the members are a model, or a data set."""
        return self._weights or (self._samples is not None and self._samples.plausible())

    def _reader(self, member: tars.Member, head: bytes) -> Reader | None:
        name = posixpath.basename(member.name)
        if name in _TORCH and (self._promised or (head and may_be_pickle(head))):
            return _TORCH[name]
        if not head:
            return None
        if imports_danger(head):
            return pickle  # whatever else it is
        if name == slovnet.CODES and slovnet.codes_like(head, member.size):
            return slovnet.codes
        if name == slovnet.NETWORK and slovnet.network_like(head):
            return slovnet.network
        suffix = posixpath.splitext(name)[1]
        return self._reader_for(member.name, name.lower(), suffix.lower(), head, member.size)

    def describe(self) -> None:
        """Say what the tar is, from what was seen of it."""
        report, names = self._report, {posixpath.basename(name) for name in self._names}
        if self._samples is not None and self._samples.plausible():
            self._samples.describe(report)
            return
        if not self._weights:
            return
        if self._passed:
            text = f"{self._passed} members that seemed to be samples of data were passed over"
            report.find("unscannable", text)
        if {"pickle", "storages", "tensors"} <= names:
            report.format = "pytorch-tar"
            report.fact(v.LIBRARY, "pytorch", "members")
        elif _NEMO in names:
            report.format = "nemo"
        elif len(own := {file.format for file in self._files} & _OWN) == 1:
            report.format = own.pop()
        else:
            report.format = "model-archive"
        report.fact(v.MEMBERS, [printable(name) for name in self._names[:64]], "members")
        model = assemble("", with_parts(self._files))
        report.facts |= {name: one for name, one in model.facts.items() if name not in report.facts}
        for one in model.safety.findings[:1]:
            if one.id == "license-conflict":
                report.find(one.id, one.message, one.level, Verdict.SAFE)
