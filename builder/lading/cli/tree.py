"""``lading tree``: every attestation of an image and of its platforms, who signed it, when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.cli import options
from lading.config import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer

    from lading.usecases.tree import Attached, Branch

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
    from lading.cli.render import print_json, say
    from lading.cli.trusting import configured_verifier
    from lading.usecases.locate import locate
    from lading.usecases.targets import parse_image
    from lading.usecases.tree import list_attached

    named = parse_image(image)
    verifier = configured_verifier(trust, named.reference.name)
    located = locate(named, wiring.ports(evidence=evidence, insecure=insecure))
    tree = list_attached(located, verifier)
    if json:
        platforms = [one.to_json() for one in tree.platforms]
        referrers = tree.root.to_json()["referrers"]
        print_json(
            {
                "target": image,
                "digest": located.digest,
                "referrers": referrers,
                "platforms": platforms,
            }
        )
        return
    say(f"{tree.place.repository.name}@{tree.root.digest}")
    blocks = [_attached(one) for one in tree.root.referrers]
    blocks += [_platform(one) for one in tree.platforms if one.referrers]
    for line in _branches(blocks or [["nothing is attached"]]):
        say(line)


def _branches(blocks: list[list[str]]) -> Iterator[str]:
    """Yield blocks of lines as the branches of one stem."""
    for at, (head, *rest) in enumerate(blocks, start=1):
        branch, stem = ("└── ", "    ") if at == len(blocks) else ("├── ", "│   ")
        yield branch + head
        yield from (stem + line for line in rest)


def _platform(one: Branch) -> list[str]:
    from lading.cli.render import plain

    head = f"{plain(one.platform or 'no platform')} {one.digest}"
    return [head, *_branches([_attached(each) for each in one.referrers])]


def _attached(one: Attached) -> list[str]:
    from lading.cli.render import human_size, plain

    lines = [plain(one.predicate_type or one.artifact_type)]
    if one.signer:
        state = {True: "verified", False: f"NOT VERIFIED: {one.reason}", None: "not checked"}
        lines.append(f"signed by {plain(one.signer)} ({plain(state[one.verified])})")
    elif one.reason:
        lines.append(f"unreadable: {plain(one.reason)}")
    word = " (trusted)" if one.time_trusted else ""
    when = f"{plain(one.time or one.created or 'no date')}{word}"
    lines.append(f"{when}, {human_size(one.size)}, {one.digest}")
    return [*lines, *_branches([_attached(each) for each in one.referrers])]
