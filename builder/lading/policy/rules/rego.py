"""Rules in Rego, for what the others cannot say; the real ``opa`` judges them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from lading.policy.evidence import Missing
from lading.policy.options import choice, matching, option
from lading.policy.rego_input import rego_input
from lading.policy.rules.interface import Complaint, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lading.policy.evidence import Evidence

__all__ = ["Rego", "RegoEngine"]

# Beside the policy file or below it: a policy that reads elsewhere is another policy every day.
_FILE = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*\.rego")


class RegoEngine(Protocol):
    """Evaluates one query of one module."""

    def __call__(self, module: str, query: str, document: dict[str, Any]) -> Any:
        """Return the value of ``query``; raises FactsError when it is undefined or fails."""
        ...


@dataclass(frozen=True, kw_only=True)
class Rego(Rule):
    """A rule in Rego. Its package is ``lading``; its input is described in docs/policy.md."""

    name: ClassVar[str] = "rego"
    serves: ClassVar[tuple[str, ...]] = ()

    rego: str = option(
        matching(_FILE, "a .rego file beside the policy"), "The file, relative to the policy."
    )
    decide: str = option(
        choice(("allow", "deny")),
        "deny (default): data.lading.deny is a set of messages and must be empty. "
        "allow: data.lading.allow must be true.",
        default="deny",
    )
    module: str = ""
    engine: RegoEngine | None = None

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield the messages of ``deny``; whatever is not a clear yes is a no."""
        if self.engine is None:
            raise Missing("there is nothing here that evaluates Rego")
        value = self.engine(self.module, f"data.lading.{self.decide}", rego_input(evidence))
        if self.decide == "allow":
            if value is not True:
                yield Complaint(f"data.lading.allow of {self.rego} is {value!r}, not true")
        elif not isinstance(value, list):
            yield Complaint(f"data.lading.deny of {self.rego} is no set of messages")
        else:
            for message in value:
                yield Complaint(_message(message))


def _message(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("msg", value.get("message", value))
    return str(value)[:2000]
