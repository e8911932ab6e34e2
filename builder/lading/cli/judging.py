"""What the verbs that judge by a policy share: what it needs, and its verdict's forms."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lading.errors import UsageError

if TYPE_CHECKING:
    from lading.attest.interface import Verifier
    from lading.policy import Verdict
    from lading.usecases.gather import Gathered
    from lading.usecases.locate import Ports
    from lading.usecases.targets import NamedImage

__all__ = [
    "as_table",
    "check_judging",
    "check_outputs",
    "configured_previous",
    "judge_and_refuse",
    "judge_image",
    "look_up",
    "read_previous_file",
    "write_outputs",
]


def judge_image(
    named: NamedImage,
    policy: Path,
    ports: Ports,
    *,
    verifier: Verifier,
    previous: str | None,
    outputs: list[str] | None,
    sealing: bool = False,
) -> tuple[Gathered, Verdict]:
    """Gather an image's evidence, judge it, and write the verdict where it was asked for.

    Raises:
        UsageError: an output format that does not exist.
        InputError, FactsError: policy or evidence cannot be read.
    """
    from lading.usecases.gather import gather
    from lading.usecases.policy import evaluate, load_policy

    check_outputs(outputs)
    rules = load_policy(policy)
    before = read_previous(previous, ports, verifier) if previous is not None else None
    gathered = gather(named, ports, verifier=verifier, previous=before)
    verdict = evaluate(rules, gathered, lookup=look_up, sealing=sealing)
    write_outputs(verdict, outputs)
    return gathered, verdict


def judge_and_refuse(
    named: NamedImage,
    policy: Path,
    ports: Ports,
    *,
    verifier: Verifier,
    previous: str | None,
    outputs: list[str] | None,
) -> Verdict:
    """Return the verdict of a yes; that of a no is the error's ``verdict``.

    Raises:
        PolicyRefusal: the policy says no.
        UsageError, InputError, FactsError: as :func:`judge_image`.
    """
    from lading.usecases.policy import refuse

    _, verdict = judge_image(
        named, policy, ports, verifier=verifier, previous=previous, outputs=outputs
    )
    refuse(verdict)
    return verdict


def look_up(name: str) -> tuple[str | None, tuple[str, ...]]:
    """Ask the Hub for a model's licence and bases: only where a rule says so, never silently."""
    from lading.cli.render import note, plain
    from lading.errors import InputError
    from lading.hub.licences import hub_lineage

    try:
        found, bases = hub_lineage(name)
    except InputError:  # a repository that is not there, or not for us, shows no licence
        found, bases = None, ()
    note(f"lading: the Hub says of {plain(name)}: licence {plain(found or 'unknown')}")
    return found, bases


def as_table(verdict: Verdict) -> str:
    """Return the verdict for a terminal."""
    from lading.policy.outputs import table

    return table(verdict)


def read_previous(previous: str, ports: Ports, verifier: Verifier | None) -> dict[str, Any]:
    """Return the BOM of a file, or the verified one of an image.

    Raises:
        InputError: the file is no CycloneDX, or the image has no verified BOM.
    """
    from lading.errors import NoAttestation
    from lading.usecases.gather import gather
    from lading.usecases.targets import parse_image

    if Path(previous).is_file():
        return read_previous_file(Path(previous))
    if verifier is None:
        raise UsageError("There is nothing to verify the previous release with", got=previous)
    evidence = gather(parse_image(previous), ports, verifier=verifier, previous=None).evidence
    if evidence.bom is None:
        raise NoAttestation("The previous release has no verified BOM", where=previous)
    return dict(evidence.bom)


def read_previous_file(path: Path) -> dict[str, Any]:
    """Return the BOM of a file.

    Raises:
        InputError: it cannot be read, or is no CycloneDX.
    """
    from lading.bom.strict import load_object
    from lading.errors import InputError
    from lading.inputs import read_input
    from lading.limits import LIMITS

    document = load_object(read_input(path, "the previous BOM", LIMITS.bom_document))
    if document.get("bomFormat") != "CycloneDX":
        raise InputError("The previous BOM is not CycloneDX JSON", where=str(path))
    return document


def configured_previous(previous: str | None, name: str) -> dict[str, Any] | None:
    """Return the BOM of the previous release for a build; an image's is verified as configured.

    Raises:
        UsageError: it is an image, and nobody is trusted to have signed its BOM.
        InputError: as :func:`read_previous`.
    """
    if not previous:
        return None
    from lading.cli import wiring
    from lading.cli.trusting import configured_verifier

    ports = wiring.ports(evidence=None, insecure=False)
    verifier = configured_verifier({}, name)
    if verifier is None and not Path(previous).is_file():
        raise UsageError(
            "Nobody is trusted to have signed the BOM of the previous release",
            got=previous,
            hint="Set LADING_KEY, or key in [verify] of lading.toml; or name a CycloneDX file.",
        )
    return read_previous(previous, ports, verifier)


def check_judging(
    policy: Path | None, *, outputs: list[str] | None, previous: str | None = None
) -> None:
    """Return when a policy can judge as was asked, before any work is done for it.

    Raises:
        UsageError: there is no policy to write a verdict of, or a form that does not exist.
        InputError: the policy cannot be read.
    """
    from lading.usecases.policy import load_policy

    check_outputs(outputs)
    if policy is not None:
        load_policy(policy)
        return
    for name, value in (("verdict", outputs), ("previous", previous)):
        if value not in (None, []):
            raise UsageError(
                f"--{name} is about a policy, and there is none", wanted="--policy FILE"
            )


def check_outputs(outputs: list[str] | None) -> None:
    """Return when every form exists and can be written, before any work is done for it.

    Raises:
        UsageError: a form is not known, or GitHub's is asked for elsewhere.
        InputError: a file cannot be there.
    """
    from lading.cli.files import insist_on_place
    from lading.policy.outputs import FORMATS

    for one in outputs or ():
        name, equals, file = one.partition("=")
        if (name not in FORMATS or not equals or not file) and one != "github":
            raise UsageError(
                "--verdict has a form that is not known",
                got=one,
                wanted=f"{', '.join(sorted(FORMATS))}, each with =FILE, or github",
            )
        if file:
            insist_on_place(Path(file))
        elif not os.environ.get("GITHUB_STEP_SUMMARY"):
            raise UsageError("--verdict github needs GITHUB_STEP_SUMMARY", hint="It is GitHub's.")


def write_outputs(verdict: Verdict, outputs: list[str] | None) -> None:
    """Write the verdict in every form that was asked for."""
    from lading.cli.files import write_file
    from lading.policy.outputs import FORMATS, markdown

    check_outputs(outputs)
    for one in outputs or ():
        name, _, file = one.partition("=")
        if one != "github":
            write_file(Path(file), FORMATS[name](verdict).encode())
            continue
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as out:
            out.write(markdown(verdict))
