"""One CycloneDX document for everything in an image: container, models, data, packages.

:func:`render` turns an inspection into the document, :func:`encode` into its canonical bytes,
:func:`validate` holds it against the published strict schema. The document is plain JSON data:
no library's object model stands between the facts and the format.
"""

from __future__ import annotations

from lading.bom.document import render
from lading.bom.encode import encode
from lading.bom.schemas import SPEC_VERSIONS
from lading.bom.validate import validate

__all__ = ["SPEC_VERSIONS", "encode", "render", "validate"]
