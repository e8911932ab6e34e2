"""``lading attach``: sign somebody's report about an image and attach it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lading.cli import options
from lading.config import Layer

__all__ = ["register"]


_Report = Annotated[
    Path,
    typer.Argument(
        metavar="REPORT",
        help="SARIF, CycloneDX VEX or VDR, OpenVEX, trivy, grype, modelscan, picklescan, "
        "garak, JUnit, in-toto test-result, lm-eval; any JSON object with --type.",
        show_default=False,
    ),
]
_Kind = Annotated[
    str | None,
    options.option(
        "--type",
        "TYPE",
        "What it is: a kind (sarif, trivy …), or a URI of your own. Detected by default.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("attach", help="Sign a third-party report about an image and attach it.")(_attach)


@options.collected("signing", options.SIGNING)
def _attach(
    image: options.Image,
    report: _Report,
    signing: Layer,
    kind: _Kind = None,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli import wiring
    from lading.cli.render import plain, print_json, say
    from lading.cli.signing import configured_signer
    from lading.inputs import read_input
    from lading.limits import LIMITS
    from lading.reports import read_report
    from lading.usecases.attach import attach_report
    from lading.usecases.evidence import open_evidence
    from lading.usecases.targets import parse_image

    named = parse_image(image)
    content = read_input(
        report, "the report", LIMITS.report, hint="attach a summary of it, or split it"
    )
    valid = read_report(content, report.name, kind=kind)
    attached = attach_report(
        named,
        valid,
        wiring.ports(evidence=evidence, insecure=insecure),
        signer=configured_signer(signing),
        evidence=open_evidence(evidence, insecure=insecure) if evidence else None,
    )
    if json:
        print_json(attached.to_json())
        return
    counts = ", ".join(f"{name} {value:g}" for name, value in valid.summary.counts.items())
    say(f"report    {plain(valid.kind)} by {plain(valid.summary.tool)}")
    say(f"says      {plain(counts[:500]) or 'no numbers'}")
    say(f"type      {plain(valid.predicate_type)}")
    say(f"attached  {attached.attestation.digest} to {attached.digest}")
