"""A rule: what it wants, and the one method that says what is not so."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar

from lading.inventory import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lading.policy.components import Component
    from lading.policy.evidence import Evidence

__all__ = ["Complaint", "Rule", "fits", "unless"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that a rule does not accept. ``subject`` names the component or report."""

    message: str
    subject: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A configured rule. ``name`` is its kind, ``id`` its name in the policy.

    ``atlas`` are the MITRE ATLAS mitigations that it serves; ``when`` is ``deploy`` when it
    judges what is attached after the build, and so not before the push.
    """

    name: ClassVar[str]
    serves: ClassVar[tuple[str, ...]]
    usually: ClassVar[str] = "always"

    id: str
    level: Level = Level.ERROR
    atlas: tuple[str, ...] = ()
    when: str = "always"

    @property
    def refuses_nothing(self) -> bool:
        """Whether it accepts whatever there is: then it was meant to say something else."""
        return False

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield what is not as the rule wants it; nothing at all is a yes.

        Raises:
            Missing: there is not the evidence to judge by.
            FactsError: the evidence cannot be read, or a part that is needed failed.
        """
        raise NotImplementedError


def fits(value: object, patterns: Iterable[str]) -> bool:
    """Say whether ``value`` is a text that one of the patterns (``*``, ``?``, ``[…]``) matches."""
    return isinstance(value, str) and any(fnmatchcase(value, pattern) for pattern in patterns)


def unless(components: Iterable[Component], excepted: Iterable[str]) -> Iterator[Component]:
    """Yield the components that no pattern excepts, by name or purl."""
    patterns = tuple(excepted)
    for one in components:
        if not fits(one.name, patterns) and not fits(one.purl, patterns):
            yield one
