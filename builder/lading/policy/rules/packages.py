"""Packages that may not be there, and base images."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import parse_qs, unquote

from lading.attest.predicates import SLSA_PROVENANCE_V1
from lading.attest.provenance import BUILD_TYPE
from lading.policy.components import subject_properties
from lading.policy.evidence import Missing
from lading.policy.known import check_purl_type
from lading.policy.options import TEXT, TEXTS, Kind, listed, option, record
from lading.policy.rules.interface import Complaint, Rule, fits, unless

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lading.policy.components import Component
    from lading.policy.evidence import Evidence
    from lading.policy.source import Where

__all__ = ["BaseImages", "Packages", "PurlPattern"]

_ANY_CASE: Final = frozenset(
    {
        "pkg:alpm", "pkg:apk", "pkg:bitbucket", "pkg:composer", "pkg:deb", "pkg:github",
        "pkg:golang", "pkg:hex", "pkg:luarocks", "pkg:npm", "pkg:pypi",
    }
)  # fmt: skip
_PURL: Final = re.compile(r"pkg:[a-z*][a-z0-9.+*-]*/.+")


@dataclass(frozen=True, kw_only=True)
class PurlPattern:
    """Packages by purl, and of those only some versions."""

    purl: str = option(TEXT, "A purl or pattern; without @VERSION it means every version.")
    versions: str | None = option(
        TEXT, "Only these versions, as Python writes them (<2.6, >=1,<2); pkg:pypi only.",
        default=None,
    )  # fmt: skip

    def matches(self, package: Component, *, unsure: bool) -> bool:
        """Say whether a package is meant; ``unsure`` is said of a version without an order."""
        purl = (package.purl or "").partition("#")[0]
        bare = purl.partition("?")[0]
        unversioned, version = _split(bare)
        forms = {_plain(one) for one in (purl, bare, unversioned)}
        if not any(fits(one, [_plain(self.purl)]) for one in forms):
            return False
        return self.versions is None or _within(
            package.version or unquote(version), self.versions, unsure=unsure
        )


def _split(purl: str) -> tuple[str, str]:
    """Split off the version; a scope (``@angular``) is none."""
    head, at, version = purl.rpartition("@")
    return (head, version) if at and not head.endswith("/") and "/" not in version else (purl, "")


def _plain(purl: str) -> str:
    """Return a purl, or a pattern of purls, as it compares.

    Not encoded; the type in lower case, and the name where the type's own rules say so. Of a
    Python name ``-``, ``_`` and ``.`` are the same.
    """
    kind, slash, rest = unquote(purl).partition("/")
    kind = kind.lower()
    name, version = _split(rest)
    if kind in _ANY_CASE:
        name = name.lower()
    if kind == "pkg:pypi":
        name = re.sub(r"[-_.]+", "-", name)
    return kind + slash + name + (f"@{version}" if version else "")


def _within(version: str, versions: str, *, unsure: bool) -> bool:
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        return SpecifierSet(versions, prereleases=True).contains(Version(version))
    except InvalidVersion:
        return unsure


def _read_purl(value: Any, where: Where) -> PurlPattern:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    pattern: PurlPattern = _RECORD.read(value, where)
    if not _PURL.fullmatch(pattern.purl):
        raise where.error("this is no purl", got=pattern.purl, wanted="pkg:TYPE/NAME")
    check_purl_type(pattern.purl.removeprefix("pkg:").partition("/")[0], where)
    if pattern.versions is not None:
        if not pattern.purl.startswith("pkg:pypi/"):
            raise where.error(
                "versions are compared for pkg:pypi only", hint="Write pkg:TYPE/NAME@VERSION."
            )
        try:
            SpecifierSet(pattern.versions)
        except InvalidSpecifier:
            raise where.error(
                "these are no versions", got=pattern.versions, wanted="for example <2.6"
            ) from None
    return pattern


_RECORD = record(PurlPattern, shorthand=lambda text: PurlPattern(purl=text))
_PURLS = listed(Kind(_read_purl, _RECORD.schema, PurlPattern))


@dataclass(frozen=True, kw_only=True)
class Packages(Rule):
    """Packages that may be there."""

    name: ClassVar[str] = "packages"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0011", "AML.M0016")

    deny: tuple[PurlPattern, ...] = option(
        _PURLS, "Purls or patterns, each alone or with versions.", default=()
    )
    allow: tuple[PurlPattern, ...] = option(
        _PURLS, "Everything else is refused; all is allowed by default.", default=()
    )
    exclude: tuple[str, ...] = option(
        TEXTS, "Names or purls (patterns) that this rule leaves out.", default=()
    )

    @property
    def refuses_nothing(self) -> bool:
        """Whether no list is given."""
        return not (self.deny or self.allow)

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield packages that are denied, or not allowed."""
        for one in unless(evidence.packages, self.exclude):
            if any(pattern.matches(one, unsure=True) for pattern in self.deny):
                yield Complaint(f"the package {one.label} is denied", one.label)
            elif self.allow and not any(one_of.matches(one, unsure=False) for one_of in self.allow):
                yield Complaint(f"the package {one.label} is not on the list", one.label)


