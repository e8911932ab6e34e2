"""When a statement says that it was made: a signed claim, as good as its signer's word."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from lading.attest.predicates import (
    CYCLONEDX,
    OMS_SIGNATURE,
    OPENVEX,
    SLSA_PROVENANCE_V1,
    SLSA_VSA_V1,
)

if TYPE_CHECKING:
    from lading.attest.statement import Statement

__all__ = ["claimed_time"]

_PLACES: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    CYCLONEDX: (("metadata", "timestamp"),),
    SLSA_VSA_V1: (("timeVerified",),),
    SLSA_PROVENANCE_V1: (
        ("runDetails", "metadata", "finishedOn"),
        ("runDetails", "metadata", "startedOn"),
    ),
    OPENVEX: (("last_updated",), ("timestamp",)),
    OMS_SIGNATURE: (("source", "time"),),  # ours; Model Signing itself has none
}


def claimed_time(statement: Statement) -> datetime | None:
    """Return the time in the predicate's own field for it, None when it has none with a zone."""
    for path in _PLACES.get(statement.predicate_type, ()):
        value: Any = statement.predicate
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, str):
            try:
                time = datetime.fromisoformat(value)
            except ValueError:
                continue
            if time.tzinfo is not None:
                return time
    return None
