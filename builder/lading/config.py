"""Settings that spare options: ``lading.toml`` beside the build, and ``LADING_*``.

An option on the command line wins over the environment, the environment over the file. Paths in
the file are relative to the file. A variable that is set and empty, where it would have said who
is trusted, who signs or what is judged, is refused: it is one that was meant to be set, and must
not mean "not asked for". ``[[trust]]`` is read here as TOML only; what it means is
:mod:`lading.trust`'s.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from lading.errors import InputError, UsageError
from lading.limits import LIMITS
from lading.records import fresh, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final, TypeAlias

    Place: TypeAlias = str | os.PathLike[str]

__all__ = ["CONFIG_NAME", "Config", "Layer", "beside", "load_config", "read_toml", "unknown_name"]

CONFIG_NAME: Final = "lading.toml"
TRUST_TABLE: Final = "trust"

#: The settings that one source makes: name → value, without those that are unset or off.
Layer: TypeAlias = Mapping[str, "Any"]

_PATHS: Final = {
    "signing-key",
    "identity-token",
    "trust-config",
    "certificate",
    "evidence",
    "model-evidence",
    "bom-output",
    "summary-json",
    "policy-file",
    "key",
    "trust",
    "trusted-root",
    "certificate-root",
    "certificate-chain",
}
_TABLES: Final[dict[str, dict[str, type | tuple[type, ...]]]] = {
    "build": {
        "signing-key": str,
        "keyless": bool,
        "identity-token": str,
        "trust-config": str,
        "certificate": str,
        "tlog": bool,
        "timestamp": bool,
        "evidence": str,
        "bom-output": str,
        "no-attest": bool,
        "require-attested-models": bool,
        "model-evidence": str,
        "policy-file": str,
        "previous": str,
        "verdict": str,
        "summary-json": str,
    },
    "verify": {
        "key": (str, list),
        "identity": (str, list),
        "identity-regexp": (str, list),
        "issuer": str,
        "trusted-root": str,
        "certificate-root": str,
        "certificate-chain": str,
        "tlog": bool,
        "timestamp": bool,
        "trust": str,
        "evidence": str,
    },
}
#: Settings that name who signs or is trusted, or ask for more: never as if they were not there.
_NEVER_EMPTY: Final = (
    *(name for name in _TABLES["verify"] if name != "evidence"),
    *("signing-key", "keyless", "identity-token", "trust-config", "certificate"),
    *("policy-file", "previous", "require-attested-models"),
)


@record
class Config:
    """The settings of one directory: table → name → value, types checked.

    ``trust`` is the list of ``[[trust]]`` as TOML has it, ``path`` the file that was read.
    """

    tables: dict[str, dict[str, Any]] = fresh(default_factory=dict)
    trust: tuple[Any, ...] = ()
    path: str = CONFIG_NAME

    def get(self, table: str, name: str) -> Any:
        """Return ``LADING_NAME`` from the environment, else the file's value, else None."""
        value = os.environ.get(_variable(name))
        if value:
            return value
        return self.tables.get(table, {}).get(name)

    def switch(self, table: str, name: str) -> bool:
        """Return a setting that is on or off.

        Raises:
            UsageError: the environment holds something that is neither.
        """
        value = self.get(table, name)
        return value if isinstance(value, bool) else value is not None and _on(name, str(value))

    def layers(self, table: str, given: Layer) -> tuple[Layer, Layer, Layer]:
        """Return what ``given`` (the command line), the environment and the file set, in order.

        Raises:
            UsageError: ``given`` has an empty text, or the environment something of another type.
        """
        for name, value in given.items():
            if value == "" or (isinstance(value, list) and "" in value):
                raise UsageError(f"--{name} is empty", wanted="a value, or no such option")
        environment = {
            name: _from_text(name, value, kind)
            for name, kind in _TABLES[table].items()
            if (value := os.environ.get(_variable(name)))
        }
        return _set(given), _set(environment), _set(self.tables.get(table, {}))


