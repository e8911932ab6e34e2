"""What a user says about signing, and how the user is reached: known before anything is opened."""

from __future__ import annotations

from lading.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.attest.interface import SignerIdentity
    from lading.attest.keys import PasswordSource
    from lading.attest.tokens import IdentityToken

__all__ = ["Asking", "SigningOptions"]


@record
class SigningOptions:
    """How to sign. Exactly one of ``key`` (a file or a key service's URI) and ``keyless``.

    ``trust_config`` is a private Sigstore's ClientTrustConfig file, None the public one;
    ``identity_token`` a token or a file with one; ``certificate`` a PEM file for the key; ``log``
    and ``timestamp`` have a key's signature witnessed (a keyless one always is).
    """

    key: str | None = None
    keyless: bool = False
    identity_token: str | None = None
    trust_config: str | None = None
    certificate: str | None = None
    log: bool = False
    timestamp: bool = False


@record
class Asking:
    """How to reach the person, if there is one.

    ``sign_in`` asks at an identity provider (its URL) and is None when nobody is there;
    ``announce`` shows the identity, or the key, that signing will publish.
    """

    password: PasswordSource
    announce: Callable[[SignerIdentity], None]
    sign_in: Callable[[str], IdentityToken] | None = None
