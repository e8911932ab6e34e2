"""``lading diff``: what changed between two BOMs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lading.cli import options
from lading.cli.render import plain, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.bom.diff import ArtifactDiff, Diff
    from lading.bom.packages_diff import PackageDiff
    from lading.bom.read import Artifact

__all__ = ["register"]

_PLACES = 3  # of a model, that are shown
_OPERAND = "A CycloneDX file (JSON or XML), or a TARGET as for `lading bom`."


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "diff",
        help="Tell what changed between two BOMs or images. Models, weights, packages, licences; "
        "exit status 10 when a model's weights changed while its name and version did not.",
    )(_diff)


def _diff(
    before: Annotated[str, typer.Argument(metavar="A", help=_OPERAND, show_default=False)],
    after: Annotated[str, typer.Argument(metavar="B", help=_OPERAND, show_default=False)],
    platform: options.Platform = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from functools import partial

    from lading.cli import wiring
    from lading.cli.render import print_json
    from lading.exit_codes import ExitCode
    from lading.usecases.diff import compare

    found = compare(before, after, partial(wiring.inspect, platform=platform, insecure=insecure))
    if json:
        print_json(found.to_json())
    else:
        put("".join(f"{line}\n" for line in _lines(found)))
    if found.models.unannounced:
        raise typer.Exit(int(ExitCode.NOT_VERIFIED))


def _lines(found: Diff) -> Iterator[str]:
    for old, new in found.models.unannounced:
        version = f" {new.version}" if new.version else ""
        yield f"WEIGHTS CHANGED, and name and version did not: {plain(new.name)}{plain(version)}"
        yield f"  before  {plain(', '.join(old.weights))}"
        yield f"  after   {plain(', '.join(new.weights))}"
    if found.same:
        yield "no difference"
    yield from _artifact_lines("model", found.models)
    yield from _artifact_lines("data set", found.datasets)
    yield from _package_lines(found.packages)


def _artifact_lines(kind: str, found: ArtifactDiff) -> Iterator[str]:
    for sign, side in (("+", found.added), ("-", found.removed)):
        for one in side:
            yield f"{sign} {kind} {_named(one)}"
    for old, new in found.renamed:
        yield f"~ {kind} {_named(old)} is now called {_named(new)}"
    for old, new in found.moved:
        places = f"{_all(old.locations[:_PLACES])} → {_all(new.locations[:_PLACES])}"
        yield f"~ {kind} {_named(new)}: moved {places}"
    told = set(found.unannounced)
    for old, new in found.weights_changed:
        if (old, new) not in told:
            yield f"~ {kind} {_named(new)}: other weights"
    for what, pairs in (
        ("version", [(b, a.version, b.version) for a, b in found.versions_changed]),
        ("licence", [(b, _all(a.licenses), _all(b.licenses)) for a, b in found.licenses_changed]),
        ("safety", [(b, a.verdict, b.verdict) for a, b in found.verdicts_changed]),
    ):
        for one, was, now in pairs:
            yield f"~ {kind} {_named(one)}: {what} {plain(was or 'none')} → {plain(now or 'none')}"


def _package_lines(found: PackageDiff) -> Iterator[str]:
    for one in found.added:
        yield f"+ {one.kind} {plain(one.name)} {_all(one.after)}"
    for one in found.removed:
        yield f"- {one.kind} {plain(one.name)} {_all(one.before)}"
    for one in found.changed:
        how = "" if one.direction == "other" else f" ({one.direction})"
        yield f"~ {one.kind} {plain(one.name)} {_all(one.before)} → {_all(one.after)}{how}"
    for other in found.licenses_changed:
        was, now = _all(other.before) or "none", _all(other.after) or "none"
        yield f"~ {other.kind} {plain(other.name)}: licence {was} → {now}"


def _named(one: Artifact) -> str:
    return plain(f"{one.name} {one.version}" if one.version else one.name)


def _all(texts: tuple[str, ...]) -> str:
    return plain(", ".join(texts))
