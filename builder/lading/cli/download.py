"""``lading download``: an attestation's predicate, verified unless ``--unverified``."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lading.cli import options
from lading.config import Layer

if TYPE_CHECKING:
    from lading.usecases.download import Downloaded
    from lading.usecases.locate import Located
    from lading.usecases.targets import NamedImage

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("download", help="Print what an attestation says: the BOM, a report …")(_download)


@options.collected("trust", options.TRUST)
def _download(
    image: options.Image,
    trust: Layer,
    predicate: Annotated[
        str,
        typer.Option(
            "--type", metavar="TYPE", help="What to download: bom, provenance, sarif, a URI …"
        ),
    ] = "bom",
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Whoever signed it; nothing is checked.")
    ] = False,
    platform: options.Platform = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Write it to a file.", show_default=False
        ),
    ] = None,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.attest.predicates import asked
    from lading.cli import wiring
    from lading.cli.files import write_file
    from lading.cli.render import note, plain, print_json, put
    from lading.errors import UsageError
    from lading.usecases.locate import at_platform, locate
    from lading.usecases.targets import parse_image

    if unverified and any(trust.values()):
        raise UsageError("--unverified asks nobody's signature, and whom to trust was said")
    wanted = asked(predicate)
    named = parse_image(image)
    located = locate(named, wiring.ports(evidence=evidence, insecure=insecure))
    if platform is not None:
        located = at_platform(located, platform)
    found = _find(named, located, wanted, None if unverified else trust)
    if json:
        print_json({"target": image, **found.to_json()})
        return
    text = json_text.dumps(dict(found.predicate), ensure_ascii=False, indent=2) + "\n"
    if output is not None:
        write_file(output, text.encode())
    else:
        put(text)
    signer = f"signed by {plain(found.signer)}" if found.signer else "NOT VERIFIED"
    note(f"lading: {plain(found.predicate_type)}, {signer} ({found.source})")


def _find(
    named: NamedImage, located: Located, predicate_type: str, trust: Layer | None
) -> Downloaded:
    """Download verified, or without ``trust`` as it is."""
    from lading.usecases.download import download, download_unverified

    if trust is None:
        return download_unverified(located, predicate_type)
    from lading.cli.trusting import configured_rule, demands
    from lading.trust.verifier import RuleVerifier

    rule = configured_rule(trust, named.reference.name)
    return download(
        str(named.reference),
        located,
        predicate_type,
        verifier=RuleVerifier(rule),
        demands=demands(rule, None),
    )
