"""The policy file: what is read, what is refused and where, and that the schema says the same."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import jsonschema_rs
import pytest
import yaml

import parts
from lading.errors import InputError
from lading.policy import read_policy
from lading.policy.known import MODEL_FORMATS
from lading.policy.rules import RULES
from lading.policy.schema import render
from support.policy_samples import KEY, policy

HEAD = "version: 1\nname: test\nrules:\n"
FORMATS = HEAD + "  - rule: model-formats\n    allow: [gguf]\n"


def read(text: str) -> Any:
    return read_policy(text.encode(), "p.yaml")


def test_a_rule_has_the_names_levels_and_mitigations_of_its_kind_unless_it_says_others() -> None:
    first, second = policy(
        """
        - rule: model-formats
          allow: [gguf]
        - rule: model-formats
          id: formats.strict
          level: warning
          when: deploy
          atlas: [AML.M0013]
          deny: [pickle]
        """
    ).rules

    assert (first.id, first.level, first.when) == ("model-formats", "error", "always")
    assert first.atlas == RULES["model-formats"].serves
    assert (second.id, second.level, second.when) == ("formats.strict", "warning", "deploy")
    assert second.atlas == ("AML.M0013",)


def test_the_identity_is_the_digest_of_the_files_bytes() -> None:
    assert read(FORMATS).identity.sha256 == hashlib.sha256(FORMATS.encode()).hexdigest()
    assert read(FORMATS + "# changed\n").identity != read(FORMATS).identity


def test_a_rego_file_is_part_of_the_identity() -> None:
    text = (HEAD + "  - rule: rego\n    rego: a.rego\n").encode()
    one, two = (
        read_policy(text, "p.yaml", read_module=lambda _, source=source: source)
        for source in (b"package lading", b"package lading # 2")
    )
    listed = "".join(f"{hashlib.sha256(part).hexdigest()}\n" for part in (text, b"package lading"))

    assert one.identity != two.identity
    assert one.identity.sha256 == hashlib.sha256(listed.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("", "p.yaml:1", "empty"),
        ("# nothing\n", "p.yaml:1", "empty"),
        ("- a\n", "p.yaml:1", "no mapping"),
        (HEAD + "  []\n", "p.yaml:4 (rules)", "no rules"),
        ("version: 1\nname: x\n", "p.yaml:1 (rules)", "no rules"),
        ("version: 2\nname: x\nrules: [{rule: drift}]\n", "p.yaml:1 (version)", "version"),
        ("version: true\nname: x\nrules: [{rule: drift}]\n", "p.yaml:1", "version"),
        (HEAD + "  - rule: drift\n  - rule: drift\n", "p.yaml:5", "same id"),
        (HEAD + "  - rule: model-formats\n    allow: gguf\n", "p.yaml:5", "no list"),
        (HEAD + "  - rule: model-formats\n    allow: []\n", "p.yaml:5", "no list"),
        (HEAD + "  - rule: model-formats\n    allow: [no]\n", "p.yaml:5", "no text"),
        (HEAD + "  - rule: freshness\n", "p.yaml:4", "max-age is missing"),
        (HEAD + "  - rule: freshness\n    max-age: 30\n", "p.yaml:5", "no duration"),
        (HEAD + "  - rule: rego\n    rego: ../x.rego\n", "p.yaml:5", "another form"),
        (HEAD + "  - rule: rego\n    rego: /etc/x.rego\n", "p.yaml:5", "another form"),
        (HEAD + "  - rule: packages\n    deny: [torch]\n", "p.yaml:5", "no purl"),
        (HEAD + "  - rule: signers\n    allow: [{issuer: a}]\n", "p.yaml:5", "named by one"),
        (HEAD + "  - rule: packages\n", "p.yaml:4", "accept anything"),
        (HEAD + "  - rule: model-formats\n", "p.yaml:4", "accept anything"),
        (HEAD + "  - rule: model-cards\n", "p.yaml:4", "accept anything"),
        (HEAD + "  - {rule: model-sources, unknown: allow}\n", "p.yaml:4", "accept anything"),
        (HEAD + "  - {rule: model-licenses, unknown: allow}\n", "p.yaml:4", "accept anything"),
        (HEAD + "  - {rule: dataset-licenses, unknown: allow}\n", "p.yaml:4", "accept anything"),
        (HEAD + "  - rule: signers\n    allow: [{identity-pattern: '('}]\n", "p.yaml:5", "regular"),
        (HEAD + "  - rule: reports\n    type: sarif\n    max: {error: .inf}\n", "p.yaml:6",
         "no number"),
        ("a: &x 1\nb: *x\n", "p.yaml:2", "alias"),
        ("name: a\nname: b\n", "p.yaml:2", "twice"),
        ("name: !!python/object:os.system a\n", "p.yaml:1", "tag"),
        ("a: b: c\n", "p.yaml:1", "not YAML"),
        ("1: a\n", "p.yaml:1", "no text"),
        ("--- \na: 1\n--- \nb: 1\n", "p.yaml:1", "not YAML"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_where_it_stands(text: str, where: str, said: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(text)

    assert str(refusal.value.where).startswith(where)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("rulez: []\nname: a\nversion: 1\n", "rules"),
        (HEAD + "  - rule: model-format\n", "model-formats"),
        (HEAD + "  - rule: model-formats\n    alow: [a]\n", "allow"),
        (HEAD + "  - rule: model-safety\n    allow: [save]\n", "safe"),
        (HEAD + "  - rule: drift\n    level: warn\n", "warning"),
        (HEAD + "  - rule: drift\n    atlas: [AML.M014]\n", "AML.M0014"),
        (HEAD + "  - {rule: model-formats, deny: [Pickle]}\n", "pickle"),
        (HEAD + "  - {rule: model-formats, allow: [safetensor]}\n", "safetensors"),
        (HEAD + "  - {rule: package-licenses, types: [pip], deny: [MIT]}\n", "pypi"),
        (HEAD + "  - {rule: packages, deny: ['pkg:pip/torch']}\n", "pypi"),
        (HEAD + "  - {rule: attestations, require: [provenence]}\n", "provenance"),
        (HEAD + "  - {rule: freshness, max-age: 1d, types: [opnvex]}\n", "openvex"),
        (HEAD + "  - {rule: reports, type: modelscann}\n", "modelscan"),
        (HEAD + "  - {rule: signers, types: [sarfi], allow: [{key: '" + KEY + "'}]}\n", "sarif"),
    ],
)
def test_a_misspelt_word_is_refused_with_the_one_that_was_meant(text: str, meant: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(text)

    assert refusal.value.hint == f"Did you mean {meant!r}?"


def test_hostile_yaml_is_refused_before_it_is_built() -> None:
    for text in ("[" * 100_000, "a: " + "x" * 2_000_000, "{" * 40 + "a: 1" + "}" * 40, "\x00"):
        with pytest.raises(InputError):
            read(text)
    with pytest.raises(InputError, match="UTF-8"):
        read_policy(b"\xff", "p.yaml")


def test_the_shipped_schema_is_the_one_of_the_rules() -> None:
    shipped = (
        parts.ROOT / "templates" / "lading_templates" / "files" / "policy" / "policy.schema.json"
    )

    assert json.loads(shipped.read_text()) == render(), "write it with `lading policy schema`"


@pytest.mark.parametrize(
    ("rules", "valid"),
    [
        ("[{rule: drift}]", True),
        ("[{rule: model-formats, allow: [gguf]}]", True),
        ("[{rule: packages, deny: ['pkg:pypi/a', {purl: 'pkg:pypi/b', versions: '<2'}]}]", True),
        ("[{rule: reports, type: sarif, max: {error: 0}}]", True),
        ("[{rule: vulnerabilities, deny: high, accept: [{id: a, reason: b}]}]", True),
        ("[{rule: signers, allow: [{key: 'sha256:" + "a" * 64 + "'}]}]", True),
        ("[]", False),
        ("[{rule: model-formats, alow: [gguf]}]", False),
        ("[{rule: unheard-of}]", False),
        ("[{rule: freshness}]", False),
        ("[{rule: freshness, max-age: 30}]", False),
        ("[{rule: vulnerabilities, deny: bad}]", False),
        ("[{rule: reports, type: sarif, max: {error: none}}]", False),
        ("[{rule: signers, allow: [{issuer: a}]}]", False),
        ("[{rule: drift, level: note}]", False),
        ("[{rule: reports, type: sarfi}]", False),
        ("[{rule: reports, type: 'https://acme.example/report/v1'}]", True),
        ("[{rule: attestations, require: [bomb]}]", False),
    ],
)
def test_the_schema_and_the_reader_agree(rules: str, valid: bool) -> None:
    text = f"version: 1\nname: test\nrules: {rules}\n"
    accepted = jsonschema_rs.validator_for(render()).is_valid(yaml.safe_load(text))
    try:
        read(text)
    except InputError:
        read_it = False
    else:
        read_it = True

    assert (accepted, read_it) == (valid, valid)


def test_an_editor_may_be_told_the_schema_by_a_key() -> None:
    text = "$schema: policy.schema.json\n" + FORMATS

    assert jsonschema_rs.validator_for(render()).is_valid(yaml.safe_load(text))
    assert read(text).identity != read(FORMATS).identity


def test_every_format_that_a_rule_may_name_is_one_that_is_documented() -> None:
    page = (parts.ROOT / "docs" / "formats" / "models.md").read_text("utf-8")
    table = page.partition("| `format` |")[2].partition("| data |")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:] if line.startswith("|")]

    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row)} == MODEL_FORMATS


def test_every_kind_of_rule_has_a_serving_mitigation_or_leaves_it_to_the_policy() -> None:
    from lading.policy.atlas import MITIGATIONS, NOT_COVERED, TECHNIQUES

    assert {one for kind in RULES.values() for one in kind.serves} <= set(MITIGATIONS)
    assert [name for name, kind in RULES.items() if not kind.serves] == ["rego"]
    named = {each for one in MITIGATIONS.values() for each in one.techniques} | set(NOT_COVERED)
    assert named <= set(TECHNIQUES)
