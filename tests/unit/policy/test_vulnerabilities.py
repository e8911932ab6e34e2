"""Scans and VEX: which vulnerabilities are refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lading.attest.predicates import CYCLONEDX_VEX, GRYPE, OPENVEX, TRIVY
from support.policy_samples import attested, evidence, refused

PURL = "pkg:deb/debian/libfoo@1.0?arch=amd64&distro=debian-13"
RULE = "- {rule: vulnerabilities, deny: high}"


def trivy(severity: str = "HIGH", *, fixed: str | None = "1.1", **more: Any) -> dict[str, Any]:
    found = {
        "VulnerabilityID": "CVE-2026-1",
        "PkgName": "libfoo",
        "InstalledVersion": "1.0",
        "Severity": severity,
        "PkgIdentifier": {"PURL": PURL},
    }
    if fixed:
        found["FixedVersion"] = fixed
    results = [{"Target": "x", "Vulnerabilities": [found]}]
    return {"SchemaVersion": 2, "ArtifactName": "x", "Results": results, **more}


def openvex(status: str, product: str, *, part: str | None = None, **more: Any) -> Any:
    entry: dict[str, Any] = {"@id": product}
    if part:
        entry["subcomponents"] = [{"@id": part}]
    statement = {
        "vulnerability": {"name": "GHSA-x", "aliases": ["CVE-2026-1"]},
        "products": [entry],
        "status": status,
        "justification": "component_not_present",
    }
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "author": "acme",
        "timestamp": "2026-01-01T00:00:00Z",
        "statements": [statement],
    }
    return attested(OPENVEX, document | more)


def judged(*reports: Any, rule: str = RULE) -> list[str]:
    return refused(rule, evidence(attestations=reports))


def test_no_scan_is_a_no() -> None:
    assert judged() == ["there is no scan for vulnerabilities"]
    vex_only = openvex("not_affected", "pkg:deb/debian/libfoo")
    assert judged(vex_only) == ["there is no scan for vulnerabilities"]


@pytest.mark.parametrize(
    ("severity", "refusals"),
    [("CRITICAL", 1), ("HIGH", 1), ("MEDIUM", 0), ("UNKNOWN", 1), ("", 1), ("weird", 1)],
)
def test_severities(severity: str, refusals: int) -> None:
    assert len(judged(attested(TRIVY, trivy(severity)))) == refusals


def test_options_leave_out_what_is_unfixed_accepted_or_unrated() -> None:
    unfixed = attested(TRIVY, trivy(fixed=None))
    assert judged(unfixed, rule="- {rule: vulnerabilities, deny: high, ignore-unfixed: true}") == []
    accept = "- {{rule: vulnerabilities, deny: high, accept: [{{id: CVE-2026-1, reason: x{}}}]}}"
    assert judged(unfixed, rule=accept.format("")) == []
    assert judged(unfixed, rule=accept.format(", until: '2026-06-01'")) == []
    assert len(judged(unfixed, rule=accept.format(", until: '2026-05-31'"))) == 1
    unrated = attested(TRIVY, trivy("UNKNOWN"))
    assert judged(unrated, rule="- {rule: vulnerabilities, deny: high, unknown: allow}") == []


@pytest.mark.parametrize(
    ("vex", "refusals"),
    [
        (openvex("not_affected", "pkg:deb/debian/libfoo"), 0),
        (openvex("fixed", "pkg:deb/debian/libfoo@1.0"), 0),
        (openvex("affected", "pkg:deb/debian/libfoo"), 1),
        (openvex("under_investigation", "pkg:deb/debian/libfoo"), 1),
        (openvex("not_affected", "pkg:deb/debian/libfoo@2.0"), 1),
        (openvex("not_affected", "pkg:deb/debian/libbar"), 1),
        (openvex("not_affected", "pkg:deb/debian/libfoo?distro=debian-13"), 0),
        (openvex("not_affected", "pkg:deb/debian/libfoo?distro=debian-11"), 1),
        (openvex("not_affected", "pkg:deb/debian/libfoo@1.0?arch=arm64"), 1),
        (openvex("not_affected", "pkg:oci/svc@sha256%3A" + "1" * 64), 0),
        (openvex("not_affected", "pkg:oci/svc@sha256%3A" + "2" * 64), 1),
        (openvex("not_affected", "pkg:oci/svc@sha256:" + "1" * 64, part="pkg:deb/debian/x"), 1),
        (openvex("not_affected", "pkg:oci/svc@sha256:" + "1" * 64, part=PURL), 0),
    ],
)
def test_a_vex_statement_counts_for_what_it_names(vex: Any, refusals: int) -> None:
    assert len(judged(attested(TRIVY, trivy()), vex)) == refusals
    without = "- {rule: vulnerabilities, deny: high, vex: false}"
    assert len(judged(attested(TRIVY, trivy()), vex, rule=without)) == 1


def test_the_newest_statement_counts_and_the_worse_of_equally_new_ones() -> None:
    scan, product = attested(TRIVY, trivy()), "pkg:deb/debian/libfoo"
    cleared, affected = openvex("not_affected", product), openvex("affected", product)
    later = openvex("affected", product, timestamp="2026-02-01T00:00:00Z")

    assert len(judged(scan, cleared, later)) == 1
    assert len(judged(scan, cleared, affected)) == 1


def test_times_are_compared_as_times_and_not_as_texts() -> None:
    scan, product = attested(TRIVY, trivy()), "pkg:deb/debian/libfoo"
    affected = openvex("affected", product, timestamp="2026-02-01T10:00:00Z")

    for time, refusals in (
        ("2026-02-01T11:00:00+05:00", 1),  # four hours before it
        ("2026-02-01T09:00:00-05:00", 0),  # four hours after it
        ("tomorrow", 1),  # no time at all
        ("9999-01-01T00:00:00Z", 1),  # not yet
    ):
        cleared = openvex("not_affected", product, timestamp=time)
        assert len(judged(scan, affected, cleared)) == refusals, time


def test_what_a_cyclonedx_assessment_says_is_as_old_as_its_document() -> None:
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"timestamp": "2026-03-01T00:00:00Z"},
        "vulnerabilities": [
            {"id": "CVE-2026-1", "affects": [{"ref": PURL}], "analysis": {"state": "exploitable"}}
        ],
    }
    cleared = openvex("not_affected", "pkg:deb/debian/libfoo")

    assert len(judged(attested(TRIVY, trivy()), cleared)) == 0
    assert len(judged(attested(TRIVY, trivy()), cleared, attested(CYCLONEDX_VEX, document))) == 1


def test_a_scan_of_the_future_is_not_young() -> None:
    rule = "- {rule: vulnerabilities, deny: high, max-age: 7d}"
    report = "- {rule: reports, type: trivy, max-age: 7d}"
    future = attested(TRIVY, trivy("LOW"), age=timedelta(days=-400))

    for one in (rule, report):
        assert judged(attested(TRIVY, trivy("LOW"), age=timedelta(minutes=-1)), rule=one) == []
        assert len(judged(future, rule=one)) == 1


def test_cyclonedx_discloses_and_assesses() -> None:
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            {"type": "library", "name": "libfoo", "version": "1.0", "bom-ref": "x", "purl": PURL}
        ],
        "vulnerabilities": [
            {"id": "CVE-2026-1", "ratings": [{"severity": "critical"}], "affects": [{"ref": "x"}]}
        ],
    }
    assert judged(attested(CYCLONEDX_VEX, document)) == [f"CVE-2026-1 (critical) in {PURL}"]
    unfixed = "- {rule: vulnerabilities, deny: high, ignore-unfixed: true}"
    assert len(judged(attested(CYCLONEDX_VEX, document), rule=unfixed)) == 1  # nobody says so

    assessed = {**document, "vulnerabilities": [
        {**document["vulnerabilities"][0], "analysis": {"state": "not_affected"}}  # type: ignore[index,dict-item]
    ]}  # fmt: skip
    assert judged(attested(CYCLONEDX_VEX, assessed)) == []


def test_two_scanners_are_both_heard_and_a_newer_scan_replaces_the_older() -> None:
    match = {
        "vulnerability": {"id": "GHSA-x", "severity": "High", "fix": {"versions": []}},
        "relatedVulnerabilities": [{"id": "CVE-2026-2"}],
        "artifact": {"name": "libbar", "version": "2", "purl": "pkg:deb/debian/libbar@2"},
    }
    grype = {"matches": [match], "descriptor": {"name": "grype", "version": "0.90"}}
    old = attested(TRIVY, trivy(), age=timedelta(days=3))
    new = attested(TRIVY, trivy("LOW"), age=timedelta(days=1))

    assert judged(old, new, attested(GRYPE, grype)) == ["GHSA-x (high) in libbar 2"]


def test_an_old_scan_does_not_count_by_its_own_date_either() -> None:
    rule = "- {rule: vulnerabilities, deny: high, max-age: 7d}"
    signed_lately = attested(TRIVY, trivy("LOW", CreatedAt="2026-01-01T00:00:00.123456789Z"))

    assert judged(attested(TRIVY, trivy("LOW")), rule=rule) == []
    assert judged(signed_lately, rule=rule) == [
        "there is no scan for vulnerabilities of the last 7d"
    ]


def test_a_signed_report_that_is_broken_is_a_no() -> None:
    assert judged(attested(TRIVY, {"SchemaVersion": 2, "ArtifactName": "x", "Results": 7})) == [
        "the trivy report is not valid: Results is no list of objects (int)"
    ]
