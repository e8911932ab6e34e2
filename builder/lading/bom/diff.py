"""What changed between two documents: models, weights, data, packages, licences.

The signal that matters most: the weights of a model changed while its name and version did not.
A new release says so; a poisoned file does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lading.bom.packages_diff import PackageDiff, diff_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from lading.bom.read import Artifact, Bom

__all__ = ["ArtifactDiff", "Diff", "diff"]

Pair = tuple["Artifact", "Artifact"]


@dataclass(frozen=True, slots=True)
class ArtifactDiff:
    """What changed among models, or among data sets. Pairs are (before, after)."""

    added: tuple[Artifact, ...] = ()
    removed: tuple[Artifact, ...] = ()
    renamed: tuple[Pair, ...] = ()
    moved: tuple[Pair, ...] = ()
    weights_changed: tuple[Pair, ...] = ()
    versions_changed: tuple[Pair, ...] = ()
    licenses_changed: tuple[Pair, ...] = ()
    verdicts_changed: tuple[Pair, ...] = ()

    @property
    def unannounced(self) -> tuple[Pair, ...]:
        """Pairs whose weights changed while name and version did not: look at these first."""
        return tuple(pair for pair in self.weights_changed if _unannounced(pair))

    def to_json(self) -> dict[str, Any]:
        """Return JSON data; the keys are those of ``docs/formats/bom.md``."""
        return {
            "added": [_artifact(one) for one in self.added],
            "removed": [_artifact(one) for one in self.removed],
            "renamed": [{"before": a.name, "after": b.name} for a, b in self.renamed],
            "moved": [
                {"name": b.name, "before": list(a.locations), "after": list(b.locations)}
                for a, b in self.moved
            ],
            "weights_changed": [
                {
                    "name": b.name,
                    "version": {"before": a.version, "after": b.version},
                    "weights": {"before": list(a.weights), "after": list(b.weights)},
                    "locations": {"before": list(a.locations), "after": list(b.locations)},
                    "unannounced": _unannounced((a, b)),
                }
                for a, b in self.weights_changed
            ],
            "versions_changed": [
                {"name": b.name, "before": a.version, "after": b.version}
                for a, b in self.versions_changed
            ],
            "licenses_changed": [
                {"name": b.name, "before": list(a.licenses), "after": list(b.licenses)}
                for a, b in self.licenses_changed
            ],
            "verdicts_changed": [
                {"name": b.name, "before": a.verdict, "after": b.verdict}
                for a, b in self.verdicts_changed
            ],
        }


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from one document to another."""

    before: Bom
    after: Bom
    models: ArtifactDiff = field(default_factory=ArtifactDiff)
    datasets: ArtifactDiff = field(default_factory=ArtifactDiff)
    packages: PackageDiff = field(default_factory=PackageDiff)

    @property
    def same(self) -> bool:
        """Say whether nothing that is compared changed."""
        nothing = ArtifactDiff()
        return (self.models, self.datasets, self.packages) == (nothing, nothing, PackageDiff())

    def to_json(self) -> dict[str, Any]:
        """Return JSON data; the keys are those of ``docs/formats/bom.md``."""
        return {
            "before": _document(self.before),
            "after": _document(self.after),
            "same": self.same,
            "models": self.models.to_json(),
            "datasets": self.datasets.to_json(),
            "packages": self.packages.to_json(),
        }


def diff(before: Bom, after: Bom) -> Diff:
    """Compare two documents; every list of the result is sorted."""
    return Diff(
        before,
        after,
        models=_diff_artifacts(before.models, after.models),
        datasets=_diff_artifacts(before.datasets, after.datasets),
        packages=diff_packages(before.packages, after.packages),
    )


def _diff_artifacts(before: Iterable[Artifact], after: Iterable[Artifact]) -> ArtifactDiff:
    """Pair what is the same thing, surest first; what is left was added or removed."""
    left, right = list(before), list(after)
    keys: tuple[Callable[[Artifact], Hashable], ...] = (
        lambda one: (one.name, one.version, one.weights, one.locations),
        lambda one: (one.name, one.weights) if one.weights else None,
        lambda one: (one.name, one.locations) if one.locations else None,
        lambda one: one.name,
        lambda one: _without_version(one.purl),
        lambda one: one.weights or None,
    )
    pairs = [pair for key in keys for pair in _take_pairs(left, right, key)]
    pairs.sort(key=repr)

    def changed(what: Callable[[Artifact], Hashable]) -> tuple[Pair, ...]:
        return tuple((a, b) for a, b in pairs if what(a) != what(b))

    return ArtifactDiff(
        added=tuple(right),
        removed=tuple(left),
        renamed=changed(lambda one: one.name),
        moved=tuple(
            (a, b)
            for a, b in pairs
            if a.locations and b.locations and not {*a.locations} & {*b.locations}
        ),
        weights_changed=tuple((a, b) for a, b in pairs if _other_weights(a, b)),
        versions_changed=changed(lambda one: one.version),
        licenses_changed=changed(lambda one: one.licenses),
        verdicts_changed=changed(lambda one: one.verdict),
    )


def _take_pairs(
    left: list[Artifact], right: list[Artifact], key: Callable[[Artifact], Hashable]
) -> list[Pair]:
    """Take those with equal keys out of both lists, in their order, and return them as pairs."""
    waiting: dict[Hashable, list[Artifact]] = {}
    for one in reversed(right):
        waiting.setdefault(key(one), []).append(one)
    waiting.pop(None, None)
    pairs = [(one, there.pop()) for one in left if (there := waiting.get(key(one)))]
    for side, taken in ((left, {id(a) for a, _ in pairs}), (right, {id(b) for _, b in pairs})):
        side[:] = [one for one in side if id(one) not in taken]
    return pairs


def _other_weights(before: Artifact, after: Artifact) -> bool:
    """Say whether digests differ, of the algorithms that both documents have."""
    old, new = _by_algorithm(before.weights), _by_algorithm(after.weights)
    return any(old[one] != new[one] for one in old.keys() & new.keys())


def _by_algorithm(weights: Iterable[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for digest in weights:
        found.setdefault(digest.partition(":")[0], set()).add(digest)
    return found


def _unannounced(pair: Pair) -> bool:
    before, after = pair
    return (before.name, before.version) == (after.name, after.version)


def _without_version(purl: str | None) -> str | None:
    """Return type, namespace and name of a purl; None for no purl."""
    if purl is None:
        return None
    bare = purl.partition("#")[0].partition("?")[0]
    head, slash, name = bare.rpartition("/")
    return head + slash + name.partition("@")[0]


def _artifact(one: Artifact) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "licenses": list(one.licenses),
        "weights": list(one.weights),
        "locations": list(one.locations),
    }


def _document(bom: Bom) -> dict[str, Any]:
    return {
        "subject": bom.subject,
        "digest": bom.subject_version,
        "serial_number": bom.serial_number,
    }
