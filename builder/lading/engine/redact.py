"""A build's command line as it may be published: what can be a secret is left out.

What is kept is decided option by option, and what is not known is not kept:

* ``--build-arg NAME=VALUE`` keeps the name. No value is kept, since no rule tells a token from a
  version; those that name base images show in the resolved images instead.
* ``--secret`` and ``--ssh`` keep the identifier alone.
* URLs lose user, password and query.
* ``--cache-from``, ``--cache-to`` and ``--output`` lose every field that is not known as harmless.
* An option that docker had not got when this was written keeps its name, not its value.

Options come in docker's long form, each with its values in order, and the arguments after them.
"""

from __future__ import annotations

from lading.engine.argv import VALUE_OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from lading.engine.argv import BuildCommand

__all__ = ["REDACTED", "public_command", "public_url"]

REDACTED: Final = "<redacted>"

_FIELDS: Final = frozenset({"cache-from", "cache-to", "output"})
_HARMLESS_FIELDS: Final = frozenset(
    {
        "type", "mode", "name", "push", "ref", "scope", "region", "bucket", "dest", "tag",
        "compression", "compression-level", "force-compression", "oci-mediatypes", "image-manifest",
        "ignore-error", "rewrite-timestamp", "unpack", "dangling-name-prefix", "push-by-digest",
    }
)  # fmt: skip
_SWITCH_VALUES: Final = frozenset({"true", "false", "t", "f", "1", "0"})


def public_command(command: BuildCommand) -> list[str]:
    """Return ``docker build`` with its options and arguments, secrets replaced."""
    words = ["docker", "build"]
    for name, values in command.options.items():
        for value in values:
            words += _option(name, value)
    return words + [public_url(argument) for argument in command.arguments]


def public_url(text: str) -> str:
    """Return a URL without user, password and query; any other text as it is."""
    if "://" not in text:
        return text
    from urllib.parse import urlsplit, urlunsplit  # a tenth of what docker would wait for

    try:
        parts = urlsplit(text)
        host = parts.netloc.rpartition("@")[2]
        query = REDACTED if parts.query else ""
        return urlunsplit((parts.scheme, host, parts.path, query, parts.fragment))
    except ValueError:
        return REDACTED


def _option(name: str, value: str) -> Iterator[str]:
    if len(name) == 1:  # a short option of a docker that we do not know; its letters may be a value
        yield f"-{REDACTED}"
    elif name not in VALUE_OPTIONS:
        shown = value if value.lower() in _SWITCH_VALUES else REDACTED
        yield f"--{name}" if shown == "true" else f"--{name}={shown}"
    else:
        yield f"--{name}"
        yield _value(name, value)


def _value(name: str, value: str) -> str:
    if name == "build-arg":
        argument, given, _ = value.partition("=")
        return f"{argument}={REDACTED}" if given else argument
    if name == "secret":
        fields = [field for field in value.split(",") if field.startswith("id=")]
        return ",".join([*fields, REDACTED])
    if name == "ssh":
        identifier, given, _ = value.partition("=")
        return f"{identifier}={REDACTED}" if given else identifier
    if name in _FIELDS and "=" in value:
        return ",".join(_field(field) for field in value.split(","))
    if name == "build-context":
        given, _, place = value.partition("=")
        return f"{given}={public_url(place)}"
    return public_url(value)


def _field(field: str) -> str:
    name, given, value = field.partition("=")
    if not given or name in _HARMLESS_FIELDS:
        return public_url(field) if not given else f"{name}={public_url(value)}"
    return f"{name}={REDACTED}"
