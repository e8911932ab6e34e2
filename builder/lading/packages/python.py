"""Python distributions of an image, from captured files: the product's own reader."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lading.inventory import Finding, Package
from lading.limits import LIMITS
from lading.packages.distributions import find_distributions
from lading.packages.environments import environments
from lading.packages.licenses import spdx_licenses
from lading.packages.metadata import first
from lading.packages.origin import origin
from lading.packages.purl import pypi_purl
from lading.packages.python_checks import (
    check_duplicates,
    check_metadata,
    check_record,
    is_nameable,
)
from lading.packages.record import parse_record, resolve
from lading.packages.requirements import Node, egg_requirements, marker_environment, resolve_edges
from lading.packages.verify import Changes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from lading.inventory import PackageFile
    from lading.packages.distributions import Distribution

__all__ = ["PythonResult", "python_distributions"]

# Labels of Project-URL (letters and digits only), best first.
_HOMEPAGE_LABELS = ("homepage", "home", "repository", "source", "sourcecode", "github", "code")


@dataclass(frozen=True, slots=True)
class PythonResult:
    """What the Python reader found.

    ``packages`` are sorted by purl and path. ``owners`` says for each file that was asked about and
    that a RECORD lists (path relative to the image) the purl of its distribution.
    """

    packages: tuple[Package, ...] = ()
    findings: tuple[Finding, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)


def python_distributions(
    files: Sequence[PackageFile],
    *,
    owned: Iterable[str] = (),
    changes: Changes | None = None,
    machine: str | None = None,
    system: str = "linux",
) -> PythonResult:
    """Read every distribution among ``files``, in any prefix.

    Arguments:
        files: what :func:`lading.packages.collect` captured, as one consistent view of the image.
        owned: paths whose distribution is wanted; RECORDs list tens of thousands.
        changes: what may have changed since it was installed.
        machine: the image's OCI architecture, for environment markers.
        system: the image's OCI operating system, for environment markers.

    Never fails on bad content: what cannot be read becomes a finding.
    """
    findings: list[Finding] = []
    every = find_distributions(files)
    for dist in every:
        findings.extend(check_metadata(dist))
    found = [dist for dist in every if is_nameable(dist)]
    purls = [pypi_purl(dist.key, dist.version) for dist in found]
    wanted = {*owned, *(_anchor(dist).path for dist in found)}
    owners = _owners(found, purls, findings, wanted, changes or Changes(lambda _: None))
    findings.extend(changes.limits() if changes else ())
    requires = _edges(found, files, machine, system)
    findings.extend(check_duplicates(found))
    packages = [
        _package(dist, purl, tuple(sorted({purls[key] for key in edges} - {purl})), owners)
        for dist, purl, edges in zip(found, purls, requires, strict=True)
    ]
    packages.sort(key=lambda package: (package.purl, package.path or ""))
    return PythonResult(tuple(packages), tuple(findings), owners)


def _anchor(dist: Distribution) -> PackageFile:
    """Return the file that stands for a distribution."""
    return dist.metadata or next(iter(dist.files.values()))


def _owners(
    found: Sequence[Distribution],
    purls: Sequence[str],
    findings: list[Finding],
    wanted: Collection[str],
    changes: Changes,
) -> dict[str, str]:
    owners: dict[str, str] = {}
    left = LIMITS.record_rows
    for dist, purl in zip(found, purls, strict=True):
        listing = dist.files.get("RECORD")
        if listing is not None:
            record = parse_record(listing.content, dist.site, left)
            for row in record.rows:
                if row.path in wanted:
                    owners.setdefault(row.path, purl)
            left -= len(record.rows)
            findings.extend(check_record(record, listing))
            if changes:
                findings.extend(changes.of(listing, record.rows))
        elif "installed-files.txt" in dist.files:
            for line in _lines(dist.files["installed-files.txt"]):
                path = resolve(dist.info, line)
                if path is not None and left > 0:
                    if path in wanted:
                        owners.setdefault(path, purl)
                    left -= 1
    return owners


def _lines(file: PackageFile) -> list[str]:
    text = file.content.decode("utf-8", "surrogateescape")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _edges(
    found: Sequence[Distribution],
    files: Sequence[PackageFile],
    machine: str | None,
    system: str,
) -> list[tuple[int, ...]]:
    sites = {dist.site for dist in found}
    known = environments(sites, files)
    markers = {
        site: marker_environment(
            known.versions.get(site), machine, system=system, pypy=site in known.pypy
        )
        for site in sites
    }
    nodes = [
        Node(number, dist.key, dist.site, _requirements(dist)) for number, dist in enumerate(found)
    ]
    edges = resolve_edges(nodes, known.search, markers)
    return [edges[number] for number in range(len(nodes))]


def _requirements(dist: Distribution) -> Sequence[str]:
    declared = dist.headers.get("requires-dist")
    if declared or "requires.txt" not in dist.files:
        return declared or ()
    return egg_requirements(_lines(dist.files["requires.txt"]))


def _package(
    dist: Distribution, purl: str, requires: tuple[str, ...], owners: Mapping[str, str]
) -> Package:
    anchor = _anchor(dist)
    known = origin(dist.files)
    properties = dict(known.properties)
    if "RECORD" in dist.files and dist.files["RECORD"].size is None:
        digest = hashlib.sha256(dist.files["RECORD"].content).hexdigest()
        properties["lading:python:record-sha256"] = digest
    holder = owners.get(anchor.path)
    if holder is not None and holder != purl:
        properties["lading:python:vendored-by"] = holder
    return Package(
        purl=purl,
        name=dist.name,
        version=dist.version,
        type="pypi",
        layer=anchor.layer,
        path=anchor.path,
        licenses=spdx_licenses(dist.headers),
        hashes=known.hashes,
        requires=requires,
        summary=_short(first(dist.headers, "summary"), 512),
        homepage=_homepage(dist),
        supplier=_supplier(dist),
        requested=known.requested,
        properties=dict(sorted(properties.items())),
    )


def _homepage(dist: Distribution) -> str | None:
    labelled: dict[str, str] = {}
    for entry in dist.headers.get("project-url", ()):
        label, comma, target = entry.partition(",")
        if comma:
            labelled.setdefault("".join(filter(str.isalnum, label.lower())), target.strip())
    labels = (labelled.get(label) for label in _HOMEPAGE_LABELS)
    for url in (first(dist.headers, "home-page"), *labels):
        if url and url.startswith(("https://", "http://")) and len(url) < 2048 and " " not in url:
            return url
    return None


def _supplier(dist: Distribution) -> str | None:
    for key in ("author", "maintainer", "author-email", "maintainer-email"):
        value = first(dist.headers, key)
        if value is not None:
            return _short(value, 256)
    return None


def _short(text: str | None, length: int) -> str | None:
    if text is None:
        return None
    joined = " ".join(text.split())
    return joined if len(joined) <= length else joined[: length - 1] + "…"
