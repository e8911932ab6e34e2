"""The text a person reads after an inspection or a build."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lading.cli.render import human_count, human_size, plain, short_digest, table
from lading.inventory import Level, Origin, Package

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.inventory import Finding, ImageFacts, Inspection, Model, Shadowed
    from lading.usecases.attest import Attestation
    from lading.usecases.release import Release

__all__ = ["attested_lines", "finding_lines", "inspection_json", "inspection_text", "release_text"]

_MOST_FINDINGS = 20
_LONGEST_NAME = 60


def inspection_text(inspection: Inspection) -> str:
    """Return models, data sets, packages and findings as aligned text."""
    lines = _target_lines(inspection.target, inspection.image)
    if inspection.models:
        header = ("NAME", "FORMAT", "SIZE", "PARAMETERS", "LICENCE", "SAFETY", "LAYER")
        lines += [f"models    {len(inspection.models)}"]
        lines += [table(header, (_model_row(model) for model in inspection.models))]
        lines += [f"approved  {line}" for line in map(_approved, inspection.models) if line]
    else:
        lines += ["models    none"]
    if inspection.datasets:
        names = ", ".join(plain(dataset.name) for dataset in inspection.datasets)
        lines += [f"data      {len(inspection.datasets)}: {names}"]
    kinds = Counter(package.type for package in inspection.packages)
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "none"
    lines += [f"packages  {counted}"]
    lines += _shadowed_lines(inspection.shadowed)
    lines += finding_lines(inspection.findings)
    return "\n".join(lines)


def _target_lines(target: str, facts: ImageFacts) -> list[str]:
    size = human_size(sum(layer.size for layer in facts.layers))
    digest = facts.manifest_digest or facts.config_digest
    if not digest:  # a directory, which has no platform either
        return [f"directory {plain(target)} ({size})"]
    cached = sum(layer.cached for layer in facts.layers)
    return [
        f"image     {plain(target)} ({facts.platform})",
        f"digest    {digest}",
        f"layers    {len(facts.layers)} ({size}; {cached} from the cache)",
    ]


def _shadowed_lines(found: tuple[Shadowed, ...] | None) -> list[str]:
    if found is None:
        return []
    lines = [f"shadowed  {len(found) or 'nothing'} in lower layers, unseen by containers"]
    if found:
        header = ("NAME", "TYPE", "VERSION", "LAYER", "HIDDEN BY", "HOW")
        lines += [table(header, map(_shadowed_row, found))]
    return lines


def _shadowed_row(one: Shadowed) -> tuple[object, ...]:
    item = one.item
    by = short_digest(one.hidden_by), "replaced" if one.replaced else "deleted"
    if isinstance(item, Package):
        return _short(item.name), item.type, item.version, short_digest(item.layer), *by
    layers = dict.fromkeys(short_digest(file.layer) for file in item.files)
    return _short(item.name), f"model ({item.format})", "-", ", ".join(layers), *by


def _model_row(model: Model) -> tuple[object, ...]:
    parameters = model.fact("parameters")
    licence = model.fact("license")
    return (
        _short(model.name),
        model.format,
        human_size(sum(file.size for file in model.files)),
        human_count(parameters) if isinstance(parameters, int) else "-",
        licence if isinstance(licence, str) else "-" if licence is None else str(licence),
        model.safety.verdict.word,
        ", ".join(dict.fromkeys(short_digest(file.layer) for file in model.files)),
    )


def _short(name: str) -> str:
    """Cut a name that would push all other columns off the screen; --json has it whole."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _approved(model: Model) -> str | None:
    """Say which attested model this one is, file by file; None for one that is not known."""
    fact = model.facts.get("attested")
    if fact is None or fact.origin is not Origin.MATCHED:
        return None
    return f"{plain(model.name)} is {plain(str(fact.value))}, as attested"


def finding_lines(findings: tuple[Finding, ...]) -> list[str]:
    """Return the findings that are more than notes, under their count; nothing without any."""
    serious = [finding for finding in findings if finding.level is not Level.NOTE]
    if not serious:
        return []
    lines = [f"findings  {len(serious)}"]
    for finding in serious[:_MOST_FINDINGS]:
        where = f" (/{plain(finding.path)})" if finding.path else ""
        lines.append(f"  {finding.level.value}: {plain(finding.message)}{where} [{finding.id}]")
    if len(serious) > _MOST_FINDINGS:
        lines.append(f"  … and {len(serious) - _MOST_FINDINGS} more; see --json")
    return lines


