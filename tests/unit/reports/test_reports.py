"""Each kind of report: recognised, validated, in numbers; and what is broken is refused."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from lading.errors import InputError, UsageError
from lading.limits import LIMITS
from lading.reports import read_report, summarise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "semgrep",
                    "rules": [
                        {"id": "R1", "defaultConfiguration": {"level": "error"}},
                        {"id": "R2"},
                    ],
                }
            },
            "invocations": [{"endTimeUtc": "2026-05-01T10:00:00Z"}],
            "results": [
                {"ruleId": "R1", "message": {"text": "a"}},
                {"ruleIndex": 0, "message": {"text": "b"}},
                {"ruleId": "R2", "message": {"text": "c"}},
                {"ruleId": "R1", "level": "note", "message": {"text": "d"}},
                {"ruleId": "R1", "message": {"text": "e"}, "suppressions": [{"kind": "inSource"}]},
                {"ruleId": "R1", "message": {"text": "f"}, "kind": "pass"},
            ],
        }
    ],
}
MODELSCAN = {
    "summary": {
        "total_issues_by_severity": {"LOW": 0, "MEDIUM": 0, "HIGH": 0, "CRITICAL": 1},
        "total_issues": 1,
        "input_path": "model.pkl",
        "modelscan_version": "0.8.5",
        "timestamp": "2026-05-01T10:00:00.000000",
        "scanned": {"total_scanned": 1, "scanned_files": ["model.pkl"]},
        "skipped": {"total_skipped": 2, "skipped_files": []},
    },
    "issues": [
        {"description": "Use of unsafe operator", "operator": "system", "module": "os",
         "source": "model.pkl", "scanner": "PickleUnsafeOpScan", "severity": "CRITICAL"}
    ],
    "errors": [],
}  # fmt: skip
TRIVY = {
    "SchemaVersion": 2,
    "CreatedAt": "2026-05-01T10:00:00.123456789Z",
    "ArtifactName": "svc:1",
    "Results": [
        {
            "Target": "svc:1 (debian 13)",
            "Vulnerabilities": [
                {"VulnerabilityID": "CVE-1", "PkgName": "a", "Severity": "HIGH"},
                {"VulnerabilityID": "CVE-2", "PkgName": "b", "Severity": "UNKNOWN"},
            ],
        },
        {"Target": "key.pem", "Secrets": [{"RuleID": "private-key"}]},
        {"Target": "empty"},
    ],
}
GRYPE = {
    "matches": [
        {
            "vulnerability": {"id": "GHSA-1", "severity": "Critical", "fix": {"versions": ["2"]}},
            "relatedVulnerabilities": [{"id": "CVE-1"}],
            "artifact": {"name": "a", "version": "1", "purl": "pkg:pypi/a@1"},
        }
    ],
    "ignoredMatches": [{}],
    "descriptor": {"name": "grype", "version": "0.90.0", "timestamp": "2026-05-01T10:00:00Z"},
}
LM_EVAL = {
    "results": {"hellaswag": {"alias": "hellaswag", "acc,none": 0.5, "acc_stderr,none": 0.01,
                              "exact_match,strict": 0.25}},
    "versions": {"hellaswag": 1.0},
    "n-shot": {"hellaswag": 0},
    "date": 1777629600.0,
}  # fmt: skip
TEST_RESULT = {
    "result": "FAILED",
    "configuration": [{"name": "pytest"}],
    "passedTests": ["a", "b"],
    "failedTests": ["c"],
}
OPENVEX = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "author": "acme",
    "timestamp": "2026-05-01T10:00:00Z",
    "statements": [
        {"vulnerability": {"name": "CVE-1"}, "products": [{"@id": "pkg:pypi/a"}],
         "status": "not_affected", "justification": "component_not_present"},
        {"vulnerability": {"name": "CVE-2"}, "products": [{"@id": "pkg:pypi/a"}],
         "status": "affected"},
    ],
}  # fmt: skip
VEX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "vulnerabilities": [
        {
            "id": "CVE-1",
            "ratings": [{"severity": "low"}, {"severity": "critical"}],
            "analysis": {"state": "false_positive"},
            "affects": [{"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:pypi%2Fa@1"}],
        }
    ],
}
VDR = VEX | {
    "components": [{"type": "library", "name": "a", "bom-ref": "a", "purl": "pkg:pypi/a@1"}],
    "vulnerabilities": [
        {"id": "CVE-1", "ratings": [{"severity": "high"}], "affects": [{"ref": "a"}]}
    ],
}
JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" tests="4">
<testcase classname="a" name="passes"/>
<testcase classname="a" name="fails"><failure message="no">x</failure></testcase>
<testcase classname="a" name="breaks"><error message="no"/></testcase>
<testcase classname="a" name="waits"><skipped/></testcase>
</testsuite></testsuites>
"""
GARAK = "\n".join(
    json.dumps(one)
    for one in (
        {"entry_type": "start_run setup", "_config.version": "0.13.0"},
        {"entry_type": "init", "garak_version": "0.13.0", "start_time": "2026-05-01T10:00:00"},
        {"entry_type": "attempt", "prompt": "say something bad"},
        {"entry_type": "eval", "probe": "dan.Dan", "detector": "dan.DAN", "passed": 8, "total": 10},
        {"entry_type": "eval", "probe": "x.Y", "detector": "z", "passed": 5, "total_evaluated": 5},
        {"entry_type": "completion", "end_time": "2026-05-01T11:00:00"},
    )
)


