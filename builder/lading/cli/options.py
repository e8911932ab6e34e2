"""Options that several verbs share, so that they mean and say the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Evidence",
    "Image",
    "Insecure",
    "Json",
    "Platform",
    "PublicKeys",
    "SigningKey",
    "Target",
]

Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="IMAGE (in the Docker engine, else in its registry), or docker:, registry:, "
        "oci-dir:, oci-archive:, docker-archive:, dir: and a name or path.",
        show_default=False,
    ),
]
Image = Annotated[
    str,
    typer.Argument(
        metavar="IMAGE",
        help="Image reference; registry:IMAGE or docker:IMAGE looks only there.",
        show_default=False,
    ),
]
Platform = Annotated[
    str | None,
    typer.Option(
        "--platform", metavar="OS/ARCH", help="Of a multi-platform image.", show_default=False
    ),
]
Insecure = Annotated[
    bool,
    typer.Option("--insecure", help="Allow HTTP and unverified TLS to hosts other than loopback."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
SigningKey = Annotated[
    str | None,
    typer.Option(
        "--signing-key",
        metavar="FILE",
        envvar="LADING_SIGNING_KEY",
        help="Private key to sign with; password from LADING_KEY_PASSWORD or a prompt.",
        show_default=False,
    ),
]
PublicKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--key",
        metavar="FILE",
        envvar="LADING_KEY",
        help="Trusted public key; may be repeated, any of them counts.",
        show_default=False,
    ),
]
Evidence = Annotated[
    str | None,
    typer.Option(
        "--evidence",
        metavar="PLACE",
        envvar="LADING_EVIDENCE",
        help="Evidence store: a directory (OCI layout) or REGISTRY/REPOSITORY.",
        show_default=False,
    ),
]
