"""``metadata.component``: the container, named by its digest, or the directory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lading.bom.files import hashes
from lading.bom.licenses import licenses
from lading.bom.properties import Properties
from lading.bom.text import iri, label, prose

if TYPE_CHECKING:
    from lading.inventory import ImageFacts, Inspection

__all__ = ["container", "subject_digest"]

_REPOSITORY = re.compile(
    r"(?:(?P<host>localhost(?::\d+)?|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d+)?|[A-Za-z0-9-]+:\d+)/)?"
    r"(?P<path>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@[A-Za-z0-9+._-]+:[0-9a-f]+)?",
    re.ASCII,
)
_DIGEST = re.compile(r"(sha256|sha512):([0-9a-f]{64}|[0-9a-f]{128})")
_PLACES = ("oci-dir:", "oci-archive:", "docker-archive:")
_LABEL = "org.opencontainers.image."
_REFERENCES = (("documentation", "documentation"), ("source", "vcs"), ("url", "website"))


def subject_digest(image: ImageFacts) -> str:
    """Return the digest that the document is about: the manifest's, else the config's.

    Empty for a directory, which has neither.
    """
    return label(image.manifest_digest or image.config_digest)


def container(inspection: Inspection, *, spec_version: str) -> dict[str, Any]:
    """Return the component that everything else is in."""
    image = inspection.image
    digest = subject_digest(image)
    name = label(image.name) or "unnamed"
    component: dict[str, Any] = {
        "type": "container" if digest else "file",
        "bom-ref": f"image:{digest}" if digest else f"directory:{name}",
        "name": name,
        "version": digest[:1024],
        "hashes": _hashes(digest),
        "purl": _image_purl(image),
        "description": prose(image.labels.get(_LABEL + "description", "")),
        "licenses": licenses(
            [image.labels.get(_LABEL + "licenses", "")],
            spec_version=spec_version,
            acknowledgement="declared",
        ),
        "externalReferences": [
            {"type": kind, "url": url}
            for key, kind in _REFERENCES
            if (url := iri(image.labels.get(_LABEL + key, "")))
        ],
        "properties": _properties(inspection),
    }
    if vendor := label(image.labels.get(_LABEL + "vendor", "")):
        component["supplier"] = {"name": vendor}
    return {key: value for key, value in component.items() if value}


def _image_purl(image: ImageFacts) -> str | None:
    """Return the image's package URL, or None when it has no digest in the known form.

    With a manifest digest it is of type ``oci`` (its version is the manifest's digest); without,
    the image is only in an engine and the type is ``docker`` (its version is the image ID, which
    is the config's digest). Both by https://github.com/package-url/purl-spec.
    """
    digest = subject_digest(image)
    if not _DIGEST.fullmatch(digest):
        return None
    known = [one for one in image.repo_digests if one.endswith("@" + digest)]
    named = min(known, default=image.name)
    # what has no name of its own is known by where it was read
    found = None if named.startswith(_PLACES) else _REPOSITORY.fullmatch(named)
    path = found["path"] if found else _slug(image.name)
    host = found["host"] if found else None
    if host is None and found:
        host, path = "docker.io", path if "/" in path else f"library/{path}"
    version = quote(digest, safe="")
    qualifiers = {"arch": image.platform.architecture, "os": image.platform.os}
    namespace, _, name = path.rpartition("/")
    if image.manifest_digest is None:
        kind = "docker/" + (f"{namespace}/" if namespace and namespace != "library" else "")
        if host not in (None, "docker.io"):
            qualifiers["repository_url"] = host or ""
    else:
        kind = "oci/"
        if host:
            qualifiers["repository_url"] = f"{host}/{path}"
    if found and found["tag"]:
        qualifiers["tag"] = found["tag"]
    query = "&".join(f"{k}={quote(v, safe='/:')}" for k, v in sorted(qualifiers.items()) if v)
    return f"pkg:{kind}{name}@{version}?{query}" if query else f"pkg:{kind}{name}@{version}"


def _slug(name: str) -> str:
    last = re.split("[/:]", name)[-1]
    return re.sub(r"[^a-z0-9._-]+", "-", last.lower()).strip("-.") or "image"


def _hashes(digest: str) -> list[dict[str, str]]:
    algorithm, _, content = digest.partition(":")
    return hashes({algorithm.upper().replace("SHA", "SHA-"): content})


def _properties(inspection: Inspection) -> list[dict[str, str]]:
    image = inspection.image
    properties = (
        Properties()
        .add("lading:image:platform", str(image.platform) if subject_digest(image) else None)
        .add("lading:image:created", image.created)
        .add("lading:image:config-digest", image.config_digest)
        .add("lading:image:manifest-digest", image.manifest_digest)
        .add("lading:image:index-digest", image.index_digest)
        .findings(inspection.findings)
    )
    for reference in image.repo_digests:
        properties.add("lading:image:repo-digest", reference)
    for name, value in image.labels.items():
        properties.add(f"lading:image:label:{name}", value)
    for number, layer in enumerate(image.layers):
        prefix = f"lading:image:layer:{number:03}"
        properties.add(f"{prefix}:diff-id", layer.diff_id)
        properties.add(f"{prefix}:size", layer.size)
        properties.add(f"{prefix}:digest", layer.digest)
        properties.add(f"{prefix}:created-by", layer.created_by)
    return properties.render()
