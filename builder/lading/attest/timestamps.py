"""When a signature existed, by the word of a timestamp authority (RFC 3161) that is trusted.

Imported only where timestamps are wanted; it needs rfc3161-client, which comes with sigstore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from cryptography.x509 import Certificate

__all__ = ["stamped_time"]

_SHORTEST_CHAIN = 2  # the signing certificate and its root


def stamped_time(
    stamps: Iterable[bytes], signature: bytes, authorities: Sequence[Sequence[Certificate]]
) -> datetime | None:
    """Return the earliest time that a trusted authority has put on ``signature``, None for none.

    ``stamps`` are responses in DER; ``authorities`` are chains from the signing certificate to
    the root. The chain must be valid at the time it states, not now.

    Raises:
        VerificationError: ``timestamp``, when there are stamps and none of them holds.
    """
    offered = list(stamps)
    times = [
        time
        for stamp in offered
        for chain in authorities
        if (time := _time(stamp, signature, chain)) is not None
    ]
    if offered and not times:
        raise VerificationError(
            "no timestamp on the signature is by a trusted authority",
            code="timestamp",
            got=f"{len(offered)} timestamps",
            wanted=f"one by any of {len(authorities)} authorities",
        )
    return min(times, default=None)


def _time(stamp: bytes, signature: bytes, chain: Sequence[Certificate]) -> datetime | None:
    from rfc3161_client import VerifierBuilder, decode_timestamp_response

    if len(chain) < _SHORTEST_CHAIN:
        return None
    try:
        response = decode_timestamp_response(stamp)
        builder = VerifierBuilder().tsa_certificate(chain[0]).add_root_certificate(chain[-1])
        for certificate in chain[1:-1]:
            builder = builder.add_intermediate_certificate(certificate)
        builder.build().verify_message(response, signature)
        return response.tst_info.gen_time
    except Exception:  # noqa: BLE001 - hostile DER in a parser of others: whatever it raises is a no
        return None
