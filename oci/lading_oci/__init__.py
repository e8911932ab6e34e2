"""An OCI registry and attestation client: read, attach, list referrers, copy.

``open_registry`` gives a repository of a registry, ``Layout`` one in a directory; both follow
:class:`lading_oci.interface.Repository`. Everything read is bounded and verified
(:mod:`lading_oci.limits`, :mod:`lading_oci.content`); everything that goes wrong outside is an
:class:`lading_oci.errors.OciError`. Names are loaded when they are first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading_oci.copy import CopyReport, copy_image
    from lading_oci.credentials import Credential
    from lading_oci.errors import OciError
    from lading_oci.interface import Attached, Descriptor, Manifest, Repository
    from lading_oci.layout import Layout
    from lading_oci.references import Reference, parse_reference
    from lading_oci.registry import RegistryRepository, open_registry

__all__ = [
    "Attached",
    "CopyReport",
    "Credential",
    "Descriptor",
    "Layout",
    "Manifest",
    "OciError",
    "Reference",
    "RegistryRepository",
    "Repository",
    "copy_image",
    "open_registry",
    "parse_reference",
]

_HOMES = {
    "Attached": "interface",
    "CopyReport": "copy",
    "Credential": "credentials",
    "Descriptor": "interface",
    "Layout": "layout",
    "Manifest": "interface",
    "OciError": "errors",
    "Reference": "references",
    "RegistryRepository": "registry",
    "Repository": "interface",
    "copy_image": "copy",
    "open_registry": "registry",
    "parse_reference": "references",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # who imports modules by their names needs none of it

    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
