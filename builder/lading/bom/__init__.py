"""One CycloneDX document for everything in an image: container, models, data, packages.

:func:`render` turns an inspection into the document, :func:`encode` into its canonical bytes
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
    from lading.bom.document import render

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
]


def __getattr__(name: str) -> Any:
    """Import :func:`render` when it is first wanted.

    It needs the names of facts, and with them every model detector; who only reads a document
    does not.
    """
    if name == "render":
        from lading.bom.document import render

        return render
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
