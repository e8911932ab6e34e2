"""The published schemas of what ``--json`` prints, with the references between them."""

from __future__ import annotations

import json

import jsonschema_rs

import parts

__all__ = ["conforms"]

_BASE = "https://lading.example/schemas/"


def conforms(name: str, document: object) -> None:
    """Insist that ``document`` fits ``docs/schemas/NAME.schema.json``."""
    directory = parts.ROOT / "docs" / "schemas"
    schemas = {path.name: json.loads(path.read_text()) for path in directory.glob("*.json")}
    registry = jsonschema_rs.Registry([(_BASE + one, schemas[one]) for one in schemas])
    asked = {"$ref": f"{_BASE}{name}.schema.json"}
    jsonschema_rs.validator_for(asked, registry=registry).validate(document)
