"""CycloneDX's XML form, as far as a comparison needs it, in the shape of the JSON form.

One pass, no document types (and so no entities), nothing kept of elements that are not compared.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.parsers import expat

from lading.errors import InputError, LimitError
from lading.limits import LIMITS

__all__ = ["load_xml"]

_NAMESPACE: Final = re.compile(r"http://cyclonedx\.org/schema/bom/(\d+\.\d+)\Z")
_TEXTS: Final = frozenset(
    ("group", "name", "version", "purl", "id", "expression", "location", "hash", "property")
)
_LISTS: Final = frozenset(("components", "licenses", "hashes", "properties", "occurrences"))
#: What is kept: element → the elements of interest in it. The others are passed over.
_INSIDE: Final = {
    "bom": {"metadata", "components"},
    "metadata": {"component"},
    "components": {"component"},
    "component": {
        "group", "name", "version", "purl", "licenses", "hashes", "properties", "components",
        "evidence",
    },
    "licenses": {"license", "expression"},
    "license": {"id", "name"},
    "hashes": {"hash"},
    "properties": {"property"},
    "evidence": {"occurrences"},
    "occurrences": {"occurrence"},
    "occurrence": {"location"},
}  # fmt: skip


def load_xml(data: bytes) -> dict[str, Any]:
    """Return what a document has of interest, as :func:`lading.bom.strict.load_object` would.

    Raises:
        LimitError: larger than ``LIMITS.bom_document`` or nested deeper than ``LIMITS.json_depth``.
        InputError: not XML, with a document type, or not CycloneDX.
    """
    if len(data) > LIMITS.bom_document:
        raise LimitError(
            "the document is too large", got=str(len(data)), wanted=f"<= {LIMITS.bom_document}"
        )
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # an encoding that is none
        raise InputError("the document is no XML", got=str(error)[:200]) from error
    return reader.root


class _Reader:
    """Expat's events → dictionaries and lists."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[str, Any]] = []  # elements of interest, and what is made of them
        self._depth = 0
        self._skipping = 0  # depth of the element that is passed over, and all in it
        self._text: list[str] | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_: object) -> None:
        raise InputError("the document has a document type, which CycloneDX has not")

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > LIMITS.json_depth:
            raise LimitError("the document is nested too deeply", wanted=f"<= {LIMITS.json_depth}")
        if self._skipping:
            return
        space, _, name = qualified.rpartition(" ")
        if not self._open:
            self._begin(space, name, attributes)
            return
        above, parent = self._open[-1]
        if name not in _INSIDE.get(above, ()) or (name in parent and name not in _LISTS):
            self._skipping = self._depth
            return
        self._open.append((name, self._made(name, parent, attributes)))

    def _begin(self, space: str, name: str, attributes: dict[str, str]) -> None:
        version = _NAMESPACE.match(space)
        if name != "bom" or version is None:
            raise InputError(
                "the document is not CycloneDX XML",
                got=f"{name} of {space or 'no namespace'}"[:200],
                wanted="bom of http://cyclonedx.org/schema/bom/…",
            )
        self.root = {"bomFormat": "CycloneDX", "specVersion": version[1]}
        if "serialNumber" in attributes:
            self.root["serialNumber"] = attributes["serialNumber"]
        self._open.append((name, self.root))

    def _made(self, name: str, parent: Any, attributes: dict[str, str]) -> Any:
        """Put what an element stands for into what is around it, and return it."""
        if name in _LISTS:
            return parent.setdefault(name, [])
        if name in _TEXTS:
            self._text = []
            return attributes
        made: dict[str, Any] = {}
        if "type" in attributes:
            made["type"] = attributes["type"]
        if isinstance(parent, list):
            parent.append({"license": made} if name == "license" else made)
        else:
            parent[name] = made
        return made

    def _characters(self, text: str) -> None:
        if self._text is not None and not self._skipping:
            self._text.append(text)

    def _end(self, _: str) -> None:
        depth, self._depth = self._depth, self._depth - 1
        if self._skipping:
            if depth == self._skipping:
                self._skipping = 0
            return
        name, made = self._open.pop()
        if self._text is None or name not in _TEXTS:
            return
        text, self._text = "".join(self._text), None
        parent = self._open[-1][1]
        if name == "hash":
            parent.append({"alg": made.get("alg"), "content": text.strip()})
        elif name == "property":
            parent.append({"name": made.get("name"), "value": text})
        elif name == "expression":
            parent.append({"expression": text})
        else:
            parent[name] = text
