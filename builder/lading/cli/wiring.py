"""What the verbs share: the real parts behind the use cases' protocols, opened when needed."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lading.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.attest.interface import Signer, Verifier
    from lading.inventory import Inspection
    from lading.usecases.locate import Ports
    from lading_oci.interface import Repository
    from lading_oci.references import Reference

__all__ = [
    "RequestCounter",
    "configured_signer",
    "configured_verifier",
    "engine_push",
    "inspect",
    "key_signer",
    "key_verifier",
    "ports",
    "repository_opener",
]


def ask_password() -> str:
    """Ask on the terminal, never echoing; raise when there is none to ask on."""
    if not sys.stdin.isatty():
        raise UsageError(
            "The private key is encrypted and there is nobody to ask for its password",
            hint="Set LADING_KEY_PASSWORD.",
        )
    return getpass.getpass("Password of the private key: ")


def key_signer(path: str) -> Signer:
    """Open a private key file now, so that a wrong password stops a build before it starts."""
    from lading.attest.keys import environment_password, load_private
    from lading.attest.signers.key import KeySigner

    return KeySigner(load_private(Path(path), environment_password(ask_password)))


def key_verifier(paths: list[Path]) -> Verifier:
    """Trust any of the given public keys."""
    from lading.attest.keys import load_public
    from lading.attest.verifiers.key import KeyVerifier

    return KeyVerifier([load_public(path) for path in paths])


@dataclass(slots=True)
class RequestCounter:
    """Counts HTTP exchanges with registries; ``verify --json`` reports them."""

    count: int = 0

    def __call__(self, _method: str, _url: str) -> None:
        """Count one."""
        self.count += 1


def repository_opener(
    *, insecure: bool = False, counter: RequestCounter | None = None
) -> Callable[[Reference], Repository]:
    """Return what opens a reference's repository, once per repository."""
    from lading_oci.registry import open_registry

    opened: dict[str, Repository] = {}

    def open_repository(reference: Reference) -> Repository:
        if reference.name not in opened:
            opened[reference.name] = open_registry(reference, insecure=insecure, on_request=counter)
        return opened[reference.name]

    return open_repository


def inspect(
    target: str, *, name: str | None = None, platform: str | None = None, insecure: bool = False
) -> Inspection:
    """Look inside a TARGET with the layer cache and the newest syft; ``name`` is its other name."""
    from lading.image import open_image
    from lading.image.cache import LayerCache
    from lading.packages import find_syft
    from lading.usecases.inspect import inspect_image
    from lading.usecases.layer_scan import SCANNER_VERSION

    cache = None if os.environ.get("LADING_NO_CACHE") else LayerCache(None, SCANNER_VERSION)
    opener = repository_opener(insecure=insecure)
    image = open_image(target, platform=platform, repository_opener=opener)
    try:
        return inspect_image(image, name or target, find_syft=find_syft, cache=cache)
    finally:
        image.close()


def configured_signer(option: str | None) -> Signer:
    """Return the signer that the option, or ``[build] signing-key`` of ``lading.toml``, names."""
    from lading.config import load_config

    path = option or load_config().get("build", "signing-key")
    if not path:
        raise UsageError(
            "There is nothing to sign with",
            hint="Make a key pair once with `lading keygen` and pass "
            "--signing-key lading.key (or set LADING_SIGNING_KEY, or signing-key in [build] of "
            "lading.toml); `lading build --no-attest` builds without evidence.",
        )
    return key_signer(path)


def configured_verifier(options: list[Path] | None) -> Verifier:
    """Return the verifier that the options, or ``[verify] key`` of ``lading.toml``, name."""
    from lading.config import load_config

    configured = options or load_config().get("verify", "key")
    if not configured:
        raise UsageError(
            "Nobody is trusted: there is no public key to verify with",
            hint="Pass --key lading.pub (or set LADING_KEY, or key in [verify] of lading.toml).",
        )
    paths = [configured] if isinstance(configured, str) else configured
    return key_verifier([Path(path) for path in paths])


def ports(*, evidence: str | None, insecure: bool, counter: RequestCounter | None = None) -> Ports:
    """Return the real registries, the evidence store and the engine's socket."""
    from lading.engine.probe import engine_image
    from lading.usecases.evidence import open_evidence
    from lading.usecases.locate import Ports

    return Ports(
        registry=repository_opener(insecure=insecure, counter=counter),
        local=lambda: open_evidence(evidence, insecure=insecure),
        engine=engine_image,
    )


def engine_push(reference: Reference) -> str:
    """Push one name of an engine's image; the digest of its manifest comes back."""
    from lading.cli.progress import push_progress
    from lading.engine.client import Engine

    repository, _, tag = reference.familiar().rpartition(":")
    with Engine.connect() as engine, push_progress(reference.familiar()) as progress:
        return engine.push(repository, tag, progress)
