"""The ``input`` of Rego rules: the evidence as JSON data, and its models and packages flattened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lading.policy.components import Component
    from lading.policy.evidence import Evidence

__all__ = ["rego_input"]

_FACT = "lading:fact:"


def rego_input(evidence: Evidence) -> dict[str, Any]:
    """Return the document; ``docs/policy.md`` lists its keys. Raises Missing without a BOM."""
    return {
        "subject": {"name": evidence.subject, "digest": evidence.digest},
        "now": evidence.now.isoformat(),
        "bom": evidence.document,
        "previous": evidence.previous,
        "models": [_model(one) for one in evidence.models],
        "datasets": [_model(one) for one in evidence.datasets],
        "packages": [_package(one) for one in evidence.packages],
        "attestations": [
            {
                "predicate_type": one.predicate_type,
                "predicate": one.predicate,
                "digest": one.digest,
                "signer": {"kind": one.signer_kind, "name": one.signer, "issuer": one.issuer},
                "time": one.time.isoformat() if one.time else None,
                "trusted_time": one.trusted_time,
            }
            for one in evidence.attestations
        ],
    }


def _package(one: Component) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "licenses": list(one.licenses),
    }


def _model(one: Component) -> dict[str, Any]:
    facts = (
        name.removeprefix(_FACT)
        for name in one.properties
        if name.startswith(_FACT) and not name.endswith(":origin")
    )
    return {
        **_package(one),
        "format": one.value("lading:model:format") or one.value("lading:dataset:format"),
        "safety": one.value("lading:safety:verdict"),
        "identified": one.identified,
        "base_models": list(one.ancestors),
        "paths": list(one.paths),
        "findings": list(one.findings),
        "facts": {name: one.fact(name) for name in facts},
    }