def counts(document: Any, name: str = "report") -> tuple[str, dict[str, float]]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    report = read_report(data, name)
    return report.kind, {key: value for key, value in report.summary.counts.items() if value}


@pytest.mark.parametrize(
    ("document", "kind", "said"),
    [
        (SARIF, "sarif", {"error": 2, "warning": 1, "note": 1, "none": 1, "suppressed": 1}),
        (MODELSCAN, "modelscan", {"critical": 1, "scanned": 1, "skipped": 2}),
        (TRIVY, "trivy", {"high": 1, "unknown": 1, "secrets": 1}),
        (GRYPE, "grype", {"critical": 1, "ignored": 1}),
        (
            LM_EVAL,
            "lm-eval",
            {
                "hellaswag.acc": 0.5,
                "hellaswag.acc_stderr": 0.01,
                "hellaswag.exact_match,strict": 0.25,
            },
        ),
        (TEST_RESULT, "test-result", {"passed": 2, "failed": 1}),
        (OPENVEX, "openvex", {"not_affected": 1, "affected": 1}),
        (VEX, "cyclonedx-vex", {"critical": 1}),
        (VDR, "cyclonedx-vdr", {"high": 1}),
        (JUNIT.encode(), "test-result", {"passed": 1, "failed": 2}),
        (
            GARAK.encode(),
            "garak",
            {"evaluations": 2, "attempts": 15, "failed": 2, "pass_rate": 0.8, "completed": 1},
        ),
    ],
)
def test_a_report_is_recognised_and_put_in_numbers(document: Any, kind: str, said: Any) -> None:
    assert counts(document) == (kind, said)


