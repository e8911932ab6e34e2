"""Licence and base models of a model on the Hub: for policies that ask for it, and only then.

An answer is what the Hub shows today about the main branch; nobody signed it. Answers are kept
for a day in the user's cache, so that a pipeline does not ask the same thing a hundred times.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from lading.errors import LimitError
from lading.hub.huggingface import model_info
from lading.hub.targets import Target, is_hub_name

__all__ = ["hub_lineage"]

_KEPT_SECONDS = 24 * 3600
_ENTRY = 16 * 1024
_MOST_BASES = 64


def hub_lineage(name: str) -> tuple[str | None, tuple[str, ...]]:
    """Return the licence that the Hub shows for ``org/name``, and what it says it was made from.

    A name that is no Hub name has neither. The licence is the Hub's own word (``apache-2.0``), None
    when it shows none.

    Raises:
        InputError: there is no such repository, or it is not shown to you.
        RegistryError: the Hub did not answer as needed.
    """
    if not is_hub_name(name):
        return None, ()
    place = _place(name)
    kept = _kept(place, name)
    if kept is None:
        info = model_info(Target("hf", name))
        kept = {"name": name, "license": _license(info), "bases": _bases(info), "time": time.time()}
        _keep(place, kept)
    found = kept["license"]
    return found if isinstance(found, str) else None, tuple(kept["bases"])


def _card(info: Any) -> Any:
    card = getattr(info, "card_data", None)
    return card if hasattr(card, "get") else {}


def _bases(info: Any) -> list[str]:
    """Return the base models; more than are ever listed are an error, not a cut."""
    value = _card(info).get("base_model")
    listed = value if isinstance(value, list) else [value]
    found = [one for one in listed if isinstance(one, str) and one]
    if len(found) > _MOST_BASES:
        raise LimitError(
            "The Hub names too many base models",
            where=str(info.id)[:200],
            got=str(len(found)),
            wanted=f"at most {_MOST_BASES}",
        )
    return [one[:256] for one in found]


def _license(info: Any) -> str | None:
    value = _card(info).get("license")
    if isinstance(value, list):  # as in a BOM, several licences all apply
        value = " AND ".join(one for one in value if isinstance(one, str))
    if isinstance(value, str) and value:
        return value[:256]
    tags = (tag for tag in info.tags or () if isinstance(tag, str))
    return next((tag[len("license:") :] for tag in tags if tag.startswith("license:")), None)


def _place(name: str) -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = base if base.is_absolute() else Path.home() / ".cache"
    endpoint = os.environ.get("HF_ENDPOINT", "")
    key = hashlib.sha256(f"{endpoint}\0{name}".encode()).hexdigest()[:32]
    return base / "lading" / "hub" / f"{key}.json"


def _kept(place: Path, name: str) -> dict[str, Any] | None:
    try:
        with place.open("rb") as file:
            entry = json.loads(file.read(_ENTRY))
        fresh = 0 <= time.time() - float(entry["time"]) < _KEPT_SECONDS
    except (OSError, ValueError, KeyError, TypeError):
        return None
    whole = "license" in entry and isinstance(entry.get("bases"), list)
    return entry if fresh and entry["name"] == name and whole else None


def _keep(place: Path, entry: dict[str, Any]) -> None:
    """Keep an answer; a cache that cannot be written is none."""
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_suffix(f".{os.getpid()}")
        aside.write_text(json.dumps(entry), encoding="utf-8")
        aside.replace(place)
