"""Signing without a key of one's own: Fulcio certifies an ephemeral one for an OIDC identity.

Specification: sigstore ``client-spec`` "Signing". sigstore-python does the protocol; here are the
bounds on its calls, the services' own words when they refuse, and the rule that no bundle leaves
that does not verify. What Fulcio and the log are sent becomes public and stays so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.attest.bundle import parse_bundle
from lading.attest.identities import TrustedIdentity
from lading.attest.signers.services import open_services, translated
from lading.attest.statement import check_statement
from lading.errors import VerificationError

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig

    from lading.attest.interface import SignerIdentity
    from lading.attest.tokens import IdentityToken

__all__ = ["KeylessSigner"]


class KeylessSigner:
    """A :class:`~lading.attest.interface.Signer` for an identity token.

    ``identity`` is what will be published; show it before calling :meth:`sign`.
    """

    def __init__(self, config: ClientTrustConfig, token: IdentityToken) -> None:
        self._config: Final = config
        self._token: Final = token

    @property
    def identity(self) -> SignerIdentity:
        """The identity and issuer that signing makes public."""
        return self._token.identity

    def sign(self, statement: bytes) -> bytes:
        """Return the bundle over ``statement``, with certificate, log entry and timestamp.

        Raises:
            VerificationError: ``statement`` is malformed, or the services sent what this
                configuration does not trust.
            InputError: the token is not accepted, or the configuration names no service.
            RegistryError: a service did not answer as needed.
        """
        from sigstore.dsse import Statement
        from sigstore.oidc import IdentityToken as SigstoreToken
        from sigstore.sign import SigningContext

        check_statement(statement)
        with translated():
            services = open_services(self._config)
            context = SigningContext(
                fulcio=services.fulcio,
                rekor=services.log,
                trusted_root=self._config.trusted_root,
                tsa_clients=list(services.authorities),  # type: ignore[arg-type]
            )
            # not cache=False: then it certifies one ephemeral key and signs with another
            with context.signer(SigstoreToken(self._token.raw), cache=True) as signer:
                bundle = signer.sign_dsse(Statement(statement))
            content = parse_bundle(bundle.to_json().encode()).to_bytes()
        self._check(content, statement)
        return content

    def _check(self, content: bytes, statement: bytes) -> None:
        """Verify as others will, but for whom: that is Fulcio's to say, from the token."""
        from lading.attest.verifiers.keyless import ANYBODY, KeylessVerifier

        anybody = [TrustedIdentity(ANYBODY, ANYBODY)]
        verified = KeylessVerifier(self._config.trusted_root, anybody).verify(content)
        if verified.payload != statement:
            raise VerificationError("the bundle does not hold what was signed", code="signature")
