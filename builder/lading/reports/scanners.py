"""What vulnerability scanners write: trivy and grype in their own JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lading.attest.predicates import GRYPE as GRYPE_TYPE
from lading.attest.predicates import TRIVY as TRIVY_TYPE
from lading.reports.interface import (
    SEVERITIES,
    Format,
    Summary,
    Vulnerability,
    count,
    invalid,
    moment,
    objects,
    severity,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["GRYPE", "TRIVY"]

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


def _trivy(document: Mapping[str, Any]) -> Summary:
    """Read ``trivy image --format json``, schema version 2."""
    if document.get("SchemaVersion") != 2:
        raise invalid("trivy", "SchemaVersion 2 is wanted", got=document.get("SchemaVersion"))
    results = objects(document, "Results", "trivy")
    found = tuple(
        _trivy_vulnerability(one)
        for result in results
        for one in objects(result, "Vulnerabilities", "trivy")
    )
    counts = count([one.severity for one in found], SEVERITIES)
    for name, key in (("secrets", "Secrets"), ("misconfigurations", "Misconfigurations")):
        counts[name] = sum(len(objects(result, key, "trivy")) for result in results)
    time = moment(document.get("CreatedAt"))
    scanned = document.get("Metadata")
    scanned = scanned if isinstance(scanned, dict) else {}
    about = _digests(scanned.get("ImageID"), scanned.get("RepoDigests"))
    return Summary("trivy", "trivy", counts, vulnerabilities=found, time=time, about=about)


def _digests(*values: object) -> frozenset[str]:
    """Return the digests among texts and lists of texts: ``sha256:…`` or ``name@sha256:…``."""
    texts = [text for one in values for text in (one if isinstance(one, list) else [one])]
    found = (_DIGEST.search(text) for text in texts if isinstance(text, str))
    return frozenset(match[0] for match in found if match)


def _trivy_vulnerability(one: Mapping[str, Any]) -> Vulnerability:
    identifier = one.get("PkgIdentifier")
    purl = identifier.get("PURL") if isinstance(identifier, dict) else None
    return Vulnerability(
        ids=(_name(one, "VulnerabilityID", "trivy"), *_texts(one.get("VendorIDs"))),
        severity=severity(one.get("Severity")),
        package=f"{one.get('PkgName')} {one.get('InstalledVersion') or ''}".strip(),
        purl=purl if isinstance(purl, str) else None,
        fixed_in=str(one["FixedVersion"]) if one.get("FixedVersion") else None,
    )


def _grype(document: Mapping[str, Any]) -> Summary:
    """Read ``grype -o json``; what grype itself ignored stands in ``ignoredMatches``."""
    descriptor = document["descriptor"]
    if not isinstance(descriptor, dict) or not isinstance(document.get("matches"), list):
        raise invalid("grype", "descriptor or matches is missing")
    found = tuple(_grype_matches(document))
    counts = count([one.severity for one in found], SEVERITIES)
    counts["ignored"] = len(objects(document, "ignoredMatches", "grype"))
    time = moment(descriptor.get("timestamp"))
    source = document.get("source")
    scanned = source.get("target") if isinstance(source, dict) else None
    scanned = scanned if isinstance(scanned, dict) else {}
    names = ("imageID", "manifestDigest", "repoDigests")
    about = _digests(*(scanned.get(name) for name in names))
    return Summary("grype", "grype", counts, vulnerabilities=found, time=time, about=about)


def _grype_matches(document: Mapping[str, Any]) -> Iterator[Vulnerability]:
    for match in objects(document, "matches", "grype"):
        vulnerability, artifact = match.get("vulnerability"), match.get("artifact")
        if not isinstance(vulnerability, dict) or not isinstance(artifact, dict):
            raise invalid("grype", "a match has no vulnerability or artifact")
        related = [
            _name(one, "id", "grype") for one in objects(match, "relatedVulnerabilities", "grype")
        ]
        fix = vulnerability.get("fix")
        versions = _texts(fix.get("versions")) if isinstance(fix, dict) else ()
        purl = artifact.get("purl")
        yield Vulnerability(
            ids=(_name(vulnerability, "id", "grype"), *related),
            severity=severity(vulnerability.get("severity")),
            package=f"{artifact.get('name')} {artifact.get('version') or ''}".strip(),
            purl=purl if isinstance(purl, str) and purl else None,
            fixed_in=", ".join(versions) or None,
        )


def _name(one: Mapping[str, Any], key: str, kind: str) -> str:
    value = one.get(key)
    if not isinstance(value, str) or not value:
        raise invalid(kind, f"a vulnerability has no {key}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


TRIVY = Format(
    "trivy",
    TRIVY_TYPE,
    lambda document: "SchemaVersion" in document and "ArtifactName" in document,
    _trivy,
)
GRYPE = Format(
    "grype",
    GRYPE_TYPE,
    lambda document: (
        "matches" in document
        and isinstance(document.get("descriptor"), dict)
        and document["descriptor"].get("name") == "grype"
    ),
    _grype,
)