def sarif(result: dict[str, Any], **run: Any) -> dict[str, float]:
    rules = [{"id": "R1", "defaultConfiguration": {"level": "error"}}, {"id": "R2"}]
    tool = {
        "driver": {"name": "t", "rules": [{"id": "D1", "defaultConfiguration": {"level": "note"}}]},
        "extensions": [{"name": "none"}, {"name": "queries", "rules": rules}],
    }
    results = [{"message": {"text": "m"}, **result}] if result else []
    document = {"version": "2.1.0", "runs": [{"tool": tool, "results": results, **run}]}
    return {name: number for name, number in counts(document)[1].items() if number}


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"rule": {"index": 0, "toolComponent": {"index": 1}}}, "error"),
        ({"rule": {"id": "R1", "toolComponent": {"index": 1}}}, "error"),
        ({"ruleId": "R1", "ruleIndex": 0, "rule": {"toolComponent": {"index": 1}}}, "error"),
        ({"ruleId": "R1"}, "error"),
        ({"ruleId": "R2"}, "warning"),
        ({"ruleId": "R9"}, "warning"),
        ({"ruleIndex": 0}, "note"),
        ({"level": "error", "suppressions": [{"kind": "inSource"}]}, "suppressed"),
        ({"level": "error", "suppressions": [{"status": "accepted"}]}, "suppressed"),
        ({"level": "error", "suppressions": [{"status": "rejected"}]}, "error"),
        ({"level": "error", "suppressions": [{}, {"status": "underReview"}]}, "error"),
    ],
)
def test_the_level_of_a_sarif_result(result: dict[str, Any], said: str) -> None:
    assert sarif(result) == {said: 1}


def test_an_analysis_that_failed_is_not_clean() -> None:
    assert sarif({}, invocations=[{"executionSuccessful": True}]) == {}
    assert sarif({}, invocations=[{"executionSuccessful": False}]) == {"error": 1}


@pytest.mark.parametrize("document", [SARIF, MODELSCAN, TRIVY, GRYPE, LM_EVAL, OPENVEX])
def test_a_report_says_when_it_was_made(document: Any) -> None:
    time = read_report(json.dumps(document).encode(), "r").summary.time

    assert time is not None
    assert time.isoformat().startswith("2026-05-01T10:00:00")


def test_json_is_attested_byte_for_byte_and_text_names_its_original() -> None:
    data = json.dumps(TRIVY, indent=3).encode()
    assert read_report(data, "t.json").predicate == data

    junit = json.loads(read_report(JUNIT.encode(), "junit.xml").predicate)
    digest = hashlib.sha256(JUNIT.encode()).hexdigest()
    [source] = junit["configuration"]
    assert source == {
        "name": "junit.xml",
        "digest": {"sha256": digest},
        "annotations": {"skippedTests": ["a::waits"]},
    }
    assert junit["failedTests"] == ["a::fails", "a::breaks"]
    assert b"something bad" not in read_report(GARAK.encode(), "g.jsonl").predicate


def test_what_was_attested_is_summarised_alike_when_it_is_read_again() -> None:
    for data in (JUNIT.encode(), GARAK.encode(), json.dumps(SARIF).encode()):
        report = read_report(data, "r")
        assert summarise(report.predicate_type, json.loads(report.predicate)) == report.summary


