"""``lading verify dir:…``: are these the files of a model or data set that was attested?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lading.cli import options
from lading.cli.attest_source import Exclude, Include, SourceTarget
from lading.config import Layer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("verify", help="Check that a trusted signer listed exactly these files.")(_verify)


@options.collected("trust", options.TRUST)
def _verify(
    source: SourceTarget,
    trust: Layer,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            metavar="PATH",
            help="Only this file of it; may be repeated.",
            show_default=False,
        ),
    ] = None,
    include: Include = None,
    exclude: Exclude = None,
    expected: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            help="What it must be: a name, a source such as hf:ORG/NAME, a Hub repository, or a "
            "digest (default: anything that was attested).",
            show_default=False,
        ),
    ] = None,
    signature: Annotated[
        Path | None,
        typer.Option(
            "--signature",
            metavar="FILE",
            help="The signed list, such as model.sig; no store is asked then.",
            show_default=False,
        ),
    ] = None,
    max_age: Annotated[
        str | None,
        typer.Option(
            "--max-age", metavar="DAYS|30d|12h", help="Refuse older lists.", show_default=False
        ),
    ] = None,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli.progress import read_progress
    from lading.cli.render import error_to_json, print_error, print_json
    from lading.cli.trusting import configured_rule, demands
    from lading.errors import exit_code
    from lading.hub import Scope, parse_target
    from lading.trust.verifier import RuleVerifier
    from lading.usecases.evidence import open_evidence
    from lading.usecases.sources import TRUST_NAME
    from lading.usecases.verify_local import verify_local
    from lading.usecases.verify_source import ContentError, Wanted
    from lading_oci.errors import FactsError

    target = str(parse_target(source))
    try:
        rule = configured_rule(trust, TRUST_NAME)
        scope = Scope(tuple(include or ()), tuple(exclude or ()))
        wanted = Wanted(scope, tuple(file or ()), expected, demands(rule, max_age).max_age)
        with read_progress(f"reading {target}") as progress:
            found = verify_local(
                source,
                wanted=wanted,
                signature=signature,
                store=open_evidence(evidence, insecure=insecure),
                verifier=RuleVerifier(rule),
                progress=progress,
            )
    except FactsError as error:
        if json:
            difference = error.difference.to_json() if isinstance(error, ContentError) else None
            print_json(_refusal(target) | {"difference": difference, "error": error_to_json(error)})
        print_error(error)
        raise typer.Exit(int(exit_code(error))) from error
    if json:
        print_json(found.to_json() | {"trust": rule.where})
    else:
        typer.echo(_text(found))


def _refusal(target: str) -> dict[str, Any]:
    nothing = ("digest", "name", "source", "commit", "license")
    return {
        "target": target,
        "verified": False,
        **dict.fromkeys(nothing),
        "whole": None,
        "files": {},
        "attestations": [],
    }


def _text(found: Any) -> str:
    from lading.cli.render import plain

    origin, one = found.manifest.origin, found.attestation
    of = len(found.manifest.files)
    lines = [
        f"verified  {plain(found.target)}",
        f"is        {plain(origin.uri or found.manifest.name)}",
        f"digest    {found.manifest.root}",
        f"files     {len(found.files)}"
        + ("" if found.whole else f" of {of}; the rest was not read"),
        f"licence   {plain(origin.license) if origin.license else 'not known'}",
        f"signer    {plain(one.signer)}",
    ]
    if one.time:
        word = "" if one.time_trusted else " (the signer's word)"
        lines.append(f"time      {one.time.isoformat()}{word}")
    return "\n".join([*lines, f"evidence  {plain(one.source)}"])
