"""Seeing to it that a registry's referrers API lists what it said it had taken.

``OCI-Subject`` is a promise, and there are registries whose API is a list that concurrent pushes
read, extend and write back without a lock: one of two is lost, though both were answered 201. So
the list is read back, later than another push takes, and what is missing is pushed again, which
changes nothing where it is there.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from lading_oci.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading_oci.interface import Descriptor
    from lading_oci.limits import Limits

__all__ = ["confirm_listed"]


def confirm_listed(
    digest: str,
    *,
    listed: Callable[[], list[Descriptor] | None],
    again: Callable[[], object],
    where: str,
    limits: Limits,
) -> None:
    """Read back until the referrer ``digest`` is listed; ``again`` pushes it once more.

    Raises:
        ConflictError: it is not listed after ``tag_merge_seconds``.
        OciError: the registry did not answer.
    """
    deadline = time.monotonic() + limits.tag_merge_seconds
    wait = limits.settle_least
    while True:
        time.sleep(wait * random.uniform(1.0, 1.5))  # noqa: S311 - jitter
        found = listed()
        if found is None or any(one.digest == digest for one in found):
            return
        if time.monotonic() > deadline:
            raise ConflictError(
                "the registry took a referrer and does not list it",
                where=f"{where}@{digest}",
                hint="attach again; if it stays so, the registry loses referrers",
            )
        again()
        wait = min(wait * 2, limits.settle_most)
