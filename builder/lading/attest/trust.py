"""Which Sigstore is trusted: its root of trust, and for signing its services.

Formats: sigstore protobuf-specs, ``sigstore_trustroot.proto``: TrustedRoot v0.1 (verify) and
ClientTrustConfig v0.1 (verify and sign).
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lading.attest.strict_json import StrictJsonError, parse_object
from lading.errors import InputError, RegistryError
from lading.inputs import read_input
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sigstore.models import ClientTrustConfig, TrustedRoot

__all__ = ["client_trust_config", "public_good", "trusted_root"]

_CONFIG_PREFIX: Final = "application/vnd.dev.sigstore.clienttrustconfig"


def client_trust_config(path: Path | str) -> ClientTrustConfig:
    """Return a private instance's trust and services, from a ClientTrustConfig file.

    Raises:
        InputError: unreadable, too large, not strict JSON, or not of that format.
    """
    from sigstore.models import ClientTrustConfig

    document = _read(path)
    with _refusing(path, "ClientTrustConfig"):
        return ClientTrustConfig.from_json(json.dumps(document))


def trusted_root(path: Path | str) -> TrustedRoot:
    """Return the root of trust in a TrustedRoot or ClientTrustConfig file; no network is used.

    Raises:
        InputError: as :func:`client_trust_config`.
    """
    from sigstore.models import TrustedRoot
    from sigstore_models.trustroot.v1 import TrustedRoot as Message

    document = _read(path)
    if str(document.get("mediaType", "")).startswith(_CONFIG_PREFIX):
        document = document.get("trustedRoot", {})
    with _refusing(path, "TrustedRoot"):
        return TrustedRoot(Message.from_json(json.dumps(document)))


def public_good() -> ClientTrustConfig:
    """Return the public good instance's trust and services, kept fresh through TUF.

    Raises:
        RegistryError: TUF could not be refreshed.
    """
    from sigstore.errors import Error  # 300 ms of import, and only keyless needs it
    from sigstore.models import ClientTrustConfig

    try:
        return ClientTrustConfig.production()
    except Error as e:
        raise RegistryError(
            "the public Sigstore's root of trust could not be refreshed",
            got=str(e)[:300],
            hint="check the network, or give a trusted root file to verify offline",
        ) from e


@contextmanager
def _refusing(path: Path | str, kind: str) -> Iterator[None]:
    from sigstore.errors import Error

    try:
        yield
    except (Error, ValueError) as e:
        raise InputError(
            f"this is not a Sigstore {kind} file",
            where=str(path),
            got=" ".join(str(e).split())[:300],
        ) from e


def _read(path: Path | str) -> dict[str, Any]:
    content = read_input(path, "the trust file", LIMITS.trust_file)
    try:
        return parse_object(content, limit=LIMITS.trust_file)
    except StrictJsonError as e:
        raise InputError(
            f"the trust file is malformed: {e.what}", where=str(path), got=e.got, wanted=e.wanted
        ) from e
