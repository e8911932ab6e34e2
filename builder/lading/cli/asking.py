"""The options by which verbs ask for more than a trusted signature."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from lading.cli import options
from lading.cli.judging import Outputs, PolicyFile, Previous

__all__ = ["ASKED"]

#: What can be asked of an image's evidence: name → type and option.
ASKED: Final[dict[str, Any]] = {
    "type": Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="Ask for this attestation itself: bom, provenance, a URI … "
            "(default: the seal over all of them, else the BOM).",
            show_default=False,
        ),
    ],
    "full": Annotated[
        bool, typer.Option("--full", help="Fetch and verify everything that the seal names, too.")
    ],
    "max-age": Annotated[
        str | None,
        typer.Option(
            "--max-age",
            metavar="DAYS|30d|12h",
            help="Refuse older attestations.",
            show_default=False,
        ),
    ],
    "platform": options.Platform,
    "policy": PolicyFile,
    "previous": Previous,
    "outputs": Outputs,
}
