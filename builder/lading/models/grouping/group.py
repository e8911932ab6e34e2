"""The whole way from files to models and data sets; see the package's docstring."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lading.inventory import (
    Dataset,
    Fact,
    Finding,
    Level,
    Model,
    ModelFile,
    Origin,
    Role,
    Verdict,
)
from lading.models import vocabulary as v
from lading.models.grouping.assemble import assemble
from lading.models.grouping.checkouts import Checkouts
from lading.models.grouping.datasets import datasets_of
from lading.models.grouping.merge import merge_copies, once
from lading.models.grouping.naming import directory_name, names_base
from lading.models.grouping.owners import owners_of
from lading.models.grouping.parts import PART, external_of, with_parts
from lading.models.grouping.place import cached, kind_of, packaged, place, tested
from lading.models.grouping.stems import name_of, stems_of
from lading.models.grouping.stores import stored_models

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = ["Grouped", "group"]

#: Names that promise a model where the content alone is only data.
_PROMISING: Final = re.compile(
    r"model|weight|pretrained|tagger|predict|classif|regress|pipeline|estimator|checkpoint|embed|vectori[sz]er|scaler"
    r"|encoder|tokeni[sz]er|transformer|(?:^|[._-])(?:clf|net|nn|lr|svm|rf|xgb|lgbm)(?:[._-]|$)",
    re.IGNORECASE,
)
#: Directories that promise it for what is in them, whatever its name.
_PROMISED: Final = re.compile(r"(?:^|/)(?:weights|checkpoints?|pretrained(?:_models)?)/[^/]+\Z")
#: Modules without which a harmless pickle is just data.
_LEARNING: Final = re.compile(
    r"(?:numpy|torch|sklearn|xgboost|lightgbm|catboost|scipy|keras|tensorflow|transformers"
    r"|gensim|spacy|joblib|statsmodels|ultralytics|fastai|pandas|nltk|implicit|prophet|stable_baselines3)\b"
)
#: Those of them that data have, too.
_TABULAR: Final = re.compile(r"(?:numpy|pandas|scipy|joblib)\b")
#: Companions that belong to every model of a directory; a few are enough.
_SHARED: Final = frozenset({Role.CARD, Role.LICENSE, Role.TOKENIZER, Role.CONFIG})
_MOST_SHARED: Final = 64
_PICKLES: Final = frozenset({"pickle", "joblib"})
#: Formats that say what the model is called better than the name of the file does.
_NAMING: Final = frozenset({"gguf", "nemo", "model-archive"})
#: The one kind of tokenizer that is a model where no weights are.
_PIECES: Final = "sentencepiece"
_ARRAYS: Final = frozenset({"numpy", "npz"})


@dataclass(frozen=True, slots=True)
class Grouped:
    """What the files of an image are, each part sorted."""

    models: tuple[Model, ...]
    datasets: tuple[Dataset, ...]
    findings: tuple[Finding, ...]


def group(
    files: Iterable[ModelFile], links: Mapping[str, str], shipped: Collection[str] = ()
) -> Grouped:
    """Join files to models and data sets.

    ``links`` are the symbolic links of the merged image, path → verbatim target. Files must be of
    the merged image too; a hard link is a file of its own with the same digest. ``shipped`` are
    the paths that came with packages, wherever those are installed.
    """
    placed = place(files, links)
    refs = {
        posixpath.dirname(posixpath.dirname(file.path)): file.facts[v.COMMIT].value
        for file in placed
        if kind_of(file) == "ref" and v.COMMIT in file.facts and file.path.endswith("/refs/main")
    }
    findings: list[Finding] = []
    checkouts = Checkouts(file for file in placed if kind_of(file) != "ref")
    rest = with_parts(checkouts.rest)
    datasets, rest = datasets_of(rest, findings, shipped)
    models, rest = stored_models(rest)
    owned, loose = owners_of(rest)
    for owner in sorted(owned):
        models.extend(_owned(owner, once(owned[owner]), checkouts))
    for directory in sorted(loose):
        models.extend(_loose(once(loose[directory]), findings, checkouts.facts(directory), shipped))
    merged = merge_copies(models, refs)
    merged.sort(key=lambda model: (model.name, model.format, model.files[0].path))
    findings.sort(key=lambda finding: (finding.path or "", finding.id, finding.message))
    return Grouped(tuple(merged), tuple(datasets), tuple(dict.fromkeys(findings)))


def _owned(owner: str, files: list[ModelFile], checkouts: Checkouts) -> list[Model]:
    """Return the model of a directory that owns its files, if there are weights."""
    if not any(file.role is Role.WEIGHTS for file in files):
        return []
    where = cached(files[0].path)
    facts: dict[str, Fact] = {}
    if where is not None and where.kind == "models":
        facts[v.REPOSITORY] = Fact(where.repository, Origin.OBSERVED, where.root)
        if where.commit is not None and where.snapshot is not None:
            facts[v.COMMIT] = Fact(where.commit, Origin.OBSERVED, where.snapshot)
        return [assemble(where.repository, files, facts)]
    name = checkouts.repository(owner) or _declared_name(owner, files) or directory_name(owner)
    return [assemble(name, files, checkouts.facts(owner))]


def _declared_name(owner: str, files: list[ModelFile]) -> str | None:
    """Return the name that the card or configuration of the directory itself gives."""
    for kinds in (("card",), ("pipeline", "adapter", "config", "mlflow", "spacy", "nemo")):
        for file in files:
            if posixpath.dirname(file.path) == owner and kind_of(file) in kinds:
                fact = file.facts.get(v.NAME)
                if fact is not None and not names_base(fact, files):
                    return str(fact.value)
    return None


def _loose(
    files: list[ModelFile],
    findings: list[Finding],
    facts: Mapping[str, Fact],
    shipped: Collection[str],
) -> list[Model]:
    """Return the models of a directory without configuration: each stem is one."""
    stems: defaultdict[str, list[ModelFile]] = defaultdict(list)
    companions: list[ModelFile] = []
    counted: list[ModelFile] = []
    for file in _alone(files):
        if file.role is not Role.WEIGHTS or kind_of(file) == PART:
            companions.append(file)
        elif _counts(file, findings, in_package=packaged(file.path) or file.path in shipped):
            counted.append(file)
    stem = stems_of(counted)
    for file in counted:
        stems[stem[file.path]].append(file)
    own = _own_companions(stems, companions)
    shared = [file for file in companions if file.role in _SHARED][:_MOST_SHARED]
    return [
        assemble(_loose_name(one, stems[one]), [*stems[one], *own[one], *shared], facts)
        for one in sorted(stems)
    ]


def _alone(files: list[ModelFile]) -> list[ModelFile]:
    """Return the files; a tokenizer that some trainer made is a model where no weights are."""
    if any(file.role is Role.WEIGHTS for file in files):
        return files
    return [replace(file, role=Role.WEIGHTS) if file.format == _PIECES else file for file in files]


def _own_companions(
    stems: Mapping[str, list[ModelFile]], companions: Iterable[ModelFile]
) -> defaultdict[str, list[ModelFile]]:
    """Return the companions that only one model of a directory has: its index, its tensors."""
    owners = {
        path: one
        for one, weights in stems.items()
        for weight in weights
        for path in (weight.path, *external_of(weight))
    }
    own: defaultdict[str, list[ModelFile]] = defaultdict(list)
    for file in companions:
        if file.role is Role.INDEX:
            directory = posixpath.dirname(file.path)
            shards = file.facts[v.SHARDS].value if v.SHARDS in file.facts else ()
            claimed = {owners.get(posixpath.join(directory, shard)) for shard in shards}
        elif file.role not in _SHARED:
            claimed = {owners.get(file.path)}
        else:
            continue
        for one in claimed:
            if one is not None:
                own[one].append(file)
    return own


def _loose_name(stem: str, weights: list[ModelFile]) -> str:
    if weights[0].format in _NAMING and v.NAME in weights[0].facts:
        return str(weights[0].facts[v.NAME].value)
    return name_of(stem, weights[0].path)


def _counts(file: ModelFile, findings: list[Finding], *, in_package: bool) -> bool:
    """Whether weights on their own are a model, not the data or the tests of some package."""
    promising = _PROMISING.search(posixpath.basename(file.path)) is not None
    promising = promising or _PROMISED.search(file.path) is not None
    names = file.facts[v.GLOBALS].value if v.GLOBALS in file.facts else []
    learning = [name for name in names if _LEARNING.match(name)]
    if in_package and tested(file.path):
        counts = False
    elif file.safety.verdict is Verdict.SUSPICIOUS and tested(file.path):
        # Anybody's objects, pickled for a test: they are no model unless something says so.
        counts = file.format not in _PICKLES or bool(learning) or promising
    elif file.safety.verdict is not Verdict.SAFE:
        return True
    elif file.format in _PICKLES:
        if in_package:  # whose data are arrays and tables, too
            counts = not all(map(_TABULAR.match, learning)) or (bool(learning) and promising)
        else:
            counts = bool(learning) or promising
    elif file.format in _ARRAYS:
        counts = promising or not in_package
    else:
        counts = True
    if not counts and file.safety.verdict is Verdict.DANGEROUS:
        findings.extend(one for one in file.safety.findings if one.level is Level.ERROR)
    return counts