@dataclass(frozen=True, kw_only=True)
class BaseImages(Rule):
    """Images that this one may be built on."""

    name: ClassVar[str] = "base-images"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0014", "AML.M0016")

    allow: tuple[str, ...] = option(
        TEXTS,
        "References or patterns (docker.io/library/python:3.12*), with or without @sha256:…; "
        "scratch for an image without one.",
    )
    deny: tuple[str, ...] = option(TEXTS, "References or patterns that are refused.", default=())

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield base images that are not allowed; to know none is a no."""
        bases = sorted({*_from_provenance(evidence), *_from_labels(evidence)})
        if not bases:
            raise Missing(
                "no provenance or label (org.opencontainers.image.base.name) says which base "
                "images it was built on"
            )
        for base in bases:
            forms = _forms(base)
            if any(fits(one, self.deny) for one in forms):
                yield Complaint(f"the base image {base} is denied", base)
            elif not any(fits(one, self.allow) for one in forms):
                yield Complaint(f"the base image {base} is not on the list", base)


def _forms(base: str) -> frozenset[str]:
    """Return the ways to write an image: short or with docker.io, with or without its digest."""
    registry, slash, _ = base.partition("/")
    full = base
    if not slash:
        full = f"docker.io/library/{base}"
    elif "." not in registry and ":" not in registry and registry != "localhost":
        full = f"docker.io/{base}"
    return frozenset({base, full, base.partition("@")[0], full.partition("@")[0]})


def _from_labels(evidence: Evidence) -> Iterator[str]:
    if evidence.bom is None:
        return
    properties = subject_properties(evidence.bom)
    prefix = "lading:image:label:org.opencontainers.image.base."
    digests = properties.get(prefix + "digest", ())  # one for each platform that has the label
    for name in properties.get(prefix + "name", ()):
        if digests and "@" not in name:
            yield from (f"{name}@{digest}" for digest in digests)
        else:
            yield name


def _from_provenance(evidence: Evidence) -> Iterator[str]:
    """Yield images among the newest provenance's resolved dependencies (SLSA v1).

    In lading's own, what has no digest is listed by name, and nothing but the context means
    ``scratch``.
    """
    for one in evidence.of_type(SLSA_PROVENANCE_V1)[:1]:
        definition = one.predicate.get("buildDefinition")
        definition = definition if isinstance(definition, dict) else {}
        found = definition.get("resolvedDependencies")
        found = found if isinstance(found, list) else []
        listed = [each for each in found if isinstance(each, dict)]
        bases = [base for each in listed if (base := _base(each))]
        if definition.get("buildType") == BUILD_TYPE:
            bases += [str(each.get("name")) for each in listed[1:] if _is_unresolved(each)]
            bases = bases or ["scratch"]
        yield from bases


def _is_unresolved(dependency: Mapping[str, Any]) -> bool:
    annotations = dependency.get("annotations")
    return isinstance(annotations, dict) and "unresolved" in annotations


def _base(dependency: Mapping[str, Any]) -> str | None:
    uri = dependency.get("uri")
    reference = _reference(uri) if isinstance(uri, str) else None
    digest = dependency.get("digest")
    value = digest.get("sha256") if isinstance(digest, dict) else None
    if reference is None or not isinstance(value, str) or "@" in reference:
        return reference
    return f"{reference}@sha256:{value}"


def _reference(uri: str) -> str | None:
    """Return the image that a URI names: ``pkg:oci/…``, ``pkg:docker/…``, ``docker-image://…``."""
    for scheme in ("docker-image://", "docker://", "oci://"):
        if uri.startswith(scheme):
            return uri.removeprefix(scheme)
    kind, _, rest = uri.partition("/")
    if kind not in ("pkg:docker", "pkg:oci"):
        return None
    path, _, query = rest.partition("?")
    name, _, version = (unquote(part) for part in path.partition("@"))
    qualifiers = {key: values[0] for key, values in parse_qs(query).items()}
    if kind == "pkg:oci":
        tag = f":{qualifiers['tag']}" if "tag" in qualifiers else ""
        name = qualifiers.get("repository_url", name) + tag
    if not version:
        return name
    return f"{name}{'@' if version.startswith('sha256:') else ':'}{version}"
