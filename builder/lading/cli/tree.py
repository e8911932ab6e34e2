"""``lading tree``: every attestation of an image, who signed it, when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lading.cli import options
from lading.config import Layer

if TYPE_CHECKING:
    from lading.usecases.tree import Attached

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("tree", help="List what is attached to an image, and by whom.")(_tree)


@options.collected("trust", options.TRUST)
def _tree(
    image: options.Image,
    trust: Layer,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli import wiring
    from lading.cli.render import print_json
    from lading.cli.trusting import configured_verifier
    from lading.usecases.locate import locate
    from lading.usecases.targets import parse_image
    from lading.usecases.tree import list_attached

    named = parse_image(image)
    verifier = configured_verifier(trust, named.reference.name)
    located = locate(named, wiring.ports(evidence=evidence, insecure=insecure))
    place, found = list_attached(located, verifier)
    if json:
        referrers = [one.to_json() for one in found]
        print_json({"target": image, "digest": located.digest, "referrers": referrers})
        return
    typer.echo(f"{place.repository.name}@{place.subject}")
    for at, one in enumerate(found, start=1):
        typer.echo(_line(one, last=at == len(found)))
    if not found:
        typer.echo("└── nothing is attached")


def _line(one: Attached, *, last: bool) -> str:
    from lading.cli.render import human_size, plain

    branch, stem = ("└── ", "    ") if last else ("├── ", "│   ")
    state = {True: "verified", False: f"NOT VERIFIED: {one.reason}", None: "not checked"}
    lines = [f"{branch}{plain(one.predicate_type or one.artifact_type)}"]
    if one.signer:
        lines.append(f"{stem}signed by {plain(one.signer)} ({plain(state[one.verified])})")
    elif one.reason:
        lines.append(f"{stem}unreadable: {plain(one.reason)}")
    lines.append(f"{stem}{plain(one.created or 'no date')}, {human_size(one.size)}, {one.digest}")
    return "\n".join(lines)
