"""``operating-system``: the distribution that an image's packages say they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from lading.bom.text import label

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.inventory import Package

__all__ = ["operating_system"]


def operating_system(packages: Iterable[Package]) -> dict[str, Any] | None:
    """Return the component of the operating system, or None when packages name none or several.

    Vulnerability scanners choose their advisories by it. It is taken from the ``distro``
    qualifier of the packages' purls, e.g. ``debian-13``.
    """
    found = {distro for one in packages if (distro := _distro(one.purl))}
    if len(found) != 1:
        return None
    name, _, version = found.pop().partition("-")
    component = {"type": "operating-system", "bom-ref": f"os:{name}@{version}", "name": name}
    return {**component, "version": version[:1024]} if version else component


def _distro(purl: str) -> str:
    query = purl.partition("#")[0].partition("?")[2]
    if "distro=" not in query or not query.isascii():
        return ""
    return label(parse_qs(query).get("distro", [""])[0]).strip("-")
