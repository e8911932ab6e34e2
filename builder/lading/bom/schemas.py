"""The published CycloneDX schemas, as the files that ``cyclonedx-python-lib`` bundles.

Only its files are read: nothing of the library's model is imported, and no reference is ever
resolved over the network.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from lading.errors import UsageError

if TYPE_CHECKING:
    import jsonschema_rs

__all__ = ["SPEC_VERSIONS", "check_spec_version", "spdx_identifiers", "validator"]

SPEC_VERSIONS = ("1.6", "1.7")
"""The versions that are written and validated; each schema is strict by itself."""

_BASE = "http://cyclonedx.org/schema/"
_REFERENCED = (
    "spdx.SNAPSHOT.schema.json",
    "jsf-0.82.SNAPSHOT.schema.json",
    "cryptography-defs.SNAPSHOT.schema.json",
)


def check_spec_version(spec_version: str) -> None:
    """Refuse a CycloneDX version that is not written here.

    Raises:
        UsageError: it is none of ``SPEC_VERSIONS``.
    """
    if spec_version not in SPEC_VERSIONS:
        raise UsageError(
            "this CycloneDX version is not supported",
            got=spec_version,
            wanted=" or ".join(SPEC_VERSIONS),
        )


def _load(name: str) -> Any:
    from importlib import resources  # late: it costs a third of this room's import

    return json.loads((resources.files("cyclonedx.schema._res") / name).read_bytes())


@cache
def spdx_identifiers() -> frozenset[str]:
    """Return the licence identifiers that ``license.id`` may hold."""
    return frozenset(_load(_REFERENCED[0])["enum"])


@cache
def validator(spec_version: str) -> jsonschema_rs.Validator:
    """Return the compiled schema of one version, formats checked.

    Raises:
        UsageError: it is none of ``SPEC_VERSIONS``.
    """
    import jsonschema_rs

    check_spec_version(spec_version)
    registry = jsonschema_rs.Registry([(_BASE + name, _load(name)) for name in _REFERENCED])
    return jsonschema_rs.validator_for(
        _load(f"bom-{spec_version}.SNAPSHOT.schema.json"),
        registry=registry,
        validate_formats=True,
        offline=True,
    )
