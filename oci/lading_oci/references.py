"""Names of images: the grammar of ``distribution/reference`` with Docker Hub's short forms.

::

    reference  := name [ ":" tag ] [ "@" digest ]
    name       := [ domain "/" ] component { "/" component }
    domain     := host [ ":" port ]            host: DNS name, IPv4 or "[" IPv6 "]"
    component  := [a-z0-9]+ { ( "." | "_" | "__" | "-"+ ) [a-z0-9]+ }
    tag        := [A-Za-z0-9_] [A-Za-z0-9_.-]{0,127}

The first component is a domain when it has a dot, a colon or an upper-case letter, or is
``localhost``; everything else lives on Docker Hub.
"""

from __future__ import annotations

import re

from lading_oci.digest import is_digest
from lading_oci.errors import ReferenceInvalid
from lading_oci.records import changed, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["DOCKER_HUB", "Reference", "is_tag", "parse_reference"]

DOCKER_HUB = "docker.io"
_HUB_ALIASES = frozenset({"docker.io", "index.docker.io"})
_HUB_API = "registry-1.docker.io"
_NAME_MOST = 255

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]{{2,45}}\])(?::[0-9]{{1,5}})?\Z")
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_IDENTIFIER = re.compile(r"[0-9a-f]{64}\Z")


@record
class Reference:
    """A normalised reference: ``ubuntu`` has become ``docker.io/library/ubuntu``.

    ``tag`` and ``digest`` are what was written; both may be absent, and when both are there the
    digest decides (:attr:`target`).
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """``registry/repository``, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def target(self) -> str:
        """What to ask the repository for: the digest, else the tag, else ``latest``."""
        return self.digest or self.tag or "latest"

    @property
    def api_host(self) -> str:
        """``host[:port]`` that answers the registry API (Docker Hub's differs from its name)."""
        return _HUB_API if self.registry == DOCKER_HUB else self.registry

    def familiar(self) -> str:
        """Return the short form people type: ``ubuntu:22.04``, ``ghcr.io/acme/svc@sha256:…``."""
        name = self.name
        if self.registry == DOCKER_HUB:
            name = self.repository.removeprefix("library/")
            if _IDENTIFIER.match(name):
                name = self.name  # alone it would be an image ID
            if "/" in name and _is_domain(name.partition("/")[0]):
                name = self.name  # "docker.io/library/foo.com/x" must keep its domain
        return self._suffixed(name)

    def with_digest(self, digest: str) -> Reference:
        """Return the same name pinned to ``digest``; the tag stays as information."""
        return changed(self, digest=digest)

    def with_tag(self, tag: str) -> Reference:
        """Return the same name under another tag, without a digest.

        Raises:
            ReferenceInvalid: ``tag`` does not follow the grammar.
        """
        if _TAG.match(tag) is None:
            _refuse(tag, "this is not a tag", "letters, digits, '_', '.', '-', at most 128")
        return changed(self, tag=tag, digest=None)

    def __str__(self) -> str:
        return self._suffixed(self.name)

    def _suffixed(self, name: str) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{name}{tag}{digest}"


def is_tag(text: str) -> bool:
    """Say whether ``text`` follows the grammar of tags."""
    return _TAG.match(text) is not None


def parse_reference(text: str) -> Reference:
    """Parse and normalise a reference.

    Raises:
        ReferenceInvalid: it does not follow the grammar; the hint says what most people meant.
    """
    if "://" in text:
        _refuse(text, "a reference has no URL scheme", hint=f"try {text.split('://', 1)[1]!r}")
    name, tag, digest = _split(text)
    domain, path = _split_domain(name)
    if _DOMAIN.match(domain) is None or _port_too_large(domain):
        _refuse(text, "the registry in this reference is not a host name", "host[:port]")
    for component in path.split("/"):
        if _COMPONENT.match(component) is None:
            _refuse_component(text, component)
    if len(path) > _NAME_MOST:
        _refuse(text, "this repository name is too long", f"at most {_NAME_MOST} characters")
    return Reference(domain, path, tag, digest)


def _split(text: str) -> tuple[str, str | None, str | None]:
    name, at, digest = text.partition("@")
    if at and not is_digest(digest):
        _refuse(text, "this reference does not end in a digest", "@sha256:<64 hex digits>")
    tag: str | None = None
    colon = name.rfind(":")
    if colon > name.rfind("/"):
        name, tag = name[:colon], name[colon + 1 :]
        if _TAG.match(tag) is None:
            _refuse(text, "this reference has no valid tag", "letters, digits, '_', '.', '-'")
    if _IDENTIFIER.match(text):
        _refuse(
            text,
            "a repository name cannot be 64 hexadecimal digits",
            hint="for a digest write NAME@sha256:…; a bare image ID names nothing in a registry",
        )
    return name, tag, digest or None


def _is_domain(first: str) -> bool:
    return "." in first or ":" in first or first == "localhost" or first.lower() != first


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    domain, path = (first, rest) if slash and _is_domain(first) else (DOCKER_HUB, name)
    if domain in _HUB_ALIASES:
        domain = DOCKER_HUB
        if "/" not in path:
            path = f"library/{path}"
    return domain, path


def _port_too_large(domain: str) -> bool:
    port = domain.rpartition("]")[2].rpartition(":")[2] if ":" in domain.rpartition("]")[2] else ""
    return bool(port) and int(port) > 65535


def _refuse_component(text: str, component: str) -> NoReturn:
    lowered = component.lower()
    hint = None
    if lowered != component and _COMPONENT.match(lowered):
        hint = f"repository names are lower case: try {text.replace(component, lowered)!r}"
    elif not component:
        hint = "there is an empty part: a leading, trailing or doubled '/' or a missing name"
    _refuse(text, "this is not an image reference", "registry/name:tag in lower case", hint)


def _refuse(text: str, what: str, wanted: str | None = None, hint: str | None = None) -> NoReturn:
    raise ReferenceInvalid(what, got=repr(text[:300]), wanted=wanted, hint=hint)
