"""What a policy judges: verified evidence about one subject, as values.

Everything in it was verified before: signatures held, signers were trusted, statements named the
subject. A rule never asks where it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from lading.policy.components import Component, components

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["CLOCK_SKEW", "Attested", "Evidence", "Missing"]


#: How far in the future a time may be that another clock wrote.
CLOCK_SKEW: Final = timedelta(minutes=5)


class Missing(Exception):
    """A rule cannot be judged, because evidence is not there: that is a no. Has the reason."""


@dataclass(frozen=True, slots=True)
class Attested:
    """One verified attestation.

    ``signer_kind`` is ``key``, ``certificate`` or ``keyless``; ``signer`` its name as verified,
    ``issuer`` the OIDC issuer of a keyless one. ``time`` is when it was signed; ``trusted_time``
    says whether a timestamp or a log vouches for that, or the signer alone. ``listed`` is when an
    unsigned annotation says that it was attached: it only puts what says no time in an order,
    which nobody gains by forging who could as well remove the newer one.
    """

    predicate_type: str
    predicate: Mapping[str, Any]
    digest: str
    signer_kind: str
    signer: str
    issuer: str | None
    time: datetime | None
    trusted_time: bool
    listed: datetime | None = None


@dataclass(frozen=True)
class Evidence:
    """The evidence about one subject. ``now`` has a time zone; BOMs are CycloneDX JSON data.

    ``licences`` are licences of models that are not in the image, looked up because a rule said
    so: the name to the licence, None where the Hub has none; ``bases`` what those were made from
    in turn. ``previous`` is the BOM of the
    release before this one. ``before_push`` says that nothing can be attached yet.
    """

    subject: str
    digest: str
    now: datetime
    bom: Mapping[str, Any] | None = None
    attestations: tuple[Attested, ...] = ()
    previous: Mapping[str, Any] | None = None
    licences: Mapping[str, str | None] = field(default_factory=dict)
    bases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    before_push: bool = False

    @property
    def document(self) -> Mapping[str, Any]:
        """The BOM, or Missing."""
        if self.bom is None:
            raise Missing("there is no verified BOM of it")
        return self.bom

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Everything the BOM lists, what is only declared left out; raises Missing."""
        return components(self.document)

    @property
    def models(self) -> tuple[Component, ...]:
        """The models in the subject."""
        return tuple(one for one in self.components if one.kind == "machine-learning-model")

    @property
    def datasets(self) -> tuple[Component, ...]:
        """The data sets in the subject."""
        return tuple(one for one in self.components if one.kind == "data")

    @property
    def packages(self) -> tuple[Component, ...]:
        """The packages in the subject."""
        return tuple(one for one in self.components if one.is_package)

    def of_type(self, predicate_type: str) -> tuple[Attested, ...]:
        """Return the attestations of one type, newest first."""
        found = [one for one in self.attestations if one.predicate_type == predicate_type]
        return tuple(sorted(found, key=_when, reverse=True))


def _when(one: Attested) -> tuple[float, str]:
    time = one.time or one.listed
    return (time.timestamp() if time else 0.0, one.digest)
