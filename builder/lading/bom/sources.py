"""Who made a model or data set, under which licence, and where it can be had and read about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lading.bom import facts
from lading.bom.files import hashes
from lading.bom.licenses import licenses
from lading.bom.lineage import hub_url
from lading.bom.text import iri, path_iri
from lading.inventory import Origin, Role
from lading.models import vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.inventory import Fact, Model

__all__ = ["licenses_of", "references_of", "supplier_of"]

_ARXIV = re.compile(r"arxiv:(\d{4}\.\d{4,5})(?:v\d+)?", re.IGNORECASE | re.ASCII)
_UNNAMED_LICENSES = frozenset({"other", "unknown", "custom"})


def licenses_of(known: Mapping[str, Fact], *, spec_version: str) -> list[dict[str, Any]]:
    """Return a model's licences: declared by its card, or concluded from a licence's text."""
    fact = known.get(vocabulary.LICENSE)
    declared = facts.lines(known, vocabulary.LICENSE)
    if not declared or all(one.lower() in _UNNAMED_LICENSES for one in declared):
        declared = facts.lines(known, vocabulary.LICENSE_NAME) or declared
        fact = known.get(vocabulary.LICENSE_NAME, fact)
    origin = fact.origin if fact is not None else Origin.DECLARED
    found = licenses(
        declared,
        spec_version=spec_version,
        acknowledgement="declared" if origin is Origin.DECLARED else "concluded",
    )
    link = iri(facts.line(known, vocabulary.LICENSE_LINK) or "")
    if link and len(found) == 1 and "license" in found[0]:
        found[0]["license"]["url"] = link
    return found


def supplier_of(known: Mapping[str, Fact]) -> dict[str, Any] | None:
    """Return the organisation of the model's repository, else its author."""
    repository = facts.line(known, vocabulary.REPOSITORY) or ""
    if hub_url(repository):
        organisation = repository.partition("/")[0]
        return {"name": organisation, "url": [f"https://huggingface.co/{organisation}"]}
    author = facts.line(known, vocabulary.AUTHOR)
    return {"name": author} if author else None


def references_of(model: Model) -> list[dict[str, Any]]:
    """Return where the model can be had and read about: Hub pages, papers, card and licence."""
    known = model.facts
    found: set[tuple[str, str]] = set()
    if page := hub_url(facts.line(known, vocabulary.REPOSITORY) or ""):
        commit = facts.line(known, vocabulary.COMMIT)
        at = f"{page}/tree/{commit}" if commit and commit.isalnum() else page
        found |= {("website", page), ("vcs", page), ("distribution", at)}
    if source := iri(facts.line(known, vocabulary.SOURCE_URL) or ""):
        found.add(("distribution", source))
    if link := iri(facts.line(known, vocabulary.LICENSE_LINK) or ""):
        found.add(("license", link))
    for tag in facts.lines(known, vocabulary.TAGS):
        if paper := _ARXIV.fullmatch(tag):
            found.add(("documentation", f"https://arxiv.org/abs/{paper[1]}"))
    references: list[dict[str, Any]] = [{"type": kind, "url": url} for kind, url in sorted(found)]
    kinds = {Role.CARD: "model-card", Role.LICENSE: "license"}
    companions = {(f.path, kinds[f.role], f.sha256) for f in model.files if f.role in kinds}
    for path, kind, sha256 in sorted(companions):
        reference = {"type": kind, "url": path_iri(path)}
        references.append({**reference, "hashes": hashes({"SHA-256": sha256})})
    return references
