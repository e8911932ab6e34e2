"""``lading policy``: check a policy file, explain it by MITRE ATLAS, seal an image under it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lading.cli import options
from lading.config import Layer

if TYPE_CHECKING:
    from lading.policy import Policy

__all__ = ["register"]

_File = Annotated[Path, typer.Argument(metavar="FILE", help="Policy file.", show_default=False)]
_SIGNER: Final = {
    name: options.SIGNING[name] for name in ("signing-key", "keyless", "identity-token")
}


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = typer.Typer(
        name="policy",
        help="Check, explain and apply policy files.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("check", help="Say whether a policy file is valid, and its digest.")(_check)
    group.command("explain", help="Say which rules serve which MITRE ATLAS mitigations.")(_explain)
    group.command("schema", help="Print the JSON Schema of policy files, for editors.")(_schema)
    group.command("seal", help="Judge an image, and sign the verdict when it is a yes.")(_seal)
    app.add_typer(group)


def _check(file: _File, json: options.Json = False) -> None:
    from lading.cli.render import print_json, say
    from lading.usecases.policy import load_policy

    policy = load_policy(file)
    if json:
        print_json(
            {
                "file": str(file),
                "valid": True,
                "name": policy.name,
                "digest": f"sha256:{policy.identity.sha256}",
                "rules": [
                    {
                        "id": one.id,
                        "kind": one.name,
                        "level": str(one.level),
                        "when": one.when,
                        "atlas": list(one.atlas),
                    }
                    for one in policy.rules
                ],
                "error": None,
            }
        )
        return
    say(f"valid     {file}: {policy.name}, {len(policy.rules)} rules")
    say(f"digest    sha256:{policy.identity.sha256}")
    for one in policy.rules:
        say(f"  {one.level!s:<8}{one.id}")


def _explain(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Policy file; without one, every kind of rule."),
    ] = None,
    json: options.Json = False,
) -> None:
    from lading.cli.render import print_json, put
    from lading.policy.explain import explain, explain_text
    from lading.usecases.policy import load_policy

    policy: Policy | None = load_policy(file) if file else None
    if json:
        print_json(explain(policy))
    else:
        put(explain_text(policy))


def _schema() -> None:
    from lading.cli.render import print_json
    from lading.policy.schema import render

    print_json(render())


@options.collected("signing", _SIGNER)
@options.collected("trust", options.TRUST)
def _seal(
    file: _File,
    image: options.Image,
    trust: Layer,
    signing: Layer,
    previous: options.Previous = None,
    outputs: options.Outputs = None,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli import wiring
    from lading.cli.judging import judge_image
    from lading.cli.render import print_json, put, say
    from lading.cli.signing import configured_signer
    from lading.cli.trusting import configured_rule
    from lading.policy.outputs import table
    from lading.trust.verifier import RuleVerifier
    from lading.usecases.policy import seal_under
    from lading.usecases.targets import parse_image

    named = parse_image(image)
    verifier = RuleVerifier(configured_rule(trust, named.reference.name))
    signer = configured_signer(signing)
    gathered, verdict = judge_image(
        named,
        file,
        wiring.ports(evidence=evidence, insecure=insecure),
        verifier=verifier,
        previous=previous,
        outputs=outputs,
        sealing=True,
    )
    document: dict[str, Any] = {
        "image": str(named.reference),
        "digest": gathered.located.digest,
        "policy": verdict.to_json(),
        "seal": None,
    }
    if not json:
        put(table(verdict))
    if not verdict.passed:
        if json:
            print_json(document)
        raise typer.Exit(_status_of_no())
    sealed = seal_under(verdict, gathered, signer)
    if json:
        print_json({**document, "seal": sealed.to_json()})
    else:
        say(f"sealed    {sealed.digest}")


def _status_of_no() -> int:
    from lading.exit_codes import ExitCode

    return int(ExitCode.POLICY)
