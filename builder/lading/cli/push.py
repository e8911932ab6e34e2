"""``lading push``: docker push, then attest what was pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.cli import options
from lading.config import Layer

if TYPE_CHECKING:
    import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("push", help="Push an engine's image to its registry, and attest it there.")(_push)


@options.collected("signing", options.SIGNING)
def _push(
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
    from lading.usecases.release import Attesting, Timings, push_and_attest
    from lading.usecases.targets import parse_image

    reference = parse_image(image).reference
    reference = reference if reference.tag else reference.with_tag("latest")
    signer = configured_signer(signing)
    timings = Timings()
    with timings.measure("inspect"):
        inspection = wiring.inspect(f"docker:{reference.familiar()}")
    (inspection,) = match_attested(
        [inspection], signer=signer, evidence=[evidence], insecure=insecure
    )
    how = Attesting(
        signer,
        wiring.repository_opener(insecure=insecure),
        timings,
        evidence=open_evidence(evidence, insecure=insecure) if evidence else None,
    )
    release = push_and_attest([reference], inspection, how, wiring.engine_push)
    if json:
        print_json(release.to_json())
    else:
        say(release_text(release))
