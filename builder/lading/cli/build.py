"""``lading build``: docker's command line, passed through; then inspect, BOM, sign, attach."""

from __future__ import annotations

import contextlib
import sys

from lading.cli import wiring
from lading.cli.render import note, plain
from lading.cli.warm import WarmUp
from lading.config import load_config
from lading.engine.argv import OWN_OPTIONS, VALUE_OPTIONS, meant, parse_build
from lading.errors import UsageError
from lading.exit_codes import ExitCode
from lading.usecases.build import Built, build

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence
    from typing import Any

    import typer

    from lading.attest.interface import Signer
    from lading.attest.signers.options import SigningOptions
    from lading.attest.vsa import PolicyId
    from lading.cli.ahead import Ahead
    from lading.engine.argv import BuildCommand
    from lading.inventory import Inspection
    from lading.policy import Policy, Verdict
    from lading.usecases.release import Release, Timings

__all__ = ["HELP", "register", "run"]

HELP = """\
Usage: lading build [docker build options] PATH | URL | -

Runs `docker build` with exactly these options, then looks inside the image, writes one CycloneDX
BOM of its models and packages, signs it and the build's provenance, and attaches both: with
--push to the image in its registry, without it to a local evidence store. docker's output and
exit status are untouched.

Options of lading's own (each also as LADING_NAME, or in [build] of lading.toml):
  --signing-key FILE|URI  private key to sign with (`lading keygen`), password from
                          LADING_KEY_PASSWORD or a prompt; or a key service's (awskms: gcpkms:
                          azurekms: hashivault: pkcs11:)
  --keyless               sign as yourself or this automation; the identity becomes public
  --identity-token FILE   OpenID Connect token to sign keyless with
  --trust-config FILE     a private Sigstore (ClientTrustConfig)
  --certificate FILE      certificate of the signing key, to sign under
  --tlog, --timestamp     have a key's signature in the transparency log, and timestamped
  --evidence PLACE        keep the attestation elsewhere: a directory (OCI layout) or
                          REGISTRY/REPOSITORY
  --bom-output FILE       write the BOM there too
  --policy-file FILE      judge the image before it is pushed; on a no nothing is pushed or signed
  --previous IMAGE|FILE   the release before this one, for the policy's drift rules
  --verdict FORMAT=FILE   write the verdict: json, sarif, junit, markdown, table; or github
  --summary-json FILE     write what was done as JSON ("-" for standard error)
  --require-attested-models
                          refuse, before the push, an image with a model that is not an attested
                          one (`lading attest hf:… git:… dir:…`)
  --model-evidence PLACE  where attested models are looked up, besides the user's own store
  --no-attest             build (and push) only; sign nothing
  --lading-help           this text

Everything else is docker's: see `lading build --help`.
"""

#: What else docker's users complete: its options without a value.
_SWITCHES = ("check", "compress", "force-rm", "load", "no-cache", "pull", "push", "quiet", "rm")


def register(app: typer.Typer) -> None:
    """Show ``build`` in the list of verbs; :func:`run` is what handles it."""
    from types import SimpleNamespace

    from typer.core import TyperCommand

    class Completing(TyperCommand):
        """Completes options that typer is not told of; shells complete paths by themselves."""

        def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ARG002
            names = sorted({*OWN_OPTIONS, *VALUE_OPTIONS, *_SWITCHES})
            words = [f"--{name}" for name in names] if incomplete.startswith("-") else []
            # click's CompletionItem, from click itself or from typer's copy of it
            return [
                SimpleNamespace(value=word, type="plain", help=None)
                for word in words
                if word.startswith(incomplete)
            ]

    @app.command(
        "build",
        cls=Completing,
        add_help_option=False,
        help="docker build, then inspect, sign and attach.",
    )
    def _build() -> None:
        note(HELP)


