"""What changed among packages: by type and name, with every version that is installed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.bom.read import PackageVersion

__all__ = ["PackageChange", "PackageDiff", "diff_packages"]


@dataclass(frozen=True, slots=True)
class PackageChange:
    """One package whose versions differ; ``before`` or ``after`` is empty when it came or went.

    ``direction`` is ``upgrade`` or ``downgrade`` where one version became another and their order
    is known (Python distributions), else ``other``.
    """

    kind: str
    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    direction: str = "other"


@dataclass(frozen=True, slots=True)
class LicenseChange:
    """One package whose licences differ."""

    kind: str
    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackageDiff:
    """What changed among packages, sorted by type and name."""

    added: tuple[PackageChange, ...] = ()
    removed: tuple[PackageChange, ...] = ()
    changed: tuple[PackageChange, ...] = ()
    licenses_changed: tuple[LicenseChange, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON data; the keys are those of ``docs/formats/bom.md``."""
        return {
            "added": [
                {"type": one.kind, "name": one.name, "versions": list(one.after)}
                for one in self.added
            ],
            "removed": [
                {"type": one.kind, "name": one.name, "versions": list(one.before)}
                for one in self.removed
            ],
            "changed": [
                {
                    "type": one.kind,
                    "name": one.name,
                    "before": list(one.before),
                    "after": list(one.after),
                    "direction": one.direction,
                }
                for one in self.changed
            ],
            "licenses_changed": [
                {
                    "type": one.kind,
                    "name": one.name,
                    "before": list(one.before),
                    "after": list(one.after),
                }
                for one in self.licenses_changed
            ],
        }


def diff_packages(before: Iterable[PackageVersion], after: Iterable[PackageVersion]) -> PackageDiff:
    """Compare two lists of packages; a version that is in both cancels out."""
    left, right = _by_name(before), _by_name(after)
    added: list[PackageChange] = []
    removed: list[PackageChange] = []
    changed: list[PackageChange] = []
    licenses: list[LicenseChange] = []
    for key in sorted(left.keys() | right.keys()):
        old, new = left.get(key, []), right.get(key, [])
        gone, came = _versions(old) - _versions(new), _versions(new) - _versions(old)
        if gone or came:
            change = _change(key, gone, came)
            (changed if old and new else added if new else removed).append(change)
        old_licenses, new_licenses = _licenses(old), _licenses(new)
        if old and new and old_licenses != new_licenses:
            licenses.append(LicenseChange(*key, old_licenses, new_licenses))
    return PackageDiff(tuple(added), tuple(removed), tuple(changed), tuple(licenses))


def _by_name(packages: Iterable[PackageVersion]) -> dict[tuple[str, str], list[PackageVersion]]:
    found: dict[tuple[str, str], list[PackageVersion]] = {}
    for one in packages:
        found.setdefault((one.kind, one.name), []).append(one)
    return found


def _versions(packages: Iterable[PackageVersion]) -> Counter[str]:
    return Counter(one.version or "" for one in packages)


def _licenses(packages: Iterable[PackageVersion]) -> tuple[str, ...]:
    return tuple(sorted({text for one in packages for text in one.licenses}))


def _change(key: tuple[str, str], gone: Counter[str], came: Counter[str]) -> PackageChange:
    before, after = tuple(sorted(gone.elements())), tuple(sorted(came.elements()))
    direction = "other"
    if key[0] == "pypi" and len(before) == len(after) == 1:
        direction = _direction(before[0], after[0])
    return PackageChange(*key, before, after, direction)


def _direction(before: str, after: str) -> str:
    from packaging.version import InvalidVersion, Version

    try:
        return "upgrade" if Version(before) < Version(after) else "downgrade"
    except InvalidVersion:
        return "other"
