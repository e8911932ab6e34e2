"""What goes wrong at a key service, in words of ours: each client library has its own errors."""

from __future__ import annotations

import logging
import queue
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lading.errors import LadingError, RegistryError, SigningKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading.attest.signers.kms_uris import KeyUri

__all__ = ["explained", "within"]

_T = TypeVar("_T")

# Failures of the way to the service or of the service itself, by the names of their classes: the
# libraries are not imported to look for what they cannot have raised.
_UNANSWERED: Final = frozenset(
    {
        "azure.core.exceptions.ServiceRequestError",
        "azure.core.exceptions.ServiceResponseError",
        "botocore.exceptions.ConnectionError",
        "botocore.exceptions.HTTPClientError",
        "google.api_core.exceptions.RetryError",
        "google.api_core.exceptions.ServerError",
        "google.auth.exceptions.TransportError",
        "hvac.exceptions.BadGateway",
        "hvac.exceptions.InternalServerError",
        "hvac.exceptions.VaultDown",
        "hvac.exceptions.VaultNotInitialized",
        "requests.exceptions.ConnectionError",
        "requests.exceptions.Timeout",
    }
)
_BUSY: Final = 429  # HTTP, as all of 500 and above: the same request may be answered later
# A key of another kind: securesystemslib says it itself, or stumbles over what is not there.
_OTHER_KIND: Final = frozenset(
    {
        "KeyError",
        "TypeError",
        "UnsupportedAlgorithmError",
        "UnsupportedKeyType",
        "UnsupportedOperationException",
        "ValueError",
    }
)
_CREDENTIALS_IN_URL: Final = re.compile(r"://[^/@\s]+@")
_WORDS: Final = 300  # characters of a service's own text that are shown


def within(seconds: float, uri: KeyUri, call: Callable[[], _T]) -> _T:
    """Return ``call()``, or stop waiting for it: retries and slow answers have no other bound.

    Raises:
        RegistryError: it took longer than ``seconds``.
    """
    ended: queue.SimpleQueue[tuple[_T, None] | tuple[None, BaseException]] = queue.SimpleQueue()

    def run() -> None:
        try:
            ended.put((call(), None))
        except BaseException as e:  # noqa: BLE001 - raised again where it is waited for
            ended.put((None, e))

    threading.Thread(target=run, name="key service", daemon=True).start()
    try:
        value, error = ended.get(timeout=seconds)
    except queue.Empty:
        raise RegistryError(
            "the key service did not answer in time",
            where=uri.text,
            wanted=f"an answer within {seconds:.0f} s",
        ) from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


@contextmanager
def explained(uri: KeyUri, what: str) -> Iterator[None]:
    """Turn whatever a service's library raises into an error of ours; ``what`` did not work.

    Raises:
        RegistryError: the service cannot be reached or is not well.
        SigningKeyError: its library, the credentials or the key cannot be used.
    """
    from securesystemslib.exceptions import UnsupportedLibraryError

    for library in ("azure", "botocore", "google", "securesystemslib"):
        # else they write on standard error what is about to be said here
        logging.getLogger(library).addHandler(logging.NullHandler())
    try:
        yield
    except LadingError:
        raise
    except (UnsupportedLibraryError, ImportError) as e:
        raise SigningKeyError(
            "this key service's client library is not installed",
            where=uri.text,
            hint=f"install it with: pip install 'securesystemslib[{uri.service.extra}]'",
        ) from e
    except Exception as e:
        raise _ours(e, uri, what) from e


def _ours(error: Exception, uri: KeyUri, what: str) -> LadingError:
    name = type(error).__name__
    words = _CREDENTIALS_IN_URL.sub("://…@", " ".join(str(error).split()))[:_WORDS]
    got = f"{name}: {words}".rstrip(": ")
    ambient = uri.service.ambient
    hint = f"address and credentials come from {ambient}" if ambient else None
    if _is_unanswered(error):
        return RegistryError(
            "the key service did not answer as needed", where=uri.text, got=got, hint=hint
        )
    if name in _OTHER_KIND and ambient:
        return SigningKeyError(
            "the key service has no key of a kind that can sign here",
            where=uri.text,
            got=got,
            wanted=uri.service.keys,
        )
    return SigningKeyError(what, where=uri.text, got=got, hint=hint)


def _is_unanswered(error: Exception) -> bool:
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    return not names.isdisjoint(_UNANSWERED) or _is_transient(_status(error))


def _is_transient(status: object) -> bool:
    return isinstance(status, int) and (status == _BUSY or status >= 500)


def _status(error: Any) -> object:
    """Return the HTTP status that an error of Azure's or AWS's library carries."""
    answer = getattr(error, "response", None)
    if isinstance(answer, dict):
        return answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return getattr(error, "status_code", None)
