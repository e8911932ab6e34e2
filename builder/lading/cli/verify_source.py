"""``lading verify dir:…``: are these the files of a model or data set that was attested?"""

from __future__ import annotations

from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from lading.cli import options
from lading.cli.attest_source import Exclude, Include, SourceTarget
from lading.config import Layer

if TYPE_CHECKING:
    from lading.attest.interface import Verifier
    from lading.policy import Verdict
    from lading.trust.rules import TrustRule
    from lading.usecases.verify_source import SourceVerification, Wanted
    from lading_oci.errors import FactsError
    from lading_oci.interface import Repository

__all__ = ["register"]


#: What can be asked of a source: name → type and option.
_ASKED: Final[dict[str, Any]] = {
    "file": Annotated[
        list[str] | None,
        options.option("--file", "PATH", "Only this file of it; may be repeated."),
    ],
    "include": Include,
    "exclude": Exclude,
    "expected": Annotated[
        str | None,
        options.option(
            "--as",
            "NAME",
            "What it must be: a name, a source such as hf:ORG/NAME, a Hub repository, or a "
            "digest (default: anything that was attested).",
        ),
    ],
    "signature": Annotated[
        Path | None,
        options.option(
            "--signature", "FILE", "The signed list, such as model.sig; no store is asked then."
        ),
    ],
    "max-age": Annotated[
        str | None, options.option("--max-age", "DAYS|30d|12h", "Refuse older lists.")
    ],
    "policy": options.PolicyFile,
    "previous": Annotated[
        str | None,
        options.option(
            "--previous",
            "SOURCE|FILE",
            "The release before this one, for drift rules: a source, verified like this one, "
            "or a CycloneDX file.",
        ),
    ],
    "outputs": options.Outputs,
}


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("verify", help="Check that a trusted signer listed exactly these files.")(_verify)


@options.collected("trust", options.TRUST)
@options.collected("asked", _ASKED)
def _verify(
    source: SourceTarget,
    trust: Layer,
    asked: Layer,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli.judging import as_table, check_judging
    from lading.cli.progress import read_progress
    from lading.cli.render import print_json, put, say
    from lading.cli.trusting import configured_rule
    from lading.hub import parse_target
    from lading.trust.verifier import RuleVerifier
    from lading.usecases.evidence import open_evidence
    from lading.usecases.sources import TRUST_NAME
    from lading.usecases.verify_local import verify_local
    from lading_oci.errors import FactsError

    target = str(parse_target(source))
    verdict: Verdict | None = None
    try:
        if any(asked[name] not in (None, []) for name in ("policy", "outputs", "previous")):
            check_judging(asked["policy"], outputs=asked["outputs"], previous=asked["previous"])
        rule = configured_rule(trust, TRUST_NAME)
        store, verifier = open_evidence(evidence, insecure=insecure), RuleVerifier(rule)
        wanted, signature = _wanted(asked, rule), asked["signature"]
        with read_progress(f"reading {target}") as progress:
            found = verify_local(
                source,
                wanted=wanted,
                signature=signature,
                store=store,
                verifier=verifier,
                progress=progress,
            )
        if asked["policy"] is not None:
            verdict = _judged(found, asked, store, verifier)
    except FactsError as error:
        _refuse(target, error, json=json)
    if json:
        said = {"policy": verdict.to_json() if verdict else None, "trust": rule.where}
        print_json(found.to_json() | said)
        return
    say(_text(found))
    if verdict is not None:
        put(as_table(verdict))


def _wanted(asked: Layer, rule: TrustRule) -> Wanted:
    from lading.cli.trusting import demands
    from lading.hub import Scope
    from lading.usecases.verify_source import Wanted

    scope = Scope(tuple(asked["include"] or ()), tuple(asked["exclude"] or ()))
    names = tuple(map(normpath, asked["file"] or ()))
    return Wanted(scope, names, asked["expected"], demands(rule, asked["max-age"]).max_age)


def _refuse(target: str, error: FactsError, *, json: bool) -> NoReturn:
    """Say no; what a policy said before it refused, and what differs, is told, too."""
    from lading.cli.judging import as_table
    from lading.cli.render import error_to_json, print_error, print_json, put
    from lading.errors import exit_code
    from lading.usecases.verify_source import ContentError

    verdict: Verdict | None = getattr(error, "verdict", None)
    if json:
        difference = error.difference.to_json() if isinstance(error, ContentError) else None
        said = {"policy": verdict.to_json() if verdict else None, "difference": difference}
        print_json(_refusal(target) | said | {"error": error_to_json(error)})
    elif verdict is not None:
        put(as_table(verdict))
    print_error(error)
    raise typer.Exit(int(exit_code(error))) from error


def _judged(
    found: SourceVerification, asked: Layer, store: Repository, verifier: Verifier
) -> Verdict:
    """Return the verdict of a yes; that of a no is the error's."""
    from lading.cli.judging import look_up, write_outputs
    from lading.usecases.policy import load_policy, refuse
    from lading.usecases.source_policy import judge_source

    verdict = judge_source(
        load_policy(asked["policy"]),
        found,
        store,
        verifier=verifier,
        lookup=look_up,
        previous=_before(asked["previous"], store, verifier),
    )
    write_outputs(verdict, asked["outputs"])
    refuse(verdict)
    return verdict


def _before(previous: str | None, store: Repository, verifier: Verifier) -> dict[str, Any] | None:
    """Return the BOM of a file, or the signed one of a source that is verified, too."""
    from lading.cli.judging import read_previous_file
    from lading.usecases.source_policy import signed_bom
    from lading.usecases.verify_local import verify_local
    from lading.usecases.verify_source import Wanted

    if previous is None:
        return None
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
