"""Sigstore's signing services through sigstore-python's clients, bounded and with one error tree.

What those clients lack is added here and nowhere else: timeouts, bounds, no redirects, Fulcio's
own text when it refuses, a timestamp authority that counts, and errors of ours.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lading.errors import InputError, LadingError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sigstore.models import ClientTrustConfig

__all__ = ["Services", "open_services", "translated"]


@dataclass(frozen=True, slots=True)
class Services:
    """A private or public instance's clients; ``log`` is the first that its operator selects."""

    fulcio: Any
    log: Any
    authorities: tuple[StrictAuthority, ...]


def open_services(config: ClientTrustConfig) -> Services:
    """Return the clients of the services that ``config`` names, with all bounds on them.

    Raises:
        RegistryError: by :func:`translated`, in which this is to be called.
    """
    from lading.attest.sessions import bound

    services = config.signing_config
    fulcio, log = services.get_fulcio(), services.get_tlogs()[0]
    authorities = tuple(StrictAuthority(authority) for authority in services.get_tsas())
    bound(fulcio.session)
    for client in (log, *(one.inner for one in authorities)):
        bound(client._session)  # noqa: SLF001 - there is no other way to bound it
    return Services(fulcio, log, authorities)


class StrictAuthority:
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
def translated() -> Iterator[None]:
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
