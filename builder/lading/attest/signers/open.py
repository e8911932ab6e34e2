"""From what a user says to a signer: a key file, a key service, a certificate, or an identity."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lading.attest.interface import SignerIdentity
from lading.attest.keys import key_id, load_private
from lading.attest.signers.key import KeySigner
from lading.attest.signers.options import Asking, SigningOptions
from lading.errors import InputError, UsageError
from lading.limits import LIMITS

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig

    from lading.attest.interface import Signer
    from lading.attest.keys import PasswordSource, PublicKey
    from lading.attest.signers.kms import KmsSigner
    from lading.attest.tokens import IdentityToken

__all__ = ["Asking", "SigningOptions", "open_signer", "public_half"]


def open_signer(options: SigningOptions, asking: Asking) -> Signer:
    """Return the signer, opened as far as can be: a password is asked and a key service reached.

    Raises:
        UsageError: options that exclude each other.
        SigningKeyError: the key or its certificate cannot be used.
        InputError: a file or token is bad.
        RegistryError: a service did not answer as needed.
    """
    if options.keyless == (options.key is not None):
        raise UsageError("Signing takes either a key or an identity", wanted="one of both")
    return _keyless(options, asking) if options.key is None else _with_key(options, asking)


def public_half(key: str, password: PasswordSource) -> PublicKey:
    """Return the public key that belongs to a private one: a file's or a key service's.

    Raises:
        UsageError: a URI that names no key.
        SigningKeyError: the key cannot be used.
        RegistryError: a service did not answer as needed.
    """
    if _is_service(key):
        return _service(key, password).public_key
    return load_private(Path(key), password).public_key()


def _with_key(options: SigningOptions, asking: Asking) -> Signer:
    if options.certificate and options.log:
        raise UsageError(
            "The log takes signatures by bare keys and by Sigstore's own certificates",
            got="--tlog with --certificate",
            hint="Use --timestamp: it lets a certificate's signature outlive the certificate.",
        )
    signer, public_key = _key(options.key or "", asking, deterministic=not options.log)
    if options.certificate:
        from lading.attest.certificates import load_chain
        from lading.attest.signers.certificate import CertificateSigner

        signer = CertificateSigner(signer, public_key, load_chain(options.certificate)[0])
    if not (options.log or options.timestamp):
        return signer
    if options.log:
        asking.announce(SignerIdentity("key", key_id(public_key)))
    from lading.attest.signers.witnessed import WitnessedSigner

    return WitnessedSigner(
        signer, public_key, _sigstore(options), log=options.log, timestamp=options.timestamp
    )


def _key(key: str, asking: Asking, *, deterministic: bool) -> tuple[Signer, PublicKey]:
    if _is_service(key):
        service = _service(key, asking.password)
        return service, service.public_key
    private = load_private(Path(key), asking.password)
    return KeySigner(private, deterministic=deterministic), private.public_key()


def _is_service(key: str) -> bool:
    if ":" not in key:
        return False
    from lading.attest.signers.kms_uris import is_kms_uri  # a file's name mostly has no colon

    return is_kms_uri(key)


def _service(uri: str, password: PasswordSource) -> KmsSigner:
    from lading.attest.signers.kms import KmsSigner

    return KmsSigner(uri, password)


def _keyless(options: SigningOptions, asking: Asking) -> Signer:
    from lading.attest.signers.announced import AnnouncedSigner
    from lading.attest.tokens import ambient_token

    config = _sigstore(options)
    given = options.identity_token
    if given is not None:
        signer = AnnouncedSigner(config, lambda: _given_token(given), asking.announce)
    elif (token := ambient_token(now=_now())) is not None:
        signer = AnnouncedSigner(config, _ambient_again, asking.announce, first=token)
    elif (sign_in := asking.sign_in) is not None:
        # asked when it is time to sign: such a token lives for a minute
        issuer = _identity_provider(config)
        return AnnouncedSigner(config, lambda: sign_in(issuer), asking.announce)
    else:
        raise UsageError(
            "There is no identity to sign as: this is no automation that gives one, and there is "
            "nobody to sign in",
            hint="Give --identity-token FILE, run on a terminal, or sign with --signing-key.",
        )
    signer.prepare()
    return signer


def _ambient_again() -> IdentityToken:
    from lading.attest.tokens import ambient_token

    token = ambient_token(now=_now())
    if token is None:
        raise InputError("this automation has stopped to give identity tokens")
    return token


def _given_token(text: str) -> IdentityToken:
    """Read a token anew each time: whoever keeps a file of it fresh is not to be ignored."""
    from lading.attest.tokens import read_token

    if text.startswith("eyJ") and text.count(".") == 2:  # {" in base64: a JSON Web Token
        return read_token(text, now=_now())
    try:
        with Path(text).open("rb") as file:
            raw = file.read(LIMITS.identity_token + 1)
    except OSError as e:
        raise InputError(
            "the identity token cannot be read", where=text[:160], got=e.strerror
        ) from e
    return read_token(raw.decode("ascii", "replace"), now=_now())


def _identity_provider(config: ClientTrustConfig) -> str:
    from sigstore.errors import Error

    try:
        return config.signing_config.get_oidc_url()
    except Error as e:
        raise InputError("the trust configuration names no identity provider to sign in at") from e


def _sigstore(options: SigningOptions) -> ClientTrustConfig:
    from lading.attest.trust import client_trust_config, public_good

    if options.trust_config:
        return client_trust_config(options.trust_config)
    return public_good()


def _now() -> datetime:
    return datetime.now(UTC)
