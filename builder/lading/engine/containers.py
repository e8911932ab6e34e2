"""Containers that are made to be read, and never started."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["described", "new_name"]


def new_name() -> str:
    """Return a name by which a container can be removed even when its ID was never told."""
    return f"lading-{secrets.token_hex(8)}"


def described(image_id: str, binds: Mapping[str, str]) -> dict[str, Any]:
    """Return what ``POST /containers/create`` wants: no network, and a command that cannot run."""
    return {
        "Image": image_id,
        "Cmd": ["/lading-never-starts-this"],
        "Entrypoint": [],
        "NetworkDisabled": True,
        "Labels": {"dev.lading.purpose": "read"},
        "HostConfig": {
            "NetworkMode": "none",
            "Mounts": [
                {"Type": "bind", "Source": source, "Target": target, "ReadOnly": True}
                for source, target in binds.items()
            ],
        },
    }
