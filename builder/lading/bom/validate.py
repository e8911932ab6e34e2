"""The strict judgement of a document: schema, unique bom-refs, references that resolve."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from lading.bom.schemas import SPEC_VERSIONS, validator
from lading.bom.strict import check_depth, load_object
from lading.errors import InputError
from lading.limits import LIMITS
from lading.spliced import Spliced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["validate"]


def validate(document: Mapping[str, Any] | bytes) -> None:
    """Return when ``document`` is valid CycloneDX of a version in ``SPEC_VERSIONS``; else raise.

    Checked: the published JSON schema with formats; that no ``bom-ref`` stands twice; that every
    ``ref``, ``dependsOn`` and ``provides`` of the dependency graph, every annotation's subject and
    every model card's data set reference names a ``bom-ref`` of this document. Of a spliced one
    components like the last are known, and only the rest is read.

    Raises:
        LimitError: too large or too deeply nested.
        InputError: invalid; ``got`` has the first violations with their places.
    """
    if isinstance(document, Spliced) and _fits(document):
        return
    if isinstance(document, bytes):
        found = load_object(document)
    else:
        found = dict(document)
        check_depth(found)
    version = found.get("specVersion")
    if version not in SPEC_VERSIONS:
        raise InputError(
            "this CycloneDX version cannot be validated",
            got=str(version)[:40],
            wanted=" or ".join(SPEC_VERSIONS),
        )
    problems = list(islice(_problems(found, version), LIMITS.bom_violations))
    if problems:
        raise InputError("the document is not valid CycloneDX", got="; ".join(problems))


@dataclass(frozen=True, slots=True)
class _Components:
    """Components that are valid by themselves, and what the rest of a document must know."""

    version: str
    text: bytes
    refs: frozenset[str]
    needed: tuple[str, ...]  # bom-refs that they point at


#: Those that were read last.
_last: list[_Components] = []


def _fits(document: Spliced) -> bool:
    """Say whether a document is valid by what is known of its components.

    The schema has no rule that looks at the components and another field together. No means that
    the whole has to be read, which also tells what is wrong.
    """
    if document.name != "components" or len(document) > LIMITS.bom_document:
        return False
    try:
        shell = load_object(document.shell)
    except InputError:
        return False
    version = shell.get("specVersion")
    if version not in SPEC_VERSIONS or shell["components"] != document.token:
        return False
    known = _known(document.part, version)
    if known is None:
        return False
    shell["components"] = []
    refs, twice = _bom_refs(shell)
    if twice or refs & known.refs or any(_schema(shell, version)):
        return False
    needed = [*known.needed, *(ref for _, ref in _references(shell))]
    return all(ref in refs or ref in known.refs or _is_elsewhere(ref) for ref in needed)


def _known(text: bytes, version: str) -> _Components | None:
    """Read components, unless they are the last ones; None when they are not valid."""
    if _last and _last[0].text is text and _last[0].version == version:
        return _last[0]
    alone = b'{"bomFormat":"CycloneDX","specVersion":"%s","components":%s}'
    try:
        document = load_object(alone % (version.encode("ascii"), text))
    except InputError:
        return None
    refs, twice = _bom_refs(document)
    if len(document) != 3 or twice or any(_schema(document, version)):
        return None
    needed = tuple(ref for _, ref in _references(document))
    _last[:] = [_Components(version, text, frozenset(refs), needed)]
    return _last[0]


def _problems(document: dict[str, Any], version: str) -> Iterator[str]:
    yield from _schema(document, version)
    refs, twice = _bom_refs(document)
    yield from (f"the bom-ref {ref[:200]!r} stands twice" for ref in sorted(twice))
    for where, ref in _references(document):
        if ref not in refs and not _is_elsewhere(ref):
            yield f"{where}: nothing has the bom-ref {ref[:200]!r}"


def _schema(document: dict[str, Any], version: str) -> Iterator[str]:
    try:
        for error in validator(version).iter_errors(document):
            place = "/".join(str(part) for part in error.instance_path)
            yield f"/{place}: {error.message[:300]}"
    except (TypeError, ValueError) as error:  # what is not JSON: a set, a lone surrogate
        yield f"/: {str(error)[:300]}"


def _is_elsewhere(ref: str) -> bool:
    """Say whether a reference is to another document (BOM-Link)."""
    return ref.startswith("urn:cdx:")


def _bom_refs(document: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return every bom-ref, and those that stand more than once."""
    seen: set[str] = set()
    twice: set[str] = set()
    waiting: list[Any] = [document]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            ref = here.get("bom-ref")
            if isinstance(ref, str):
                (twice if ref in seen else seen).add(ref)
            waiting.extend(one for one in here.values() if isinstance(one, dict | list))
        else:
            waiting.extend(one for one in here if isinstance(one, dict | list))
    return seen, twice


def _references(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (place, bom-ref) of everything that points at something, in any JSON data."""
    for number, entry in enumerate(_list(document, "dependencies")):
        for key in ("ref", "dependsOn", "provides"):
            value = entry.get(key, ())
            for ref in (value,) if isinstance(value, str) else value:
                if isinstance(ref, str):
                    yield f"/dependencies/{number}/{key}", ref
    for number, entry in enumerate(_list(document, "annotations")):
        for ref in entry.get("subjects", ()):
            if isinstance(ref, str):
                yield f"/annotations/{number}/subjects", ref
    for number, component in enumerate(_list(document, "components")):
        card = component.get("modelCard")
        parameters = card.get("modelParameters") if isinstance(card, dict) else None
        for data in _list(parameters, "datasets") if isinstance(parameters, dict) else ():
            if isinstance(data.get("ref"), str):
                yield f"/components/{number}/modelCard/modelParameters/datasets", data["ref"]


def _list(parent: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = parent.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
