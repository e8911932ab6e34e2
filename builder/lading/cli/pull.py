"""``lading pull``: resolve, verify, docker pull by digest, tag."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lading.cli import options
from lading.cli.asking import ASKED
from lading.cli.verifying import Question
from lading.config import Layer

if TYPE_CHECKING:
    import typer

    from lading.usecases.pull import Pulled
    from lading.usecases.targets import NamedImage

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("pull", help="Verify an image, and pull exactly that one into the engine.")(_pull)


@options.collected("asked", ASKED)
@options.collected("trust", options.TRUST)
def _pull(
    image: options.Image,
    trust: Layer,
    asked: Layer,
    evidence: options.Evidence = None,
    insecure: options.Insecure = False,
    json: options.Json = False,
) -> None:
    from lading.cli import wiring
    from lading.cli.render import print_json, say
    from lading_oci.errors import FactsError

    counter = wiring.RequestCounter()
    ports = wiring.ports(evidence=evidence, insecure=insecure, counter=counter)
    question = Question(_named(image), ports, trust, asked, counter)
    try:
        question.resolve()
        question.settle(asked["platform"])
        pulled = _pull_into_engine(question)
    except FactsError as error:
        question.refuse(image, error, json=json, more={"pulled": None})
    if json:
        print_json({**question.yes_json(), "pulled": pulled.to_json()})
        return
    for line in question.yes_text():
        say(line)
    say(f"pulled    {pulled.name or pulled.reference} ({pulled.image_id})")


def _named(image: str) -> NamedImage:
    """Parse the name; what is pulled is the registry's, whatever the engine has under it."""
    from lading.errors import UsageError
    from lading.usecases.targets import Scope, parse_image

    named = parse_image(image)
    if named.scope is Scope.ENGINE:
        raise UsageError("An image of the engine cannot be pulled", got=image)
    reference = named.reference
    if reference.tag is None and reference.digest is None:
        reference = reference.with_tag("latest")
    return replace(named, reference=reference, scope=Scope.REGISTRY)


def _pull_into_engine(question: Question) -> Pulled:
    from lading.cli.progress import transfer_progress
    from lading.engine.client import Engine
    from lading.usecases.pull import pull_verified

    verification, reference = question.verification, question.named.reference
    if verification is None:
        raise AssertionError("an image is pulled after a yes")
    with Engine.connect() as engine, transfer_progress("pulling", reference.familiar()) as progress:
        return pull_verified(
            reference,
            (verification.platforms or (verification.digest,))[0],
            repository=question.ports.registry(reference),
            engine=engine,
            progress=progress,
        )
