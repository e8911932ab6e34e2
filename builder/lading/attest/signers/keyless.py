"""Signing without a key of one's own: Fulcio certifies an ephemeral one for an OIDC identity.

Specification: sigstore ``client-spec`` "Signing". sigstore-python does the protocol; here are the
bounds on its calls, the services' own words when they refuse, and the rule that no bundle leaves
that does not verify. What Fulcio and the log are sent becomes public and stays so.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lading.attest.bundle import parse_bundle
from lading.attest.identities import TrustedIdentity
from lading.attest.statement import parse_statement
from lading.errors import InputError, LadingError, RegistryError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sigstore.models import ClientTrustConfig
    from sigstore.sign import SigningContext

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

        parse_statement(statement)
        with _translated():
            context = _context(self._config)
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


def _context(config: ClientTrustConfig) -> SigningContext:
    from sigstore.sign import SigningContext

    from lading.attest.sessions import bound

    services = config.signing_config
    fulcio, log = services.get_fulcio(), services.get_tlogs()[0]
    authorities = [_StrictAuthority(authority) for authority in services.get_tsas()]
    bound(fulcio.session)
    for client in (log, *(one.inner for one in authorities)):
        bound(client._session)  # noqa: SLF001 - there is no other way to bound it
    return SigningContext(
        fulcio=fulcio,
        rekor=log,
        trusted_root=config.trusted_root,
        tsa_clients=authorities,  # type: ignore[arg-type]
    )


class _StrictAuthority:
    """A timestamp authority whose failure stops signing before anything reaches the log.

    sigstore-python logs it as a warning and goes on, to an unusable bundle and a public entry.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.url: str = inner.url

    def request_timestamp(self, signature: bytes) -> Any:
        from sigstore._internal.timestamp import TimestampError

        try:
            return self.inner.request_timestamp(signature)
        except TimestampError as e:
            raise RegistryError(
                "the timestamp authority did not answer as needed",
                where=self.url,
                got=_words(e),
            ) from e


@contextmanager
def _translated() -> Iterator[None]:
    """Turn whatever sigstore-python raises into errors of ours; it has no one root of its own."""
    import requests
    from sigstore._internal.fulcio.client import ExpiredCertificate, FulcioClientError
    from sigstore._internal.rekor import RekorClientError
    from sigstore.errors import Error
    from sigstore.oidc import ExpiredIdentity

    from lading.attest.sessions import describe

    try:
        yield
    except LadingError:
        raise
    except (ExpiredIdentity, ExpiredCertificate) as e:
        raise InputError("the identity token has expired", hint="get a new one") from e
    except FulcioClientError as e:
        raise _refused_by_fulcio(e) from e
    except RekorClientError as e:
        raise RegistryError("the transparency log refused the entry", got=_words(e)) from e
    except requests.RequestException as e:
        where = e.request.url if e.request is not None else None
        raise RegistryError(
            "a signing service did not answer as needed", where=where, got=describe(e)
        ) from e
    except (Error, ValueError, KeyError, TypeError) as e:
        raise RegistryError(
            "signing failed on what a service sent", got=f"{type(e).__name__}: {_words(e)}"
        ) from e


def _refused_by_fulcio(error: Exception) -> LadingError:
    """sigstore-python loses Fulcio's own text; it is in the HTTP answer behind the error."""
    import requests

    from lading.attest.sessions import describe

    cause = error.__cause__
    if not isinstance(cause, requests.HTTPError) or cause.response is None:
        return RegistryError("Fulcio gave no certificate", got=_words(error))
    said, url, status = describe(cause), cause.response.url, cause.response.status_code
    if status in {400, 401, 403}:
        return InputError(
            "Fulcio did not accept the identity token",
            where=url,
            got=said,
            hint="is its issuer known to this Fulcio, its e-mail verified, the clock right?",
        )
    return RegistryError("Fulcio gave no certificate", where=url, got=said)


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
