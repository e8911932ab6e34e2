"""``lading attest``: sign the BOM of an image that is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.cli import options
from lading.config import Layer

if TYPE_CHECKING:
    import typer

__all__ = ["register"]

_HELP = """Inspect an image, sign its BOM and attach it.

Of models and data sets, the list of their files is signed: see `lading attest hf: --help`."""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("attest", help=_HELP)(_attest)


@options.collected("signing", options.SIGNING)
def _attest(
    image: options.Image,
    signing: Layer,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli import wiring
    from lading.cli.matching import match_attested
    from lading.cli.render import print_json, say
    from lading.cli.signing import configured_signer
    from lading.cli.summary import release_text
    from lading.usecases.evidence import open_evidence
    from lading.usecases.release import Attesting, Timings, attest_local, attest_pushed
    from lading.usecases.targets import parse_image

    reference = parse_image(image).reference
    signer = configured_signer(signing)
    timings = Timings()
    with timings.measure("inspect"):
        inspection, *others = wiring.inspect_all(image, insecure=insecure)
    inspection, *others = match_attested(
        [inspection, *others], signer=signer, evidence=[evidence], insecure=insecure
    )
    how = Attesting(
        signer,
        wiring.repository_opener(insecure=insecure),
        timings,
        evidence=open_evidence(evidence, insecure=insecure) if evidence else None,
    )
    if inspection.image.manifest_digest is None:
        store = how.evidence or open_evidence(evidence)
        release = attest_local(reference.familiar(), inspection, how, store)
    else:
        release = attest_pushed(reference, inspection, how, others=others)
    if json:
        print_json(release.to_json())
    else:
        say(release_text(release, pushed=False))
