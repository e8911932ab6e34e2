"""The JSON Schema of policy files, for editors; made from the rules, so that both say the same."""

from __future__ import annotations

from typing import Any

from lading.policy.document import COMMON, TOP, VERSION
from lading.policy.options import record_schema
from lading.policy.rules import RULES

__all__ = ["render"]


def render() -> dict[str, Any]:
    """Return the schema (draft 2020-12)."""
    top = record_schema(TOP)
    properties = {
        "version": {"const": VERSION, "description": "The version of this format."},
        **top["properties"],
        "rules": {
            "type": "array",
            "minItems": 1,
            "description": "All are judged; one violated rule of level error is a no.",
            "items": {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in RULES]},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lading policy",
        "description": "What signed evidence must say before something is built, pushed or run.",
        "type": "object",
        "properties": properties,
        "required": ["version", "name", "rules"],
        "additionalProperties": False,
        "$defs": {name: _rule(name) for name in RULES},
    }


def _rule(name: str) -> dict[str, Any]:
    cls = RULES[name]
    common, own = record_schema(COMMON), record_schema(cls)
    properties = {**common["properties"], **own["properties"]}
    properties["rule"] = {"const": name, "description": (cls.__doc__ or "").strip()}
    return {
        "type": "object",
        "description": (cls.__doc__ or "").strip(),
        "properties": properties,
        "required": ["rule", *own.get("required", ())],
        "additionalProperties": False,
    }
