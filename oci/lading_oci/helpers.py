"""Docker credential helpers: ``docker-credential-NAME get``, the server on standard input."""

from __future__ import annotations

import re
import shutil
import subprocess

from lading_oci.errors import MalformedError, OciError
from lading_oci.jsontext import parse_object
from lading_oci.limits import LIMITS

__all__ = ["ask_helper"]

_SUFFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_ABSENT = ("credentials not found", "no credentials server url", "no credentials username")


def ask_helper(suffix: str, server: str) -> tuple[str, str] | None:
    """Return (user name, secret) from a helper, or None when it has none for ``server``.

    Raises:
        MalformedError: there is no such helper, or it fails, hangs or answers nonsense.
    """
    name = f"docker-credential-{suffix}"
    if _SUFFIX.match(suffix) is None:
        raise MalformedError("a credential helper has an impossible name", got=repr(suffix)[:100])
    program = shutil.which(name)
    if program is None:
        raise MalformedError(
            "a credential helper is configured and not installed",
            where=name,
            hint="install it, or take it out of Docker's config.json",
        )
    try:
        done = subprocess.run(
            [program, "get"],
            input=server.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LIMITS.helper_seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise MalformedError("a credential helper does not answer", where=name) from None
    if done.returncode != 0:
        said = done.stdout[:500].decode("utf-8", "replace").strip()
        if said.lower().startswith(_ABSENT):
            return None
        raise MalformedError(
            "a credential helper failed", where=name, got=f"exit status {done.returncode}"
        )
    return _parse(done.stdout, name)


def _parse(output: bytes, name: str) -> tuple[str, str]:
    try:
        answer = parse_object(output, limit=LIMITS.helper_output)
    except OciError:
        # The parser's text could quote the secret.
        raise MalformedError("a credential helper answers nonsense", where=name) from None
    username, secret = answer.get("Username"), answer.get("Secret")
    if not isinstance(username, str) or not isinstance(secret, str):
        raise MalformedError("a credential helper answers nonsense", where=name)
    return username, secret
