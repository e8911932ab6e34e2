"""YAML of strangers: no aliases, no deep nesting, bounded size, plain data only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Role
from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report

__all__ = ["parse_yaml", "unreadable"]

#: Characters; the parser is slow, and cards have a few thousand.
_LARGEST: Final = 512 * 1024
_DEPTH: Final = 64
#: Python makes integers of these, and then cannot write them down.
_HUGE: Final = re.compile(r"[-+]?[0-9][0-9A-Fa-fxob_:]{300,}\Z")


def parse_yaml(text: str) -> Any:
    """Parse a document.

    Raises:
        Malformed: not YAML, too large, nested too deeply, or it has aliases: a few lines of
            those can stand for gigabytes.
    """
    import yaml

    if len(text) > _LARGEST:
        raise Malformed(f"{len(text)} characters of YAML")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise Malformed("YAML with aliases")
            if isinstance(event, yaml.ScalarEvent) and _HUGE.match(event.value):
                raise Malformed("a number in YAML that nothing can hold")
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _DEPTH:
                raise Malformed(f"YAML nested deeper than {_DEPTH}")
        return yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(f"not YAML: {type(error).__name__}") from None


def unreadable(report: Report, kind: str, error: Malformed) -> bool:
    """Note a configuration that names what is imported, and hides it from this reader; True."""
    report.role = Role.CONFIG
    report.fact(v.KIND, kind, "")
    report.find("config-unreadable", f"what it asks for to be imported is not known: {error}")
    return True
