"""``lading copy``: an image with all its attestations, nothing lost silently."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from lading.cli import options
from lading.config import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading.usecases.copy import Location
    from lading.usecases.locate import Located
    from lading.usecases.verify import Verification
    from lading_oci.copy import CopyReport
    from lading_oci.interface import Repository

__all__ = ["register"]

_PLACE = "IMAGE, registry:IMAGE or oci-dir:PATH[:TAG]"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("copy", help="Copy an image with all that is attached to it.")(_copy)


@options.collected("trust", options.TRUST)
def _copy(
    source: Annotated[
        str,
        typer.Argument(metavar="SRC", help=f"What to copy: {_PLACE}.", show_default=False),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="DST",
            help="Where to: the same; without a tag it gets the source's.",
            show_default=False,
        ),
    ],
    trust: Layer,
    verify: Annotated[
        bool, typer.Option("--verify", help="Copy only when the image verifies.")
    ] = False,
    platform: options.Platform = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli.progress import read_progress
    from lading.cli.render import print_json, say
    from lading.errors import UsageError
    from lading.usecases.copy import copy, parse_location, report_json

    if any(trust.values()) and not verify:
        raise UsageError("Whom to trust matters only with --verify", hint="Add --verify.")
    here, there = parse_location(source), parse_location(target)
    verifications: list[Verification] = []
    check = _checker(here, there, trust, verifications) if verify else None
    with read_progress(f"copying {here.text}") as tell:
        report = copy(
            here,
            there,
            open_store=_opener(insecure=insecure),
            platform=platform,
            check=check,
            progress=lambda _blob, count: tell(count),
        )
    verified = verifications[0] if verifications else None
    if json:
        found = verified.to_json() if verified else None
        document = {"source": source, "target": target, **report_json(report)}
        print_json({**document, "verification": found})
        return
    for line in _lines(source, target, report, verified):
        say(line)


def _opener(*, insecure: bool) -> Callable[[Location], Repository]:
    from lading.cli.wiring import repository_opener
    from lading_oci.layout import Layout

    registries = repository_opener(insecure=insecure)

    def open_store(location: Location) -> Repository:
        if location.reference is not None:
            return registries(location.reference)
        return Layout(str(location.layout))

    return open_store


def _checker(
    source: Location, target: Location, trust: Layer, found: list[Verification]
) -> Callable[[Located], None]:
    """Return what verifies the source; a layout's image is judged by the name it will get."""
    from lading.cli.trusting import configured_rule, demands
    from lading.trust.verifier import RuleVerifier
    from lading.usecases.verify import verify_located

    named = source if source.reference or not target.reference else target
    rule = configured_rule(trust, named.name)

    def check(located: Located) -> None:
        found.append(
            verify_located(
                source.text, located, verifier=RuleVerifier(rule), demands=demands(rule, None)
            )
        )

    return check


def _lines(
    source: str, target: str, report: CopyReport, verified: Verification | None
) -> Iterator[str]:
    from lading.attest.predicates import short
    from lading.cli.render import human_size, plain

    yield f"copied    {source} to {target}"
    yield f"digest    {report.descriptor.digest}"
    if verified is not None:
        signers = {one.signer for one in verified.attestations}
        yield f"verified  signed by {plain(', '.join(sorted(signers)))}"
    parts = sum(one.role == "part" for one in report.manifests)
    yield f"image     {1 + parts} manifest{'s'[: parts != 0]}"
    kinds = Counter(
        one.descriptor.annotations.get("dev.sigstore.bundle.predicateType")
        or one.descriptor.artifact_type
        or one.descriptor.media_type
        for one in report.referrers
    )
    for kind, count in sorted(kinds.items()):
        yield f"attached  {count} x {plain(short(kind))}"
    for one in report.manifests:
        if one.role == "tagged":
            yield f"attached  {plain(one.tag)} (a tag of cosign's)"
    if len(report.manifests) == 1 + parts:
        yield "attached  nothing"
    yield (
        f"blobs     {report.blobs_sent} sent ({human_size(report.bytes_sent)}), "
        f"{report.blobs_mounted} mounted, {report.blobs_existing} there already"
    )
    for skipped in report.skipped:
        yield f"skipped   {plain(skipped.what)}: {plain(skipped.because)}"
