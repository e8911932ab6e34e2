"""Whole inspections kept between runs: layers that did not change are not put together again.

The key is everything that an inspection depends on: the layers, the platform, which syft is there,
and the very files of lading that read and join (their sizes and times), so that no version has to
be raised by hand. What the image's source says (names, digests, labels) is never kept.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any

from lading.inventory import (
    Dataset,
    Fact,
    Finding,
    Inspection,
    Level,
    Model,
    ModelFile,
    Occurrence,
    Origin,
    Package,
    Role,
    Safety,
    Shadowed,
    Tool,
    Verdict,
)
from lading.usecases.code import code_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lading.inventory import ImageFacts, LayerFacts
    from lading.packages.syft_find import Syft
    from lading.usecases.footing import Footing

__all__ = ["VERSION", "contents_of", "from_json", "keys_of", "paths_of", "to_json"]

VERSION = "inspection-2"
_ROOMS = ("image", "models", "packages", "usecases")
_PINNED = "sha256:"


def keys_of(facts: ImageFacts, syft: Syft, *, all_layers: bool) -> Callable[[int], str] | None:
    """Return what makes the key of an image's lowest layers of their number.

    None when nothing pins the image's bytes.
    """
    diff_ids = [layer.diff_id for layer in facts.layers]
    if not all(diff_id.startswith(_PINNED) for diff_id in diff_ids):
        return None
    asked = [
        code_state(_ROOMS),
        str(facts.platform),
        syft.version,
        syft.fingerprint,
        all_layers,
    ]

    def key(count: int) -> str:
        whole = json.dumps([*asked, diff_ids[:count]])
        return _PINNED + hashlib.sha256(whole.encode()).hexdigest()

    return key


def to_json(found: Inspection, footing: Footing) -> dict[str, Any]:
    """Return JSON data of all but the image's own facts, and of the layers above the footing."""
    whole = dataclasses.asdict(found)
    return {
        "sizes": [layer.size for layer in found.image.layers[: footing.layers]],
        "paths": sorted(footing.paths),
        **{name: whole[name] for name in ("models", "datasets", "packages", "findings", "tools")},
        "shadowed": None
        if found.shadowed is None
        else [
            {**dataclasses.asdict(one), "package": isinstance(one.item, Package)}
            for one in found.shadowed
        ],
    }


def paths_of(data: Mapping[str, Any]) -> list[str]:
    """Return every path that what was found stands on.

    Raises:
        KeyError, TypeError, ValueError: the data is something else.
    """
    paths = data["paths"]
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise TypeError("these are no paths")
    return paths


def from_json(
    data: Mapping[str, Any], facts: ImageFacts, target: str, above: Sequence[LayerFacts] = ()
) -> Inspection:
    """Rebuild from :meth:`to_json` and what the image's source says now.

    ``above`` are the layers on top of those that the data is about, looked into.

    Raises:
        KeyError, TypeError, ValueError: the data is something else.
    """
    known = facts.layers[: len(facts.layers) - len(above)]
    layers = (
        *(
            dataclasses.replace(layer, size=int(size), cached=True)
            for layer, size in zip(known, data["sizes"], strict=True)
        ),
        *above,
    )
    return Inspection(
        target=target, image=dataclasses.replace(facts, layers=layers), **contents_of(data)
    )


def contents_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :func:`from_json` rebuilds without an image: the fields of an inspection.

    Of the very same data it is the very same contents.

    Raises:
        KeyError, TypeError, ValueError: the data is something else.
    """
    if not _last or _last[0][0] is not data:
        shadowed = data["shadowed"]
        made = {
            "models": tuple(map(_model, data["models"])),
            "datasets": tuple(map(_dataset, data["datasets"])),
            "packages": tuple(map(_package, data["packages"])),
            "findings": tuple(map(_finding, data["findings"])),
            "tools": tuple(Tool(**tool) for tool in data["tools"]),
            "shadowed": None if shadowed is None else tuple(map(_shadowed, shadowed)),
        }
        _last[:] = [(data, made)]
    return _last[0][1]


#: Data and the contents that were made of it last.
_last: list[tuple[Mapping[str, Any], dict[str, Any]]] = []


def _model(data: Mapping[str, Any]) -> Model:
    return Model(**{**data, **_common(data), "safety": _safety(data["safety"])})


def _dataset(data: Mapping[str, Any]) -> Dataset:
    return Dataset(**{**data, **_common(data)})


def _common(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"files": tuple(map(_file, data["files"])), "facts": _facts(data["facts"])}


def _file(data: Mapping[str, Any]) -> ModelFile:
    return ModelFile(
        **{
            **data,
            "role": Role(data["role"]),
            "facts": _facts(data["facts"]),
            "safety": _safety(data["safety"]),
            "also_at": tuple(Occurrence(**one) for one in data["also_at"]),
        }
    )


def _facts(data: Mapping[str, Any]) -> dict[str, Fact]:
    return {
        name: Fact(fact["value"], Origin(fact["origin"]), fact["where"])
        for name, fact in data.items()
    }


def _safety(data: Mapping[str, Any]) -> Safety:
    return Safety(Verdict(data["verdict"]), tuple(map(_finding, data["findings"])))


def _finding(data: Mapping[str, Any]) -> Finding:
    return Finding(**{**data, "level": Level(data["level"])})


def _package(data: Mapping[str, Any]) -> Package:
    lists = {name: tuple(data[name]) for name in ("licenses", "requires")}
    return Package(**{**data, **lists})


def _shadowed(data: Mapping[str, Any]) -> Shadowed:
    item: Model | Package = _package(data["item"]) if data["package"] else _model(data["item"])
    return Shadowed(item, data["hidden_by"], data["replaced"])