def run(words: Sequence[str]) -> int:
    """Run ``lading build`` and return docker's status, or ours when docker succeeded."""
    command = parse_build(words)
    if "lading-help" in command.own:
        sys.stdout.write(HELP)
        return int(ExitCode.OK)
    settings = _Settings(command.own, quiet=command.switch("quiet"))
    with contextlib.ExitStack() as loaded:

        def meanwhile(iidfile: str) -> None:
            settings.open()  # before others load what it needs

            def foresee(over: threading.Event) -> bool:
                settings.ahead = _ahead(command, settings)
                return settings.ahead.work(iidfile, over)

            loaded.callback(WarmUp(pushing=command.switch("push"), foresee=foresee).end)

        def check() -> None:
            try:
                settings.check()
            except UsageError:
                _say_what_was_meant(command)
                raise

        built = build(command, before=check, meanwhile=meanwhile)
    if built.place is None:
        if built.why:
            note(f"lading: nothing was attested: {built.why}.")
        elif built.status:
            _say_what_was_meant(command)
        elif command.wants_help:
            note("\nOptions of lading's own: `lading build --lading-help`")
        return built.status
    release = _release(built, settings)
    _say(release, quiet=settings.quiet)
    if settings.bom_output:
        _write_boms(settings.bom_output, release)
    if settings.summary_json:
        _write_summary(settings.summary_json, release, settings.verdict)
    return int(ExitCode.OK)


class _Settings:
    """The effective settings: command line over environment over ``lading.toml``."""

    def __init__(self, own: dict[str, str], *, quiet: bool = False) -> None:
        config = load_config()

        def value(name: str) -> str | None:
            return own.get(name) or config.get("build", name)

        self.own = own
        self.quiet = quiet
        self.evidence = value("evidence")
        self.bom_output = value("bom-output")
        self.summary_json = value("summary-json")
        self.model_evidence = value("model-evidence")
        self.attested_models = "require-attested-models" in own or config.switch(
            "build", "require-attested-models"
        )
        self.no_attest = "no-attest" in own or config.switch("build", "no-attest")
        self.policy_file = value("policy-file")
        self.previous = value("previous")
        self.verdict_output = value("verdict")
        self.policy: Policy | None = None
        self.verdict: Verdict | None = None
        self.signing: SigningOptions | None = None
        self.signer: Signer | None = None
        self.ahead: Ahead | None = None

    def check(self) -> None:
        """Open policy and signer before docker starts: a build must not end at a mistyped word.

        A key file that is known to open is opened by :meth:`open`, beside docker.
        """
        if self.policy_file:
            from pathlib import Path

            from lading.cli.judging import check_outputs
            from lading.usecases.policy import load_policy

            check_outputs([self.verdict_output] if self.verdict_output else None)
            self.policy = load_policy(Path(self.policy_file))
        written = (self.bom_output, self.summary_json if self.summary_json != "-" else None)
        if any(written):
            from pathlib import Path

            from lading.cli.files import insist_on_place

            for path in filter(None, written):
                insist_on_place(Path(path))
        for name in ("verdict", "previous"):
            if name in self.own and not self.policy_file:
                raise UsageError(
                    f"--{name} is about a policy, and there is none", wanted="--policy-file FILE"
                )
        if self.no_attest:
            return
        from lading.cli import opened
        from lading.cli.signing import signing_options

        self.signing = signing_options(self.own)
        mark = opened.mark_of(self.signing)
        if mark is None or not opened.is_known(mark):
            asked = self.open()
            if mark is not None and not asked:
                opened.keep(mark)

    def open(self) -> bool:
        """Open the signer unless it is open; say whether a password was asked for."""
        if self.signing is None or self.signer is not None:
            return False
        from lading.cli.signing import key_password, opened_signer

        asked = []

        def password() -> bytes | None:
            asked.append(True)
            return key_password()()

        self.signer = opened_signer(self.signing, password)
        return bool(asked)


def _say_what_was_meant(command: BuildCommand) -> None:
    found = meant(command)
    if found:
        theirs, ours = plain(found[0]), found[1]
        note(f"lading: --{theirs} is taken for docker's. Did you mean lading's --{ours}?")


def _ahead(command: BuildCommand, settings: _Settings) -> Ahead:
    """Return what knows ahead: of an engine's image, the first name the user gave it."""
    from lading.cli.ahead import Ahead
    from lading.usecases.build import name_of
    from lading.usecases.evidence import is_local

    def match(found: Inspection) -> Inspection:
        return _matched([found], settings, required=False)[0]

    places = (settings.evidence, settings.model_evidence)
    near = all(is_local(place) for place in places if place)  # nobody far away is asked twice
    return Ahead(name_of(command), match if near else None, told=not settings.quiet)


