"""``Link`` headers of paged answers (RFC 8288; distribution-spec, pagination)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lading_oci.errors import MalformedError
from lading_oci.urls import join, origin_of, redact

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["next_page"]

# Compiled on first use (``re`` keeps them): most answers have one page.
_LINK = r"<([^<>]*)>([^<]*)"
_NEXT = r';\s*rel\s*=\s*"?(?:[^";,]*\s)?next(?:\s[^";,]*)?"?\s*(?:[;,]|\Z)'


def next_page(url: str, values: Iterable[str]) -> str | None:
    """Return the absolute URL of the next page, or None.

    Raises:
        MalformedError: it would lead to another host.
    """
    for value in values:
        for target, parameters in re.findall(_LINK, value[:8192]):
            if re.search(_NEXT, parameters, re.IGNORECASE):
                following = join(url, target)
                if origin_of(following) != origin_of(url):
                    raise MalformedError(
                        "a list continues on another host",
                        where=redact(url),
                        got=redact(following),
                    )
                return following
    return None
