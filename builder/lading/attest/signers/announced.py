"""Keyless signing that gets its token when it signs, and says first what signing will publish.

Identity tokens live for minutes and a build may take longer, so a token is asked for again when
the last one has run out. Whatever name a token has is announced before it goes to Fulcio.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from lading.attest.signers.keyless import KeylessSigner

if TYPE_CHECKING:
    from collections.abc import Callable

    from sigstore.models import ClientTrustConfig

    from lading.attest.interface import SignerIdentity
    from lading.attest.tokens import IdentityToken

__all__ = ["AnnouncedSigner"]

_MARGIN: Final = 20.0  # seconds that a token must live for one more signature


class AnnouncedSigner:
    """A :class:`~lading.attest.interface.Signer` for whoever ``source`` gives a token of.

    ``first`` is a token that was had already; ``source`` is asked once that has run out.
    """

    def __init__(
        self,
        config: ClientTrustConfig,
        source: Callable[[], IdentityToken],
        announce: Callable[[SignerIdentity], None],
        first: IdentityToken | None = None,
    ) -> None:
        self._config: Final = config
        self._source: Final = source
        self._announce: Final = announce
        self._token: IdentityToken | None = first
        self._announced: SignerIdentity | None = None

    def prepare(self) -> None:
        """Get a token and announce its name now, so that nothing is built which cannot be signed.

        Raises:
            InputError, RegistryError: there is no token to be had.
        """
        self._fresh()

    def sign(self, statement: bytes) -> bytes:
        """Return the bundle over ``statement``; raises as the keyless signer and the source."""
        return KeylessSigner(self._config, self._fresh()).sign(statement)

    def _fresh(self) -> IdentityToken:
        token = self._token
        if token is None or token.expires < time.time() + _MARGIN:
            token = self._token = self._source()
        if token.identity != self._announced:
            self._announce(token.identity)
            self._announced = token.identity
        return token
