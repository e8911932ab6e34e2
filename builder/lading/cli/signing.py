"""How to sign, as the command line, ``LADING_*`` and ``lading.toml`` say together."""

from __future__ import annotations

import os
import sys

from lading.config import load_config
from lading.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from lading.attest.interface import Signer, SignerIdentity
    from lading.attest.keys import PasswordSource
    from lading.attest.signers.options import SigningOptions
    from lading.attest.tokens import IdentityToken
    from lading.config import Layer

__all__ = [
    "configured_signer",
    "key_password",
    "opened_signer",
    "signing_options",
    "typed_password",
]

_WAYS: Final = ("signing-key", "keyless", "identity-token")


def configured_signer(given: Layer) -> Signer:
    """Return the signer that the settings name, ready: nobody is asked for a password later.

    Raises:
        UsageError: there is nothing to sign with, or two things.
        InputError, RegistryError: as :func:`lading.attest.signers.open.open_signer`.
    """
    return opened_signer(signing_options(given), key_password())


def opened_signer(options: SigningOptions, password: PasswordSource) -> Signer:
    """Return the signer that ``options`` name, ready; ``password`` is asked for an encrypted key.

    Raises:
        UsageError, InputError, RegistryError: as :func:`lading.attest.signers.open.open_signer`.
    """
    from lading.attest.signers.open import Asking, open_signer

    sign_in = _sign_in if sys.stdin.isatty() else None
    return open_signer(options, Asking(password, _announce, sign_in))


def key_password() -> PasswordSource:
    """Return where the password of a private key comes from: the environment, or who is there."""
    from lading.attest.keys import environment_password

    return environment_password(_ask_password)


def signing_options(given: Layer) -> SigningOptions:
    """Settle who signs: the first of command line, environment and file that says so decides.

    What belongs to that choice (a key's certificate) is taken from there or from above, so that
    a file's certificate is not put under a command line's key.

    Raises:
        UsageError: nobody says so, or one of them says two things.
    """
    from lading.attest.signers.options import SigningOptions

    layers = load_config().layers("build", given)
    at = next((n for n, layer in enumerate(layers) if layer.keys() & {*_WAYS}), None)
    if at is None:
        raise UsageError(
            "There is nothing to sign with",
            hint="Make a key pair once with `lading keygen` and pass --signing-key lading.key "
            "(or LADING_SIGNING_KEY, or signing-key in [build] of lading.toml); or sign with an "
            "identity: --keyless. `lading build --no-attest` builds without evidence.",
        )
    key = layers[at].get("signing-key")
    clash = layers[at].keys() & ({"keyless", "identity-token"} if key else {"certificate"})
    if clash:
        raise UsageError(
            "Signing takes either a key or an identity",
            got=f"--{min(clash)} with {'--signing-key' if key else 'an identity'}",
        )
    return SigningOptions(
        key=key,
        keyless=key is None,
        identity_token=None if key else _first(layers, "identity-token"),
        trust_config=_first(layers, "trust-config"),
        certificate=_first(layers[: at + 1], "certificate") if key else None,
        log=bool(_first(layers, "tlog")),
        timestamp=bool(_first(layers, "timestamp")),
    )


def _first(layers: Sequence[Layer], name: str) -> Any:
    return next((layer[name] for layer in layers if name in layer), None)


def typed_password(prompt: str) -> str:
    """Ask on the terminal, never echoing.

    Raises:
        UsageError: the terminal was left (control-D) in place of an answer.
    """
    import getpass

    try:
        return getpass.getpass(prompt)
    except EOFError as error:
        print(file=sys.stderr)  # the prompt's line is still open
        raise UsageError(
            "No password was given", hint="Type it, or set LADING_KEY_PASSWORD."
        ) from error


def _ask_password() -> str:
    """Ask on the terminal; raise when there is none to ask on."""
    if not sys.stdin.isatty():
        raise UsageError(
            "The private key is encrypted and there is nobody to ask for its password",
            hint="Set LADING_KEY_PASSWORD.",
        )
    return typed_password("Password of the private key: ")


def _announce(identity: SignerIdentity) -> None:
    from lading.cli.render import note, plain

    note(f"lading: signing as {plain(str(identity))}")
    published = "public key" if identity.kind == "key" else "name"
    note(f"lading: this {published} becomes public, in logs that anybody can read, for ever")


def _sign_in(issuer: str) -> IdentityToken:
    """Ask in the browser of this machine, or where it has none, on another device."""
    from datetime import UTC, datetime

    from lading.attest.login import browser_token, device_token
    from lading.cli.render import note, plain

    def show(text: str) -> None:
        note("\n".join(plain(line) for line in text.splitlines()))

    show(f"lading: sign in at {issuer}; the name you sign in as becomes public")
    ask = browser_token if _has_browser() else device_token
    return ask(issuer, now=lambda: datetime.now(UTC), show=show)


def _has_browser() -> bool:
    remote = bool(os.environ.get("SSH_CONNECTION"))
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return not remote and (sys.platform in {"darwin", "win32"} or bool(screen))
