"""Evidence as policies see it, and a policy from a few lines."""

from __future__ import annotations

import hashlib
import json
import textwrap
from datetime import UTC, datetime, timedelta
from typing import Any

from lading.attest.predicates import CYCLONEDX
from lading.policy import Attested, Evidence, Policy, Verdict, judge, read_policy

__all__ = ["KEY", "NOW", "attested", "bom", "evidence", "model", "package", "policy", "refused"]

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DIGEST = "sha256:" + "1" * 64
KEY = "sha256:" + "a" * 64


def properties(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def licenses(names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"expression": one} if " " in one else {"license": {"name": one}} for one in names]


def model(name: str, *licences: str, **facts: Any) -> dict[str, Any]:
    """A model; ``format``, ``verdict``, ``weights``, ``version``, ``purl``, ``bases``, ``card``,
    ``findings`` and ``attested`` are the component's, every other keyword is a fact."""
    weights = facts.pop("weights", "0" * 64)
    values = {
        "lading:model:format": facts.pop("format", "safetensors"),
        "lading:safety:verdict": facts.pop("verdict", "safe"),
    }
    if facts.pop("attested", False):
        values["lading:fact:attested"] = f"hf:{name}"
        values["lading:fact:attested:origin"] = "matched: sha256:…, signed by somebody"
    found = [
        {"name": "lading:finding", "value": json.dumps(one)} for one in facts.pop("findings", ())
    ]
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{name}",
        "name": name,
        "licenses": licenses(licences),
        "modelCard": facts.pop("card", {}),
        "pedigree": {"ancestors": [
            {"type": "machine-learning-model", "name": one} for one in facts.pop("bases", ())
        ]},
        "hashes": [{"alg": "SHA-256", "content": weights}],
    }  # fmt: skip
    for key in ("version", "purl"):
        if key in facts:
            component[key] = facts.pop(key)
    values |= {
        f"lading:fact:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in facts.items()
    }
    component["properties"] = [*properties(values), *found]
    return component


def package(purl: str, *licences: str) -> dict[str, Any]:
    name, _, version = purl.partition("?")[0].rpartition("/")[2].partition("@")
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "licenses": licenses(licences),
    }


def bom(*components: dict[str, Any], **about: str) -> dict[str, Any]:
    """A BOM; keywords are properties of the image."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {
            "component": {"type": "container", "name": "svc", "properties": properties(about)}
        },
        "components": list(components),
    }


def attested(
    predicate_type: str = CYCLONEDX,
    predicate: dict[str, Any] | None = None,
    *,
    age: timedelta | None = timedelta(hours=1),
    **signer: Any,
) -> Attested:
    known = {"signer_kind": "key", "signer": KEY, "issuer": None, "trusted_time": False} | signer
    text = json.dumps([predicate_type, predicate, str(age), str(known)])
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    time = None if age is None else NOW - age
    return Attested(predicate_type, predicate or {"a": 1}, digest, time=time, **known)


def evidence(*components: dict[str, Any], **given: Any) -> Evidence:
    """Evidence with one BOM of these components, signed an hour ago."""
    document = given.pop("bom", None) or bom(*components)
    first = attested(predicate=document)
    return Evidence(
        subject="registry.example/acme/svc:1",
        digest=DIGEST,
        now=NOW,
        bom=document,
        attestations=(first, *given.pop("attestations", ())),
        **given,
    )


def policy(rules: str, **options: Any) -> Policy:
    text = "version: 1\nname: test\nrules:\n" + textwrap.indent(textwrap.dedent(rules), "  ")
    return read_policy(text.encode(), "policy.yaml", **options)


def refused(rules: str, given: Evidence, **options: Any) -> list[str]:
    """Return what the policy does not accept, as messages."""
    verdict: Verdict = judge(policy(rules, **options), given)
    assert verdict.passed == (not verdict.violations)
    return [one.message for one in verdict.violations]