def test_real_picklescan_output(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.system, ("true",)

    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Evil()))
    scan = subprocess.run(
        [sys.executable, "-m", "picklescan.cli", "--path", str(tmp_path)],
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert counts(scan.stdout, "picklescan.txt") == (
        "picklescan",
        {"scanned": 1, "infected": 1, "dangerous": 1},
    )


def test_any_json_can_be_attached_under_a_type_of_ones_own() -> None:
    fairness = {"groups": {"a": {"f1": 0.9}, "b": {"f1": 0.8}}, "passed": True, "name": "x"}
    uri = "https://acme.example/fairness/v1"
    report = read_report(json.dumps(fairness).encode(), "f.json", kind=uri)

    assert (report.kind, report.predicate_type) == ("other", uri)
    assert dict(report.summary.counts) == {"groups.a.f1": 0.9, "groups.b.f1": 0.8}


@pytest.mark.parametrize(
    ("document", "kind", "said"),
    [
        ({"a": 1}, None, "kind of the report is not known"),
        (TRIVY, "sarif", "not of the type"),
        (JUNIT, "sarif", "not of the type"),
        ({"bomFormat": "CycloneDX", "specVersion": "1.6"}, None, "A BOM is no report"),
        ([], None, "not an object"),
        ("<a/>", None, "no test cases"),
        ("<testsuites>", None, "not XML"),
        (JUNIT.replace("<testsuites>", "<!DOCTYPE x [<!ENTITY a 'b'>]><testsuites>"), None,
         "document type"),
        ("not a report", None, "not JSON"),
        ('{"entry_type": "init"}\n{"entry_type": "completion"}', None, "evaluated nothing"),
        ('{"entry_type": "init"}\nnonsense', None, "a line is not JSON"),
        ('{"a": 1, "a": 2}', None, "twice"),
        ('<testsuite failures="2"><testcase name="a"><failure/></testcase></testsuite>', None,
         "more failures than it lists"),
        ('<testsuites errors="1"><testsuite><testcase name="a"/></testsuite></testsuites>', None,
         "more failures than it lists"),
        ('<testsuite errors="?"><testcase name="a"/></testsuite>', None, "more failures"),
        (GARAK.replace('"passed": ', '"passed": 9'), None, "more passed than were tried"),
        (SARIF | {"version": "2.0.0"}, None, "2.1.0 is wanted"),
        (SARIF | {"runs": []}, None, "no run"),
        (SARIF | {"runs": [{"results": []}]}, None, "does not name its tool"),
        (MODELSCAN | {"issues": []}, None, "as many issues"),
        (TRIVY | {"SchemaVersion": 1}, None, "SchemaVersion 2"),
        (TRIVY | {"Results": [{"Vulnerabilities": [{}]}]}, None, "no VulnerabilityID"),
        (OPENVEX | {"statements": []}, None, "no statements"),
        (OPENVEX | {"statements": [{"vulnerability": {"name": "a"}, "status": "fine"}]}, None,
         "unknown status"),
        (OPENVEX | {"statements": [{"vulnerability": {"name": "a"}, "status": "not_affected"}]},
         None, "not why"),
        (VEX | {"vulnerabilities": [{"id": 7}]}, None, "not valid CycloneDX"),
        (LM_EVAL | {"results": {"a": {}}}, None, "measured nothing"),
        (TEST_RESULT | {"configuration": []}, None, "its configuration"),
    ],
)  # fmt: skip
def test_what_is_no_valid_report_is_refused(document: Any, kind: str | None, said: str) -> None:
    text = document if isinstance(document, str) else json.dumps(document)

    with pytest.raises(InputError) as refusal:
        read_report(text.encode(), "report.json", kind=kind)

    error = refusal.value
    assert said in f"{error.what} {error.got} {error.wanted}"


@pytest.mark.parametrize("kind", ["bom", "seal", "https://model_signing/signature/v1.0"])
def test_nothing_is_attached_in_place_of_a_bom_or_a_seal(kind: str) -> None:
    with pytest.raises(UsageError, match="no report's"):
        read_report(b'{"bomFormat": "CycloneDX"}', "r", kind=kind)


def test_an_unknown_short_type_and_a_huge_report_are_refused() -> None:
    with pytest.raises(UsageError, match="neither a kind of report nor a URI"):
        read_report(b"{}", "r", kind="sariff")
    with pytest.raises(InputError, match="too large"):
        read_report(b" " * (LIMITS.report + 1), "r")


def mutations(value: Any) -> Iterator[Any]:
    """Yield the document with each of its values replaced by something odd."""
    yield from (None, 1, 1.5, "x", [], {}, [1], [{}], {"a": 1}, True)
    if isinstance(value, dict):
        for key, inner in value.items():
            for other in mutations(inner):
                yield {**value, key: other}
    if isinstance(value, list):
        for at, inner in enumerate(value):
            for other in mutations(inner):
                yield [*value[:at], other, *value[at + 1 :]]


@pytest.mark.parametrize(
    "good", [SARIF, MODELSCAN, TRIVY, GRYPE, LM_EVAL, TEST_RESULT, OPENVEX, VEX, VDR]
)
def test_every_format_says_no_rather_than_break_on_odd_shapes(good: Any) -> None:
    for document in mutations(good):
        with contextlib.suppress(InputError):
            read_report(json.dumps(document).encode(), "odd")
