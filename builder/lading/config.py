"""Settings that spare options: ``lading.toml`` beside the build, and ``LADING_*``.

An option on the command line wins over the environment, the environment over the file. Paths in
the file are relative to the file.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lading.errors import InputError, UsageError
from lading.limits import LIMITS

__all__ = ["CONFIG_NAME", "Config", "load_config"]

CONFIG_NAME = "lading.toml"

_PATHS = {"signing-key", "evidence", "bom-output", "summary-json", "key"}
_TABLES: dict[str, dict[str, type | tuple[type, ...]]] = {
    "build": {
        "signing-key": str,
        "keyless": bool,
        "evidence": str,
        "bom-output": str,
        "no-attest": bool,
        "summary-json": str,
    },
    "verify": {"key": (str, list), "evidence": str},
}


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one directory: table → name → value, types checked."""

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def get(self, table: str, name: str) -> Any:
        """Return ``LADING_NAME`` from the environment, else the file's value, else None."""
        variable = "LADING_" + name.upper().replace("-", "_")
        value = os.environ.get(variable)
        if value:
            return value
        return self.tables.get(table, {}).get(name)

    def switch(self, table: str, name: str) -> bool:
        """Return a setting that is on or off.

        Raises:
            UsageError: the environment holds something that is neither.
        """
        value = self.get(table, name)
        if value is None or isinstance(value, bool):
            return bool(value)
        word = str(value).lower()
        if word in {"1", "true", "yes", "on"}:
            return True
        if word in {"0", "false", "no", "off"}:
            return False
        raise UsageError(
            f"A setting is neither on nor off: {name}", got=repr(value), wanted="true or false"
        )


def load_config(directory: Path | None = None) -> Config:
    """Read ``lading.toml`` of ``directory`` (default: the working directory), if there is one.

    Raises:
        InputError: the file is too large, unreadable or not TOML.
        UsageError: a table, name or type that does not exist.
    """
    path = (directory or Path()) / CONFIG_NAME
    try:
        with path.open("rb") as file:
            raw = file.read(LIMITS.companion_text + 1)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise InputError("The settings cannot be read", where=str(path), got=str(error)) from error
    if len(raw) > LIMITS.companion_text:
        raise InputError("The settings file is too large", where=str(path))
    try:
        data = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError("The settings are not TOML", where=str(path), got=str(error)) from error
    tables: dict[str, dict[str, Any]] = {}
    for table, values in data.items():
        known = _TABLES.get(table)
        if known is None or not isinstance(values, dict):
            raise _unknown(path, f"[{table}]", table, _TABLES)
        tables[table] = {
            name: _checked(path, table, name, value, known) for name, value in values.items()
        }
    return Config(tables)


def _checked(path: Path, table: str, name: str, value: Any, known: dict[str, Any]) -> Any:
    if name not in known:
        raise _unknown(path, f"{name} in [{table}]", name, known)
    if not isinstance(value, known[name]):
        raise UsageError(
            f"A setting has the wrong type: {name} in [{table}]", where=str(path), got=repr(value)
        )
    if name not in _PATHS:
        return value
    if isinstance(value, list):
        return [_beside(path, name, str(item)) for item in value]
    return _beside(path, name, value)


def _beside(path: Path, name: str, value: str) -> str:
    """Resolve a relative path against the file; key URIs and registry references stay."""
    if "://" in value or (name == "evidence" and not value.startswith((".", "~"))):
        return value
    return str(path.parent / Path(value).expanduser())


def _unknown(path: Path, what: str, word: str, known: dict[str, Any]) -> UsageError:
    close = difflib.get_close_matches(word, known, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(sorted(known))}."
    return UsageError(f"Unknown setting: {what}", where=str(path), hint=hint)
