"""Models in ZIP archives: torch, TorchScript, ``.npz``, Keras, and archives of any of these.

The archive is walked once, in order; each member is looked at by its content. What the archive is
shows in its members' names.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.inventory import Level, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats import gguf, hdf5, numpy, skops
from lading.models.formats.bundles import Bundle
from lading.models.formats.keras import KerasConfig
from lading.models.formats.torch import Tensors, judge_script
from lading.models.pickles.machine import Seen
from lading.models.pickles.names import judge
from lading.models.pickles.scan import (
    describe,
    imports_danger,
    may_be_pickle,
    passes_for_pickle,
    scan_one,
)
from lading.models.report import printable
from lading.models.stream import HashedSource, Malformed
from lading.models.suffixes import TORCH_BIN
from lading.models.unpack import unpacked
from lading.models.zipindex import CENTRAL, END
from lading.models.zips import Evasive, members

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source
    from lading.models.zips import Member

__all__ = ["LLAMAFILE", "ends_as_archive", "parse", "telling"]

#: An end record and its comment.
_LAST: Final = 22 + 0xFFFF
#: How a portable executable of Cosmopolitan begins; a llamafile is one with an archive behind it.
LLAMAFILE: Final = b"MZqFpD"

_STORAGE: Final = re.compile(
    r"(?:.*/)?(?:(?:data|constants|xl_model_weights)/\d+|data/(?:weights/weight|constants/tensor)_\d+)\Z"
)
#: Suffixes of files whose loaders take nothing but a model.
_PROMISES: Final = (
    ".pt", ".pth", ".ckpt", ".pt2", ".ptl", ".keras", ".npz", ".mar", ".skops",
)  # fmt: skip
#: Formats that are what they are whatever else is in them.
_BUNDLES: Final = frozenset({"torchserve", "torch-export", "h2o-mojo", "mediapipe"})
_PICKLE_NAME: Final = re.compile(
    r".*\.(?:pkl|pickle|dill|joblib)(?:\.(?:gz|bz2|xz|lzma|z|zst|lz4))?\Z"
)
#: Names of first members that make an archive worth its while.
_TELLING: Final = re.compile(
    rb"(?:[^/\x00]{1,200}/)?(?:data\.pkl|version|byteorder|constants\.pkl|\.format_version"
    rb"|\.storage_alignment|\.data/serialization_id|code/.{0,200}|data/\d+)"
    rb"|.{1,200}\.np[yz]|metadata\.json|schema\.json|model\.weights\.h5|MAR-INF/.*|model\.ini|TF_LITE_[A-Z_]{1,60}"
    rb"|policy\.(?:optimizer\.)?pth"
    rb"|.{1,200}\.(?:pkl|pickle|joblib|pth?|h5|onnx|safetensors|gguf|tflite)",
    re.DOTALL,
)


def telling(head: bytes) -> bool:
    """Whether one of the first members of the archive that starts with ``head`` is a model's."""
    at = 0
    while at >= 0:
        length = int.from_bytes(head[at + 26 : at + 28], "little")
        if _TELLING.fullmatch(head[at + 30 : at + 30 + length]):
            return True
        at = head.find(b"PK\x03\x04", at + 4)
    return False


def parse(source: Source, report: Report, depth: int = 0, *, searched: bool = False) -> bool:
    """Walk the archive; False when nothing in it belongs to a model.

    One that is ``searched`` for is promised by nothing: four bytes occur by chance in weights.
    """
    executable = source.peek(len(LLAMAFILE)) == LLAMAFILE
    walk = _Archive(report, report.depth + depth, executable=executable)
    try:
        for member in members(source, report, program=executable):
            walk.member(member)
    except Malformed as error:
        if isinstance(error, Evasive) or not walk.promises_nothing(searched=searched):
            raise
        if ends_as_archive(source):
            raise  # what led the walk astray was meant to
        return False
    return walk.finish(promised=_promised(report) and not searched)


def _promised(report: Report) -> bool:
    """Whether loaders of files with such a name take nothing but a model."""
    path = report.named
    return path.endswith(_PROMISES) or TORCH_BIN.match(posixpath.basename(path)) is not None


def ends_as_archive(source: Source) -> bool:
    """Whether a loader that begins at the end of a file would find a model's archive there."""
    if not isinstance(source, HashedSource):
        return True
    source.drain()
    if END not in source.tail[-_LAST:]:
        return False
    at = source.tail.find(CENTRAL)
    while at >= 0:
        length = int.from_bytes(source.tail[at + 28 : at + 30], "little")
        if _TELLING.fullmatch(source.tail[at + 46 : at + 46 + length]):
            return True
        at = source.tail.find(CENTRAL, at + 4)
    return False


