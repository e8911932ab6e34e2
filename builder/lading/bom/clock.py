"""The document's time: given, from ``SOURCE_DATE_EPOCH``, or now."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from lading.errors import UsageError

__all__ = ["timestamp_text"]


def timestamp_text(moment: datetime | None) -> str:
    """Return RFC 3339 in UTC, whole seconds, ``Z``.

    Without ``moment`` the environment's ``SOURCE_DATE_EPOCH`` (seconds, see
    https://reproducible-builds.org/specs/source-date-epoch/) is taken, else the present time. A
    ``moment`` without a zone is taken for UTC.

    Raises:
        UsageError: ``SOURCE_DATE_EPOCH`` is no time.
    """
    if moment is None:
        moment = _from_environment()
    elif moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _from_environment() -> datetime:
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            "SOURCE_DATE_EPOCH is no time",
            got=text[:40],
            wanted="seconds since 1970 as a decimal number",
        ) from error
