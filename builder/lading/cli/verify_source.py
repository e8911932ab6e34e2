"""``lading verify dir:…``: are these the files of a model or data set that was attested?"""

from __future__ import annotations

from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lading.cli import options
from lading.cli.attest_source import Exclude, Include, SourceTarget
from lading.cli.judging import Outputs, PolicyFile
from lading.config import Layer

if TYPE_CHECKING:
    from lading.attest.interface import Verifier
    from lading.policy import Verdict
    from lading.usecases.verify_source import SourceVerification
    from lading_oci.interface import Repository

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
    policy: PolicyFile = None,
    previous: Annotated[
        str | None,
        typer.Option(
            "--previous",
            metavar="SOURCE|FILE",
            help="The release before this one, for drift rules: a source, verified like this one, "
            "or a CycloneDX file.",
            show_default=False,
        ),
    ] = None,
    outputs: Outputs = None,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli.judging import as_table, check_judging
    from lading.cli.progress import read_progress
    from lading.cli.render import error_to_json, print_error, print_json, put, say
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
    verdict: Verdict | None = None
    try:
        if policy is not None or outputs or previous is not None:
            check_judging(policy, outputs=outputs, previous=previous)
        rule = configured_rule(trust, TRUST_NAME)
        store, verifier = open_evidence(evidence, insecure=insecure), RuleVerifier(rule)
        scope = Scope(tuple(include or ()), tuple(exclude or ()))
        names = tuple(map(normpath, file or ()))
        wanted = Wanted(scope, names, expected, demands(rule, max_age).max_age)
        with read_progress(f"reading {target}") as progress:
            found = verify_local(
                source,
                wanted=wanted,
                signature=signature,
                store=store,
                verifier=verifier,
                progress=progress,
            )
        if policy is not None:
            before = None if previous is None else _before(previous, store, verifier)
            verdict = _judged(found, store, verifier, policy, outputs, before)
    except FactsError as error:
        verdict = getattr(error, "verdict", None)
        if json:
            difference = error.difference.to_json() if isinstance(error, ContentError) else None
            said = {"policy": verdict.to_json() if verdict else None, "difference": difference}
            print_json(_refusal(target) | said | {"error": error_to_json(error)})
        elif verdict is not None:
            put(as_table(verdict))
        print_error(error)
        raise typer.Exit(int(exit_code(error))) from error
    if json:
        said = {"policy": verdict.to_json() if verdict else None, "trust": rule.where}
        print_json(found.to_json() | said)
        return
    say(_text(found))
    if verdict is not None:
        put(as_table(verdict))


def _judged(
    found: SourceVerification,
    store: Repository,
    verifier: Verifier,
    policy: Path,
    outputs: list[str] | None,
    previous: dict[str, Any] | None,
) -> Verdict:
    """Return the verdict of a yes; that of a no is the error's."""
    from lading.cli.judging import look_up, write_outputs
    from lading.usecases.policy import load_policy, refuse
    from lading.usecases.source_policy import judge_source

    verdict = judge_source(
        load_policy(policy), found, store, verifier=verifier, lookup=look_up, previous=previous
    )
    write_outputs(verdict, outputs)
    refuse(verdict)
    return verdict


def _before(previous: str, store: Repository, verifier: Verifier) -> dict[str, Any]:
    """Return the BOM of a file, or the signed one of a source that is verified, too."""
    from lading.cli.judging import read_previous_file
    from lading.usecases.source_policy import signed_bom
    from lading.usecases.verify_local import verify_local
    from lading.usecases.verify_source import Wanted

    if Path(previous).is_file():
        return read_previous_file(Path(previous))
    found = verify_local(previous, wanted=Wanted(), signature=None, store=store, verifier=verifier)
    return signed_bom(found, store, verifier)


def _refusal(target: str) -> dict[str, Any]:
    nothing = ("digest", "name", "source", "commit", "license")
    return {
        "target": target,
        "verified": False,
        **dict.fromkeys(nothing),
        "whole": None,
        "files": {},
        "unread": [],
        "attestations": [],
    }


def _text(found: SourceVerification) -> str:
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
    if found.unread:
        lines.append(
            f"unread    {len(found.unread)}: as the source's metadata has them; verify what you "
            "download, too"
        )
    if one.time:
        word = "" if one.time_trusted else " (the signer's word)"
        lines.append(f"time      {one.time.isoformat()}{word}")
    return "\n".join([*lines, f"evidence  {plain(one.source)}"])