def _release(built: Built, settings: _Settings) -> Release:
    from lading.usecases import release
    from lading.usecases.attest import make_bom
    from lading.usecases.evidence import open_evidence

    timings = release.Timings()
    inspections = _inspect(built, settings, timings)
    with timings.measure("match"):
        inspection, *others = _matched(inspections, settings, required=settings.attested_models)
    place = settings.evidence
    wanted = settings.signer or settings.policy
    made = wiring.provenance(built, [inspection, *others]) if wanted else None
    policy = _passed_policy(built, [inspection, *others], made, settings, timings)
    if settings.signer is None:
        if built.push:
            return release.only_push(built.references, inspection, wiring.engine_push, timings)
        document = make_bom(inspection)
        return release.Release(built.name, inspection, document, timings=timings.seconds)
    how = release.Attesting(
        settings.signer,
        wiring.repository_opener(),
        timings,
        evidence=open_evidence(place) if place else None,
        provenance=made,
        policy=policy,
    )
    if built.push:
        return release.push_and_attest(built.references, inspection, how, wiring.engine_push)
    if built.place == "registry":
        return release.attest_everywhere(built.references, inspection, how, others=others)
    return release.attest_local(built.name, inspection, how, how.evidence or open_evidence(place))


def _passed_policy(
    built: Built,
    inspections: list[Inspection],
    made: Mapping[str, Any] | None,
    settings: _Settings,
    timings: Timings,
) -> PolicyId:
    """Return the policy that the image passed before its push, or stop.

    A policy with rules about what is attached later has not been passed yet: no seal names it.

    Raises:
        PolicyRefusal: the policy says no; its verdict was shown.
    """
    from lading.attest.vsa import ATTESTED_POLICY

    if settings.policy is None:
        return ATTESTED_POLICY
    from lading.cli import judging
    from lading.usecases.attest import make_bom
    from lading.usecases.policy import judge_build, refuse

    with timings.measure("policy"):
        facts = inspections[0].image
        settings.verdict = verdict = judge_build(
            settings.policy,
            built.name,
            facts.index_digest or facts.manifest_digest or facts.config_digest,
            [make_bom(one) for one in inspections],
            provenance=made,
            previous=judging.configured_previous(settings.previous, built.name),
            lookup=judging.look_up,
        )
    judging.write_outputs(verdict, [settings.verdict_output] if settings.verdict_output else None)
    note(judging.as_table(verdict))
    refuse(verdict)
    return verdict.policy if verdict.complete else ATTESTED_POLICY


def _inspect(built: Built, settings: _Settings, timings: Timings) -> list[Inspection]:
    with timings.measure("inspect"):
        if built.place != "registry":
            from lading.cli.ahead import Ahead

            ahead = settings.ahead or Ahead(built.name, told=not settings.quiet)
            return [ahead.inspect(built.image_id, built.name)]
        reference, digest = built.references[0], built.manifest_digest
        return wiring.inspect_pushed(
            reference.with_digest(digest) if digest else reference, name=built.name
        )


def _matched(
    inspections: list[Inspection], settings: _Settings, *, required: bool
) -> list[Inspection]:
    from lading.cli.matching import match_attested

    places = [one for one in (settings.evidence, settings.model_evidence) if one]
    return match_attested(inspections, signer=settings.signer, evidence=places, required=required)


def _write_boms(place: str, release: Release) -> None:
    """Write the BOM; those of a multi-platform image's others beside it, by their platform."""
    from pathlib import Path

    from lading.cli.files import write_file

    path = Path(place)
    write_file(path, release.document)
    for one in release.others:
        platform = str(one.inspection.image.platform).replace("/", "-")
        write_file(path.with_name(f"{path.stem}.{platform}{path.suffix}"), one.document)


def _say(release: Release, *, quiet: bool) -> None:
    """Sum up; after ``docker build -q`` only what is serious is said."""
    from lading.cli.summary import finding_lines, release_text

    if not quiet:
        note("")
        note(release_text(release))
        return
    for one in release.platforms:
        for line in finding_lines(one.inspection.findings):
            note(line)


def _write_summary(place: str, release: Release, verdict: Verdict | None) -> None:
    import json

    judged = verdict.to_json() if verdict else None
    document = json.dumps({**release.to_json(), "policy": judged}, indent=2) + "\n"
    if place == "-":
        note(document)
        return
    from pathlib import Path

    from lading.cli.files import write_file

    write_file(Path(place), document.encode())
