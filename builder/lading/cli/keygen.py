"""``lading keygen``: a signing key pair, or the public half of a key that there is."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lading.cli import options

if TYPE_CHECKING:
    from lading.attest.keys import PublicKey

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
    kind: Annotated[
        KeyKind | None,
        typer.Option("--kind", metavar="p256|p384|ed25519", help="Kind of key; p256 unless said."),
    ] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Leave the private key unencrypted.")
    ] = False,
    public_of: Annotated[
        str | None,
        typer.Option(
            "--public-of",
            metavar="FILE|URI",
            help="Make no key: write NAME.pub, the public half of a private key in a file or a "
            "key service.",
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    private, public = (name.parent / f"{name.name}.{end}" for end in ("key", "pub"))
    if public_of is not None:
        from lading.errors import UsageError

        if kind is not None or no_password:
            raise UsageError(
                "--public-of makes no key",
                got=f"--public-of with {'--no-password' if no_password else '--kind'}",
            )
        _write_public(public_of, public, json=json)
        return
    from lading.attest.keys import generate, insist_on_new, load_public, write_pair

    insist_on_new(private, public)  # before a password is asked for
    password = None if no_password else _new_password()
    pair = generate((kind or KeyKind.P256).value, password)
    write_pair(pair, private, public)
    protection = "not encrypted" if no_password else "encrypted"
    _tell(load_public(pair.public_pem), public, private, protection, json=json)


def _write_public(key: str, path: Path, *, json: bool) -> None:
    from lading.attest.keys import write_public
    from lading.attest.signers.open import public_half
    from lading.cli.signing import key_password

    public_key = public_half(key, key_password())
    write_public(public_key, path)
    _tell(public_key, path, json=json)


def _tell(
    key: PublicKey,
    public: Path,
    private: Path | None = None,
    protection: str = "",
    *,
    json: bool,
) -> None:
    from lading.attest.keys import key_id
    from lading.cli.render import note, print_json

    if json:
        paths = {} if private is None else {"private_key": str(private)}
        print_json({**paths, "public_key": str(public), "key_id": key_id(key)})
        return
    if private is not None:
        note(f"private key  {private} ({protection})")
    note(f"public key   {public}")
    note(f"key ID       {key_id(key)}")


def _new_password() -> bytes:
    import os

    from lading.attest.keys import PASSWORD_VARIABLE
    from lading.cli.signing import typed_password
    from lading.errors import UsageError

    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return os.fsencode(given)
    if not sys.stdin.isatty():
        raise UsageError(
            "The private key needs a password and there is nobody to ask for one",
            hint=f"Set {PASSWORD_VARIABLE}, or say --no-password.",
        )
    first = typed_password("New password of the private key: ")
    if not first:
        raise UsageError("The password is empty", hint="Say --no-password if that is meant.")
    if first != typed_password("The same again: "):
        raise UsageError("The two passwords differ")
    return os.fsencode(first)
