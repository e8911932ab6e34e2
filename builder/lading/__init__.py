"""lading: the signed list of every model and package that a container image carries.

The design in one paragraph. A *target* (an image in an engine, a registry or an archive) is
opened by ``lading.image`` as layers and files; ``lading.models`` and ``lading.packages`` turn
files into facts without executing anything; ``lading.bom`` writes them as one CycloneDX
document; ``lading.attest`` wraps that document in a signed in-toto statement; ``lading_oci``
stores the statement as a referrer of the image and finds it again. ``lading.usecases`` joins the
rooms, ``lading.cli`` parses and renders.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.api import verify_path

__version__ = "0.1.0"

__all__ = ["__version__", "verify_path"]


def __getattr__(name: str) -> Any:
    """Import the API when it is first wanted: the command line does not need it."""
    if name == "verify_path":
        from lading.api import verify_path

        return verify_path
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