class _Archive:
    def __init__(self, report: Report, depth: int, *, executable: bool) -> None:
        self._report = report
        self._executable = executable
        self._depth = depth
        self._tensors = Tensors()
        self._seen = Seen()
        self._arrays: Counter[str] = Counter()
        self._array_count = 0
        self._kinds: set[str] = set()
        self._names: list[str] = []
        self._keras = KerasConfig(report)
        self._bundle = Bundle(report)

    def member(self, member: Member) -> None:
        """Look at one member; what is broken in it does not hide the next."""
        if len(self._names) < LIMITS.fact_items:
            self._names.append(member.name)
        self._kinds.add(_kind(member.name))
        if member.content is None:  # which is a finding; a name is all that is left
            if _PICKLE_NAME.match(member.name.lower()):
                self._kinds.add("pickle")
            return
        try:
            self._look(member, member.content)
        except Malformed as error:
            text = f"member {printable(member.name)} cannot be read: {error}"
            self._report.find("unscannable", text)

    def _look(self, member: Member, content: Source) -> None:
        head = content.peek(LIMITS.sniff_bytes)
        wanted = self._bundle.see(member.name, head)
        if imports_danger(head):
            self._pickle(member, content)  # whatever else it is
        elif wanted:
            self._bundle.read(member.name, member.size, content)
        elif _STORAGE.match(member.name):
            if head[:2] in _PROTOCOLS and may_be_pickle(head):
                self._pickle(member, content)
        else:
            self._known(member, content, head)

    def _known(self, member: Member, content: Source, head: bytes) -> None:
        """Look at a member that is known by its first bytes, or else by its name."""
        if head[:6] == numpy.MAGIC:
            self._kinds.add("npy")
            array = numpy.read_array(content, self._report, member.name)
            self._arrays[array.dtype] += array.elements
            self._array_count += 1
        elif head[:4] == b"PK\x03\x04":
            self._nested(content)
        elif head[:4] == gguf.MAGIC:
            self._kinds.add("gguf")
            gguf.parse(content, self._report)
        elif head[:8] == hdf5.MAGIC:
            hdf5.parse(content, self._report, member.name)
        elif member.name == skops.NAME:
            if skops.parse(content, self._report):
                self._kinds.add("skops")
        elif self._keras.wants(member.name):
            self._keras.read(member.name, content)
        elif (head[:2] in _PROTOCOLS and self._believes(head)) or (
            _PICKLE_NAME.match(member.name.lower()) and head
        ):
            self._pickle(member, unpacked(content, self._report) or content)

    def _believes(self, head: bytes) -> bool:
        """Whether two bytes make a pickle: those of any fuzzer's corpus do not."""
        return _promised(self._report) or passes_for_pickle(head)

    def _nested(self, content: Source) -> None:
        if self._depth + 1 >= LIMITS.archive_nesting:
            self._kinds.add("nested")
            raise Malformed(f"archives nested deeper than {LIMITS.archive_nesting}")
        if parse(content, self._report, self._depth + 1 - self._report.depth):
            self._kinds.add("nested")

    def _pickle(self, member: Member, content: Source) -> None:
        # A name that promises a pickle is believed; other bytes must also walk like one.
        script = "code" in self._kinds or "constants" in self._kinds
        self._kinds.add("pickle")
        name = posixpath.basename(member.name).lower()
        rule = judge_script if script or name in ("data.pkl", "constants.pkl") else judge
        seen = Seen(opcodes=self._seen.opcodes)  # its names are judged by its own rule, once
        try:
            scan_one(
                content,
                self._report,
                seen,
                on_call=self._tensors.on_call,
                judge_name=rule,
                where=member.name,
            )
        finally:
            self._seen.add(seen)
        if not content.at_end():
            text = f"bytes follow the pickle in {printable(member.name)}"
            self._report.find("pickle-trailing-data", text)

    def promises_nothing(self, *, searched: bool) -> bool:
        """Whether neither the archive's suffix nor a member's name speaks of a model."""
        unpromising = searched or self._report.named.endswith(".zip")
        return unpromising and self._kinds <= {"other"}

    def finish(self, *, promised: bool) -> bool:
        """Say what the archive is; False when it is no model."""
        report, kinds = self._report, self._kinds
        self._bundle.finish()
        if self._bundle.format in _BUNDLES:
            report.format = self._bundle.format
        elif "torch-data" in kinds and ("code" in kinds or "constants" in kinds):
            report.format = "torchscript"
            text = "a TorchScript archive brings its own code, which runs in torch's interpreter"
            report.find("torchscript-code", text, Level.NOTE, Verdict.SAFE)
        elif "torch-data" in kinds:
            report.format = "pytorch"
        elif "keras-config" in kinds and "keras-weights" in kinds:
            report.format = "keras"
        elif "skops" in kinds and not kinds & {"pickle", "nested", "gguf"}:
            report.format = "skops"
        elif "npy" in kinds and not kinds & {"pickle", "nested", "gguf"}:
            report.format = "npz"
        elif "gguf" in kinds and self._executable:
            report.format = "llamafile"
            text = "a llamafile is a program: using the model runs it"
            report.find("llamafile-program", text, Level.NOTE)
        elif kinds & {"pickle", "nested", "gguf"} or self._bundle.format:
            report.format = "model-archive"
        elif self._depth == 0 and promised:
            report.format = "unknown"
            raise Malformed("nothing of a model is in the archive that its name promises")
        else:
            return False
        self._describe()
        return True

    def _describe(self) -> None:
        report = self._report
        if self._depth == 0:
            report.fact(v.MEMBERS, [printable(name) for name in self._names[:64]], "members")
        if self._seen.globals:
            describe(self._seen, report)
        if report.format in ("pytorch", "torchscript"):
            report.fact(v.LIBRARY, "pytorch", "members")
        self._tensors.describe(report)
        if self._array_count:
            report.fact(v.TENSOR_COUNT, self._array_count, "members")
            report.fact(v.PARAMETERS, self._arrays.total(), "members: shapes")
            report.fact(v.DTYPE, self._arrays.most_common(1)[0][0], "members: descr")


_PROTOCOLS: Final = frozenset(bytes([0x80, n]) for n in range(6))


def _kind(name: str) -> str:
    base = posixpath.basename(name).lower()  # torch takes names in capitals, too
    if base == "data.pkl":
        return "torch-data"
    if base == "constants.pkl":
        return "constants"
    if "/code/" in f"/{name}" and name.endswith((".py", ".py.debug_pkl")):
        return "code"
    if name in ("config.json", "metadata.json"):
        return "keras-config"
    if name in ("model.weights.h5", "model.weights.npz"):
        return "keras-weights"
    return "other"
