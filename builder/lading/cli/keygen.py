"""``lading keygen``: a signing key pair."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lading.cli import options

__all__ = ["register"]


class KeyKind(StrEnum):
    """Kinds of key that can sign."""

    P256 = "p256"
    P384 = "p384"
    ED25519 = "ed25519"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("keygen", help="Make a signing key pair: NAME.key (encrypted) and NAME.pub.")(
        _keygen
    )


def _keygen(
    name: Annotated[
        Path, typer.Option("--output", "-o", metavar="NAME", help="Path without suffix.")
    ] = Path("lading"),
    kind: Annotated[KeyKind, typer.Option("--kind", help="Kind of key.")] = KeyKind.P256,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Leave the private key unencrypted.")
    ] = False,
    json: options.Json = False,
) -> None:
    from lading.attest.keys import generate, key_id, load_public, write_pair
    from lading.cli.render import note, print_json

    password = None if no_password else _new_password()
    pair = generate(kind.value, password)
    private, public = (name.parent / f"{name.name}.{end}" for end in ("key", "pub"))
    write_pair(pair, private, public)
    identity = key_id(load_public(pair.public_pem))
    if json:
        print_json({"private_key": str(private), "public_key": str(public), "key_id": identity})
    else:
        note(f"private key  {private} ({'not encrypted' if no_password else 'encrypted'})")
        note(f"public key   {public}")
        note(f"key ID       {identity}")


def _new_password() -> bytes:
    import getpass
    import os

    from lading.attest.keys import PASSWORD_VARIABLE
    from lading.errors import UsageError

    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given.encode()
    if not sys.stdin.isatty():
        raise UsageError(
            "The private key needs a password and there is nobody to ask for one",
            hint=f"Set {PASSWORD_VARIABLE}, or say --no-password.",
        )
    first = getpass.getpass("New password of the private key: ")
    if not first:
        raise UsageError("The password is empty", hint="Say --no-password if that is meant.")
    if first != getpass.getpass("The same again: "):
        raise UsageError("The two passwords differ")
    return first.encode()
