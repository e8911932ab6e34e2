"""Licences of models, data sets and packages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lading.policy.known import check_purl_type
from lading.policy.options import TEXTS, Kind, choice, listed, matching, option
from lading.policy.rules.interface import Complaint, Rule, fits, unless
from lading.policy.spdx import Licensing, Standing, is_rail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lading.policy.components import Component
    from lading.policy.evidence import Evidence
    from lading.policy.source import Where

__all__ = ["DatasetLicenses", "ModelLicenses", "PackageLicenses"]

_PURL_TYPE = matching(re.compile(r"[a-z][a-z0-9.+-]*"), "a purl type")
_YES_NO = choice(("allow", "deny"))
_SAYS = {
    Standing.DENIED: "has a licence that is denied",
    Standing.UNLISTED: "has a licence that is not on the list",
    Standing.UNKNOWN: "has no licence that is known",
}


def _read_purl_type(value: Any, where: Where) -> str:
    found: str = _PURL_TYPE.read(value, where)
    check_purl_type(found, where)
    return found


@dataclass(frozen=True, kw_only=True)
class _Licenses(Rule):
    """What the rules about licences share."""

    allow: tuple[str, ...] = option(
        TEXTS, "SPDX identifiers or patterns that are allowed; everything when left out.",
        default=(),
    )  # fmt: skip
    deny: tuple[str, ...] = option(
        TEXTS, "Identifiers or patterns that are refused, whatever else allows them.", default=()
    )
    unknown: str = option(
        _YES_NO, "What has no licence, or says 'other': deny (default) or allow.", default="deny"
    )
    exclude: tuple[str, ...] = option(
        TEXTS, "Names or purls (patterns) that this rule leaves out.", default=()
    )

    @property
    def refuses_nothing(self) -> bool:
        """Whether no list is given, and no licence is as good as any."""
        return self.unknown == "allow" and not (self.allow or self.deny)

    def _judge(self, licenses: Iterable[str]) -> Standing:
        return self._licensing.judge(licenses)

    @property
    def _licensing(self) -> Licensing:
        return Licensing(self.allow, self.deny)

    def _complaints(self, components: Iterable[Component], what: str) -> Iterator[Complaint]:
        for one in unless(components, self.exclude):
            complaint = self._complaint(f"{what} {one.label}", one.licenses, one.label)
            if complaint:
                yield complaint

    def _complaint(self, whose: str, licenses: tuple[str, ...], subject: str) -> Complaint | None:
        standing = self._judge(licenses)
        if standing is Standing.ALLOWED:
            return None
        if standing is Standing.UNKNOWN and self.unknown == "allow":
            return None
        said = " and ".join(licenses)
        kind = " (RAIL)" if any(is_rail(one) for one in licenses) else ""
        return Complaint(f"{whose} {_SAYS[standing]}{f': {said}{kind}' if said else ''}", subject)


@dataclass(frozen=True, kw_only=True)
class ModelLicenses(_Licenses):
    """Licences that models may have, and the models that they were made from."""

    name: ClassVar[str] = "model-licenses"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0014", "AML.M0023")

    rail: str | None = option(
        _YES_NO,
        "Licences of the Responsible AI family (openrail, bloom-rail …): allow or deny all of "
        "them; by default they are licences like others.",
        default=None,
    )
    base_models: str = option(
        choice(("ignore", "known", "all")),
        "Whether the licence of a base model must be allowed too: known (default) checks those "
        "whose licence is known, all refuses the others, ignore looks at none.",
        default="known",
    )
    lookup: str | None = option(
        choice(("hub",)),
        "Where licences of base models that are not in the image are looked up; nowhere by "
        "default. Answers are cached.",
        default=None,
    )

    @property
    def refuses_nothing(self) -> bool:
        """Whether nothing is asked of models nor of base models."""
        return super().refuses_nothing and self.rail != "deny" and self.base_models != "all"

    @property
    def _licensing(self) -> Licensing:
        return Licensing(self.allow, self.deny, self.rail)

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield models, and base models of models, whose licence is not allowed."""
        yield from self._complaints(evidence.models, "the model")
        if self.base_models == "ignore":
            return
        for model in unless(evidence.models, self.exclude):
            for base in self._lineage(model, evidence):
                yield from self._base(model, base, evidence)

    def _lineage(self, model: Component, evidence: Evidence) -> Iterator[str]:
        """Yield what a model was made from, and that in turn, each once: lineages may be circles.

        A base model in the image is judged as a model of its own.
        """
        seen = {one.name.lower() for one in evidence.models}
        waiting = list(model.ancestors)
        while waiting:
            base = waiting.pop(0)
            if base.lower() in seen:
                continue
            seen.add(base.lower())
            yield base
            waiting += evidence.bases.get(base, ()) if self.lookup else ()

    def _base(self, model: Component, base: str, evidence: Evidence) -> Iterator[Complaint]:
        found = evidence.licences.get(base) if self.lookup else None
        if found is None and self.base_models == "known" and not self.lookup:
            return
        if found is None:
            text = f"the licence of {base}, from which {model.label} was made, is not known"
            if self.base_models == "all" or self.unknown == "deny":
                yield Complaint(text, model.label)
            return
        whose = f"{base}, from which {model.label} was made,"
        complaint = self._complaint(whose, (found,), model.label)
        if complaint:
            yield complaint

    def wanted_lookups(self, evidence: Evidence) -> frozenset[str]:
        """Return the base models whose licence is to be looked up; none unless the rule says so."""
        if self.lookup is None or self.base_models == "ignore":
            return frozenset()
        inside = {one.name.lower() for one in evidence.models}
        bases = {base for one in unless(evidence.models, self.exclude) for base in one.ancestors}
        return frozenset(base for base in bases if base.lower() not in inside)


@dataclass(frozen=True, kw_only=True)
class DatasetLicenses(_Licenses):
    """Licences that data sets may have."""

    name: ClassVar[str] = "dataset-licenses"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0023", "AML.M0025")

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield data sets whose licence is not allowed."""
        yield from self._complaints(evidence.datasets, "the data set")


@dataclass(frozen=True, kw_only=True)
class PackageLicenses(_Licenses):
    """Licences that packages may have."""

    name: ClassVar[str] = "package-licenses"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0023",)

    types: tuple[str, ...] = option(
        listed(Kind(_read_purl_type, _PURL_TYPE.schema)),
        "Only packages of these purl types (pypi, deb …); all by default.",
        default=(),
    )

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield packages whose licence is not allowed."""
        chosen = [
            one
            for one in evidence.packages
            if not self.types or fits(one.purl, [f"pkg:{kind}/*" for kind in self.types])
        ]
        yield from self._complaints(chosen, "the package")
