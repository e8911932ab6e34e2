"""The options by which verbs ask for more than a trusted signature."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from lading.cli import options

__all__ = ["ASKED"]

#: What can be asked of an image's evidence: name → type and option.
ASKED: Final[dict[str, Any]] = {
    "type": Annotated[
        str | None,
        options.option(
            "--type",
            "TYPE",
            "Ask for this attestation itself: bom, provenance, a URI … "
            "(default: the seal over all of them, else the BOM).",
        ),
    ],
    "full": Annotated[
        bool, typer.Option("--full", help="Fetch and verify everything that the seal names, too.")
    ],
    "max-age": Annotated[
        str | None,
        options.option("--max-age", "DAYS|30d|12h", "Refuse older attestations."),
    ],
    "platform": options.Platform,
    "policy": options.PolicyFile,
    "previous": options.Previous,
    "outputs": options.Outputs,
}
