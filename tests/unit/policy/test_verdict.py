"""Verdicts: what passes, what is deferred, and the forms that others read."""

from __future__ import annotations

import dataclasses
import json
from xml.etree import ElementTree

import pytest

from lading.errors import InputError
from lading.policy import Evidence, judge
from lading.policy.explain import explain, explain_text
from lading.policy.outputs import FORMATS
from lading.reports import read_report
from support.policy_samples import NOW, evidence, model, policy

RULES = """
- rule: model-formats
  allow: [gguf]
- rule: model-safety
  level: warning
- rule: freshness
  max-age: 1d
"""


def test_a_violated_warning_passes_and_a_violated_error_does_not() -> None:
    bad = evidence(model("a", verdict="suspicious"))
    strict = judge(policy(RULES), bad)
    lenient = judge(policy("- {rule: model-safety, level: warning}"), bad)

    assert (strict.passed, lenient.passed) == (False, True)
    assert [one.rule for one in strict.violations] == ["model-formats", "model-safety"]
    assert lenient.to_json()["verdict"] == "PASSED"
    assert [one["level"] for one in lenient.to_json()["violations"]] == ["warning"]


def test_before_a_push_rules_about_attestations_wait() -> None:
    given = Evidence("svc", "sha256:0", NOW, bom=evidence(model("a")).bom, before_push=True)
    verdict = judge(policy("- rule: model-safety\n- {rule: reports, type: sarif}"), given)

    assert verdict.passed
    assert not verdict.complete
    assert [one.deferred for one in verdict.results] == [False, True]
    later = judge(
        policy("- {rule: reports, type: sarif}"), dataclasses.replace(given, before_push=False)
    )
    assert not later.passed
    assert later.complete


def test_a_rule_can_be_deferred_or_forced_by_the_policy() -> None:
    given = dataclasses.replace(evidence(model("a", format="pickle")), before_push=True)

    deferred = judge(policy("- {rule: model-formats, allow: [gguf], when: deploy}"), given)
    forced = judge(policy("- {rule: reports, type: sarif, when: always}"), given)
    assert (deferred.passed, forced.passed) == (True, False)


def test_violations_are_listed_up_to_a_bound_and_counted_beyond() -> None:
    given = evidence(*(model(f"m{at}", format="pickle") for at in range(1005)))
    [result] = judge(policy("- {rule: model-formats, allow: [gguf]}"), given).results

    assert (len(result.violations), result.more) == (1000, 5)
    assert result.to_json()["violations"] == 1005


@pytest.fixture
def failed():  # type: ignore[no-untyped-def]
    name = "evil\x1b[2J<b>|`"
    given = evidence(model(name, verdict="suspicious"), before_push=True)
    return judge(policy(RULES), given)


def test_sarif_has_a_rule_for_each_and_a_result_for_each_violation(failed) -> None:  # type: ignore[no-untyped-def]
    text = FORMATS["sarif"](failed)
    [run] = json.loads(text)["runs"]

    assert [one["id"] for one in run["tool"]["driver"]["rules"]] == [
        "model-formats",
        "model-safety",
        "freshness",
    ]
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("model-formats", "error"),
        ("model-safety", "warning"),
    ]
    assert read_report(text.encode(), "v.sarif").summary.counts["error"] == 1


def test_junit_fails_errors_only_and_skips_what_is_deferred(failed) -> None:  # type: ignore[no-untyped-def]
    text = FORMATS["junit"](failed)
    suite = ElementTree.fromstring(text)[0]
    state = {case.get("name"): [child.tag for child in case] for case in suite}

    assert state == {
        "model-formats": ["failure"],
        "model-safety": ["system-out"],
        "freshness": ["skipped"],
    }
    assert read_report(text.encode(), "v.xml").summary.counts["failed"] == 1


def test_text_forms_cannot_be_steered_by_names(failed) -> None:  # type: ignore[no-untyped-def]
    for name in ("table", "markdown", "junit"):
        text = FORMATS[name](failed)
        assert "\x1b" not in text, name
    assert "<b>" not in FORMATS["markdown"](failed).replace("\\<b\\>", "")


def test_explain_names_the_rules_and_what_is_left_open() -> None:
    found = explain(policy("- rule: attested-models\n- {rule: drift, atlas: [AML.M0007]}"))
    rules = {one["id"]: one["rules"] for one in found["mitigations"]}

    assert rules["AML.M0013"] == ["attested-models"]
    assert rules["AML.M0007"] == ["drift"]
    assert rules["AML.M0016"] == []
    assert "none: this policy leaves it open" in explain_text(policy("- rule: drift"))
    assert all(one["rules"] for one in explain(None)["mitigations"])
    assert {one["id"] for one in found["not_covered"]} >= {"AML.T0015", "AML.T0043"}


def test_a_defect_is_never_turned_into_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    from lading.policy.rules import RULES as KINDS

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(KINDS["model-safety"], "check", broken)
    with pytest.raises(ZeroDivisionError):
        judge(policy("- rule: model-safety"), evidence())


def test_a_rego_rule_says_no_to_whatever_is_not_a_clear_yes() -> None:
    def judged(value: object, decide: str = "deny") -> list[str]:
        def engine(module: str, query: str, document: dict[str, object]) -> object:
            assert (module, query) == ("package lading", f"data.lading.{decide}")
            assert document["models"]
            if isinstance(value, Exception):
                raise value
            return value

        rule = policy(
            f"- {{rule: rego, rego: a.rego, decide: {decide}}}",
            read_module=lambda _: b"package lading",
            engine=engine,
        )
        return [one.message for one in judge(rule, evidence(model("a"))).violations]

    assert judged([]) == []
    assert judged(["no", {"msg": "never"}]) == ["no", "never"]
    assert judged(True, "allow") == []
    for value in (True, None, {}, "", 0, InputError("undefined")):
        assert len(judged(value)) == 1, value
    for value in (False, None, [], "true", 1, InputError("undefined")):
        assert len(judged(value, "allow")) == 1, value
