"""One CycloneDX document for everything in an image: container, models, data, packages.

:func:`render` turns an inspection into the document, :func:`encode` into its canonical bytes
(:func:`write`: both, when contents like the last are nothing new)
(:func:`encode_xml`: into XML), :func:`validate` holds it against the published strict schema.
The document is plain JSON data: no library's object model stands between the facts and the
format. :func:`read` takes anybody's document into what :func:`diff` compares.
``docs/formats/bom.md`` says what stands where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.bom.diff import Diff, diff
from lading.bom.encode import encode
from lading.bom.encode_xml import encode_xml
from lading.bom.read import Bom, read
from lading.bom.schemas import SPEC_VERSIONS
from lading.bom.validate import validate

if TYPE_CHECKING:
    from lading.bom.document import render, write

__all__ = [
    "SPEC_VERSIONS",
    "Bom",
    "Diff",
    "diff",
    "encode",
    "encode_xml",
    "read",
    "render",
    "validate",
    "write",
]


def __getattr__(name: str) -> Any:
    """Import :func:`render` and :func:`write` when they are first wanted.

    They need the names of facts, and with them every model detector; who only reads a document
    does not.
    """
    if name in {"render", "write"}:
        from lading.bom import document

        return getattr(document, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