def load_config(directory: Place | None = None) -> Config:
    """Read ``lading.toml`` of ``directory`` (default: the working directory), if there is one.

    Raises:
        InputError: the file is too large, unreadable or not TOML.
        UsageError: a table, name or type that does not exist, or a variable that is empty.
    """
    _refuse_empty_variables()
    path = os.path.join(directory or "", CONFIG_NAME)
    data = read_toml(path)
    if data is None:
        return Config(path=path)
    trust = data.pop(TRUST_TABLE, [])
    if not isinstance(trust, list):
        raise UsageError("Trust is a list of rules", where=path, wanted=f"[[{TRUST_TABLE}]]")
    tables: dict[str, dict[str, Any]] = {}
    for table, values in data.items():
        known = _TABLES.get(table)
        if known is None or not isinstance(values, dict):
            raise unknown_name(path, f"[{table}]", table, [*_TABLES, TRUST_TABLE])
        tables[table] = {
            name: _checked(path, table, name, value, known) for name, value in values.items()
        }
    return Config(tables, tuple(trust), path)


def read_toml(path: Place) -> dict[str, Any] | None:
    """Return a settings file's content, None when there is no such file.

    Raises:
        InputError: too large, unreadable or not TOML.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(LIMITS.companion_text + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError("The settings cannot be read", where=str(path), got=str(error)) from error
    if len(raw) > LIMITS.companion_text:
        raise InputError("The settings file is too large", where=str(path))
    import tomllib  # who has no such file need not wait for it

    try:
        return tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise InputError("The settings are not TOML", where=str(path), got=str(error)) from error


def beside(path: Place, value: str) -> str:
    """Resolve a relative path against the file that names it; URIs stay as they are."""
    import re  # who has no such file needs none of this
    from pathlib import Path

    # "awskms:…", "https://…", "pkcs11:…"; one letter before the colon is a drive
    scheme = re.match(r"[a-z][a-z0-9+.-]+:", value)
    return value if scheme else str(Path(path).parent / Path(value).expanduser())


def unknown_name(where: str, what: str, word: str, known: Iterable[str]) -> UsageError:
    """Return the error for a setting that does not exist, with the one that was meant."""
    import difflib  # only when somebody mistyped

    close = difflib.get_close_matches(word, list(known), n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(sorted(known))}."
    return UsageError(f"Unknown setting: {what}", where=where, hint=hint)


def _checked(path: str, table: str, name: str, value: Any, known: dict[str, Any]) -> Any:
    if name not in known:
        raise unknown_name(path, f"{name} in [{table}]", name, known)
    texts = not isinstance(value, list) or all(isinstance(item, str) for item in value)
    if not isinstance(value, known[name]) or not texts:
        raise UsageError(
            f"A setting has the wrong type: {name} in [{table}]", where=path, got=repr(value)
        )
    if name in _NEVER_EMPTY and value in ("", [], [""]):
        raise UsageError(f"A setting is empty: {name} in [{table}]", where=path)
    if name not in _PATHS:
        return value
    if isinstance(value, list):
        return [beside(path, item) for item in value]
    if name in {"evidence", "model-evidence"} and not value.startswith((".", "~")):
        return value  # REGISTRY/REPOSITORY, or an absolute path
    return beside(path, value)


def _refuse_empty_variables() -> None:
    for name in _NEVER_EMPTY:
        if os.environ.get(_variable(name)) == "":
            raise UsageError(
                "A setting is an empty variable",
                where="the environment",
                got=f'{_variable(name)}=""',
                wanted="a value, or no such variable",
                hint="If automation sets it, the value that it takes it from is not there.",
            )


def _set(layer: Layer) -> Layer:
    return {name: value for name, value in layer.items() if value}


def _from_text(name: str, text: str, kind: type | tuple[type, ...]) -> Any:
    if kind is bool:
        return _on(name, text)
    if isinstance(kind, tuple):
        return text.split(os.pathsep) if name in _PATHS else [text]
    return text


def _on(name: str, text: str) -> bool:
    word = text.lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise UsageError(
        f"A setting is neither on nor off: {name}", got=repr(text), wanted="true or false"
    )


def _variable(name: str) -> str:
    return "LADING_" + name.upper().replace("-", "_")
