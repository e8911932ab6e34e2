"""What ``lading bom`` does, whichever way its command line was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["bom"]


def bom(
    target: str,
    *,
    output: Path | None = None,
    spec_version: str = "1.6",
    format: str = "json",  # noqa: A002 - as the option is called
    platform: str | None = None,
    all_platforms: bool = False,
    insecure: bool = False,
    json: bool = False,
) -> None:
    """Write the CycloneDX document of a target.

    Raises:
        UsageError: no such version, or no such form.
        FactsError: it cannot be looked into, or the document not be written.
    """
    from lading.bom.schemas import SPEC_VERSIONS
    from lading.cli import wiring
    from lading.errors import UsageError

    for what, got, known in (
        ("CycloneDX version", spec_version, SPEC_VERSIONS),
        ("form of CycloneDX", format, ("json", "xml")),
    ):
        if got not in known:
            raise UsageError(f"There is no such {what} here", got=got, wanted=" or ".join(known))
    if all_platforms:
        from functools import partial

        from lading.cli.every import bom_every
        from lading.usecases.attest import make_bom

        made = partial(make_bom, spec_version=spec_version, xml=format == "xml")
        bom_every(target, platform, output, format, made, insecure=insecure, json=json)
        return
    inspection = wiring.inspect(target, platform=platform, insecure=insecure)
    # what writing needs is loaded when what looking needed has been let go
    from lading.cli.files import write_file
    from lading.cli.render import print_json, put
    from lading.usecases.attest import make_bom

    document = make_bom(inspection, spec_version=spec_version, xml=format == "xml")
    if output is None or str(output) == "-":
        put(document)
        return

    write_file(output, document)
    if json:
        from lading_oci.digest import digest_of

        print_json({"path": str(output), "digest": digest_of(document), "size": len(document)})
