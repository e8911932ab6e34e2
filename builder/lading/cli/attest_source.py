"""``lading attest hf:…``: sign the list of a model's or data set's files, and its BOM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lading.cli import options
from lading.config import Layer

if TYPE_CHECKING:
    from lading.usecases.attest_source import Attested

__all__ = ["Exclude", "Include", "SourceTarget", "register"]

SourceTarget = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="hf:ORG/NAME[@REVISION][//FOLDER], hf-dataset:…, git:URL_OR_PATH[@REVISION]"
        "[//FOLDER], dir:PATH or file:PATH.",
        show_default=False,
    ),
]
Include = Annotated[
    list[str] | None,
    options.option("--include", "GLOB", "Only these files; may be repeated. folder/ is all in it."),
]
Exclude = Annotated[
    list[str] | None,
    options.option("--exclude", "GLOB", "Not these files; may be repeated."),
]


_SignatureFile = Annotated[
    Path | None,
    options.option(
        "--signature-file",
        "FILE",
        "Write the signed list there too, as `model_signing verify` reads it.",
    ),
]
_BomOutput = Annotated[
    Path | None, options.option("--bom-output", "FILE", "Write the BOM there too.")
]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("attest", help="List a model's or data set's files with their digests, sign it.")(
        _attest
    )


@options.collected("signing", options.SIGNING)
def _attest(
    source: SourceTarget,
    signing: Layer,
    include: Include = None,
    exclude: Exclude = None,
    signature_file: _SignatureFile = None,
    bom_output: _BomOutput = None,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli.files import insist_on_place, write_file
    from lading.cli.progress import read_progress
    from lading.cli.render import print_json, say
    from lading.cli.signing import configured_signer
    from lading.hub import Scope, open_source, parse_target
    from lading.usecases.attest_source import attest_source, bytes_to_read, model_signature
    from lading.usecases.evidence import open_evidence
    from lading.usecases.journal import Journal

    target = parse_target(source)
    for path in filter(None, (signature_file, bom_output)):
        insist_on_place(path)
    signer = configured_signer(signing)
    store = open_evidence(evidence, insecure=insecure)
    scope = Scope(tuple(include or ()), tuple(exclude or ()))
    with (
        open_source(target) as found,
        read_progress(f"reading {found.name}", bytes_to_read(found, scope)) as progress,
    ):
        attested = attest_source(
            found,
            scope=scope,
            signer=signer,
            store=store,
            progress=progress,
            journal=Journal.of(Path(target.place)) if target.kind in ("dir", "file") else None,
        )
    if signature_file:
        write_file(signature_file, model_signature(attested.bundle, signer))
    if bom_output:
        write_file(bom_output, attested.document)
    if json:
        print_json(attested.to_json())
    else:
        say(_text(attested))


def _text(attested: Attested) -> str:
    from lading.cli.render import human_size, plain
    from lading.cli.summary import attested_lines

    origin = attested.origin
    lines = [
        f"source    {plain(origin.uri)}",
        f"digest    {attested.root}",
        f"files     {attested.files} ({human_size(attested.size)})",
        f"licence   {plain(origin.license) if origin.license else 'not known'}",
    ]
    if origin.unread:
        lines.append(
            f"unread    {len(origin.unread)}: digests as the source's metadata has them, not "
            "computed from bytes"
        )
    for finding in attested.inspection.findings:
        if finding.level != "note":
            where = f" ({plain(finding.path)})" if finding.path else ""
            lines.append(f"  {finding.level.value}: {plain(finding.message)}{where}")
    return "\n".join([*lines, *attested_lines(attested.attestations)])
