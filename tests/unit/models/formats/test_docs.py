"""``docs/formats/models.md`` names every format and every finding that the source has."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]
MODELS = ROOT / "builder" / "lading" / "models"
WORDS = set(re.findall(r"`([^`]+)`", (ROOT / "docs/formats/models.md").read_text("utf-8")))


def _texts(node: ast.expr) -> Iterator[str]:
    """Yield the literal texts that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr) and ast.unparse(node) == "f'pickle-{verdict.word}-global'":
        yield from (f"pickle-{word}-global" for word in ("dangerous", "suspicious"))
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def _written() -> tuple[set[str], set[str]]:
    formats, findings = set(), set()
    for path in MODELS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = ast.unparse(node.func).rpartition(".")[2]
                if name in ("find", "Finding") and len(node.args) > 1:
                    findings.update(_texts(node.args[0]))
            elif isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "FORMAT":
                formats.update(_texts(node.value) if node.value else ())
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "report.format":
                formats.update(_texts(node.value))
    return formats, findings


def test_every_format_is_documented() -> None:
    formats, _ = _written()

    assert {"gguf", "tflite", "parquet"} <= formats
    assert formats - WORDS == set()


def test_every_finding_is_documented() -> None:
    _, findings = _written()

    assert {"keras-lambda", "license-conflict", "pickle-dangerous-global"} <= findings
    assert {one for one in findings if "-" in one or one == "unscannable"} - WORDS == set()
