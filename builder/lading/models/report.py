"""What one pass over one file learns, while it is learning it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Fact, Finding, Level, ModelFile, Origin, Role, Safety, Verdict
from lading.limits import LIMITS
from lading.models.companions.spdx import spdx
from lading.models.vocabulary import LICENSE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Report", "printable"]

#: The verdict that a finding implies unless its detector says otherwise.
_VERDICT: Final = {
    Level.ERROR: Verdict.UNSCANNABLE,
    Level.WARNING: Verdict.SAFE,
    Level.NOTE: Verdict.SAFE,
}


def printable(text: object, limit: int = 200) -> str:
    """Return text from a hostile file so that it can be shown: one line, no controls, bounded."""
    shown = str(text) if not isinstance(text, str) else text
    cut = shown[: limit + 1]
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in cut)
    return clean if len(cut) <= limit else clean[: limit - 1] + "…"


class Report:
    """Collects facts, findings and the verdict of one file; bounded in size.

    ``inflatable`` is how many bytes decompressors may still give for this file, all of its
    members together.
    """

    def __init__(self, path: str, size: int = 0, depth: int = 0) -> None:
        self.path = path
        self.bare = path  # without the suffix of a compressor that was undone
        self.size = size
        self.depth = depth  # archives around it
        self.format: str | None = None
        self.role = Role.WEIGHTS
        self.verdict = Verdict.SAFE
        self.facts: dict[str, Fact] = {}
        self.inflatable = min(
            LIMITS.zip_inflated, max(LIMITS.inflated_floor, size * LIMITS.decompression_ratio)
        )
        self._findings: dict[tuple[str, str], Finding] = {}
        self._unlisted = 0

    @property
    def named(self) -> str:
        """The path that says what it is, in lower case."""
        return self.bare.lower()

    def fact(self, name: str, value: Any, key: str, *, origin: Origin = Origin.OBSERVED) -> None:
        """Note a fact unless it is empty or known already; ``key`` is the place in the file."""
        if value is None or value in ("", [], {}) or name in self.facts:
            return
        if isinstance(value, str):
            value = _text(value)
        elif isinstance(value, list):
            value = [_text(one) if isinstance(one, str) else one for one in value]
            value = value[: LIMITS.fact_items]
        self.facts[name] = Fact(value, origin, f"{self.path}: {key}" if key else self.path)

    def declared(self, name: str, value: Any, key: str) -> None:
        """Note a fact that the file merely claims (a card, a config, free metadata).

        A licence's common names become its SPDX identifier, whoever claims it.
        """
        if name == LICENSE and isinstance(value, str):
            value = spdx(value)
        self.fact(name, value, key, origin=Origin.DECLARED)

    def find(
        self,
        identifier: str,
        message: str,
        level: Level = Level.ERROR,
        verdict: Verdict | None = None,
    ) -> None:
        """Note a finding; an error makes the file at least unscannable."""
        self.verdict = max(self.verdict, _VERDICT[level] if verdict is None else verdict)
        message = printable(message, LIMITS.finding_text)
        key = (identifier, message)
        if key in self._findings:
            return
        if len(self._findings) >= LIMITS.findings_per_file:
            self._unlisted += 1
            return
        self._findings[key] = Finding(identifier, level, message, self.path)

    def inside(self, name: str, size: int) -> Report:
        """Return the report of an archive's member; what it may inflate is part of the whole."""
        member = Report(f"{self.path}!/{printable(name)}", size, self.depth + 1)
        member.inflatable = self.inflatable
        return member

    def absorb(self, member: Report) -> None:
        """Take over verdict and findings of a member that was looked at."""
        self.inflatable = member.inflatable
        self.verdict = max(self.verdict, member.verdict)
        name = member.path[len(self.path) + 2 :]
        for one in member.findings:
            self.find(one.id, f"in {name}: {one.message}", one.level, Verdict.SAFE)

    def forget(self) -> None:
        """Start anew: what the bytes were tried as, they are not."""
        self.format, self.verdict = None, Verdict.SAFE
        self.facts.clear()
        self._findings.clear()

    @property
    def findings(self) -> Sequence[Finding]:
        """What was found so far."""
        return tuple(self._findings.values())

    def file(self, sha256: str) -> ModelFile:
        """Return the finished record."""
        findings = list(self._findings.values())
        if self._unlisted:
            text = f"{self._unlisted} more findings are not listed"
            findings.append(Finding("findings-truncated", Level.NOTE, text, self.path))
        return ModelFile(
            path=self.path,
            size=self.size,
            sha256=sha256,
            role=self.role,
            format=self.format,
            facts=self.facts,
            safety=Safety(self.verdict, tuple(findings)),
        )


def _text(value: str) -> str:
    """Return ``value`` without controls other than line breaks, bounded."""
    cut = value[: LIMITS.fact_text]
    if cut.isprintable():
        return cut
    return "".join(c for c in cut if c.isprintable() or c in "\n\t")