def release_text(release: Release, *, pushed: bool = True) -> str:
    """Return the summary of a release: what is inside, what was pushed, what was attested where."""
    lines = []
    for one in release.platforms:
        lines.append(inspection_text(one.inspection))
        lines.append(f"bom       CycloneDX, {human_size(len(one.document))}")
    if pushed:
        lines += [f"pushed    {reference}" for reference in release.pushed]
    lines += attested_lines(release.attestations)
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in release.timings.items())
    lines.append(f"time      {stages}")
    return "\n".join(lines)


def attested_lines(attestations: Sequence[Attestation]) -> list[str]:
    """Say what was signed and attached, by its short names, and where; what lies together once."""
    from lading.attest.predicates import short

    if not attestations:
        return ["attested  nothing (--no-attest)"]
    together: dict[tuple[str, bool], Counter[str]] = {}
    for one in attestations:
        together.setdefault((one.place, one.existed), Counter())[short(one.predicate_type)] += 1
    lines = []
    for (place, existed), kinds in together.items():
        names = ", ".join(
            kind if count == 1 else f"{count} {kind}" for kind, count in kinds.items()
        )
        lines.append(f"attested  {names}{' (there already)' if existed else ''}")
        lines.append(f"          {place}")
    return lines


def inspection_json(inspection: Inspection) -> dict[str, Any]:
    """Return the ``inspect`` document (docs/schemas/inspect.schema.json)."""
    facts = inspection.image
    return {
        "target": inspection.target,
        "digest": facts.index_digest or facts.manifest_digest or facts.config_digest,
        "config_digest": facts.config_digest,
        "platform": str(facts.platform),
        "layers": [
            {"diff_id": layer.diff_id, "size": layer.size, "cached": layer.cached}
            for layer in facts.layers
        ],
        "models": [_model_json(model) for model in inspection.models],
        "datasets": [
            {"name": one.name, "format": one.format, "files": _files_json(one.files)}
            for one in inspection.datasets
        ],
        "packages": [_package_json(package) for package in inspection.packages],
        "findings": [_finding_json(finding) for finding in inspection.findings],
        "shadowed": _shadowed_json(inspection.shadowed),
    }


def _package_json(package: Package) -> dict[str, Any]:
    return {
        "purl": package.purl,
        "name": package.name,
        "version": package.version,
        "type": package.type,
        "layer": package.layer,
        "licenses": list(package.licenses),
    }


def _shadowed_json(found: tuple[Shadowed, ...] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    models: list[dict[str, Any]] = []
    packages: list[dict[str, Any]] = []
    for one in found:
        how = {"hidden_by": one.hidden_by, "how": "replaced" if one.replaced else "deleted"}
        if isinstance(one.item, Package):
            packages.append({**_package_json(one.item), **how})
        else:
            models.append({**_model_json(one.item), **how})
    return {"models": models, "packages": packages}


def _model_json(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "format": model.format,
        "files": _files_json(model.files),
        "parameters": model.fact("parameters"),
        "license": model.fact("license"),
        "purl": model.purl,
        "distribution": model.distribution,
        "facts": {
            name: {"value": fact.value, "origin": fact.origin.value, "where": fact.where}
            for name, fact in sorted(model.facts.items())
        },
        "safety": {
            "verdict": model.safety.verdict.word,
            "findings": [_finding_json(finding) for finding in model.safety.findings],
        },
    }


def _files_json(files: Any) -> list[dict[str, Any]]:
    return [
        {
            "path": file.path,
            "size": file.size,
            "sha256": file.sha256,
            "layer": file.layer,
            "role": file.role.value,
            "also_at": [{"path": other.path, "layer": other.layer} for other in file.also_at],
        }
        for file in files
    ]


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "level": finding.level.value,
        "message": finding.message,
        "path": finding.path,
        "layer": finding.layer,
    }
