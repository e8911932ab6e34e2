"""The container registries that people run, started on loopback with nothing in them."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import parts
from support.processes import ServerError, free_port, http_answers, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["KINDS", "Registry", "start"]


@dataclass(frozen=True, slots=True)
class Registry:
    """A running registry: plain HTTP, no authentication unless it was started with one."""

    kind: str
    host: str  # "127.0.0.1:PORT" unless it was started elsewhere
    has_referrers: bool
    login: tuple[str, str] | None = None  # user name and password, where one is needed

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return f"http://{self.host}"


@dataclass(frozen=True, slots=True)
class _Kind:
    part: str
    has_referrers: bool
    command: Callable[[Path, int], list[str]]
    login: tuple[str, str] | None = None


_LOGIN = ("alice", "password of tests")
#: bcrypt of that password at the least cost: the registry computes it for every request.
_HASH = "$2b$04$abcdefghijklmnopqrstuulYodQ3wAQUzOgMXpM6iwzgV.Yb3SJ2m"


def _olareg_login(option: str) -> Callable[[Path, int], list[str]]:
    def command(scratch: Path, port: int) -> list[str]:
        everything = {"members": ["all"], "access": ["read", "write", "delete"]}
        rules = {
            "users": {_LOGIN[0]: {"cred": _HASH}},
            "groups": {"all": {"members": [_LOGIN[0]]}},
            "acls": [{"repo": "", **everything}, {"repo": "*", **everything}],
        }
        path = scratch / f"olareg-{port}.json"
        path.write_text(json.dumps(rules), encoding="utf-8")  # JSON is YAML
        address = ["--external-url", f"http://127.0.0.1:{port}"]
        return [*_olareg(option, str(path))(scratch, port), *address]

    return command


def _olareg(*options: str) -> Callable[[Path, int], list[str]]:
    def command(_scratch: Path, port: int) -> list[str]:
        address = ["--addr", "127.0.0.1", "--port", str(port)]
        return ["serve", *address, "--store-type", "mem", "--api-delete", *options]

    return command


def _distribution(scratch: Path, port: int) -> list[str]:
    # Versions 2 and 3 read the same keys; JSON is YAML.
    config = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"inmemory": {}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "tests-only"},
    }
    path = scratch / f"distribution-{port}.yml"
    path.write_text(json.dumps(config), encoding="utf-8")
    return ["serve", str(path)]


def _zot(scratch: Path, port: int) -> list[str]:
    config = {
        "distSpecVersion": "1.1.1",
        "storage": {"rootDirectory": str(scratch / f"zot-{port}")},
        "http": {"address": "127.0.0.1", "port": str(port)},
        "log": {"level": "warn"},
    }
    path = scratch / f"zot-{port}.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return ["serve", str(path)]


KINDS = {
    "olareg": _Kind("olareg", has_referrers=True, command=_olareg()),
    "olareg-without-referrers": _Kind(
        "olareg", has_referrers=False, command=_olareg("--api-referrer=false")
    ),
    "olareg-basic": _Kind(
        "olareg", has_referrers=True, command=_olareg_login("--auth-basic"), login=_LOGIN
    ),
    "olareg-token": _Kind(
        "olareg", has_referrers=True, command=_olareg_login("--auth-token-opaque"), login=_LOGIN
    ),
    "olareg-rate-limited": _Kind(
        "olareg", has_referrers=True, command=_olareg("--rate-limit", "50")
    ),
    "docker-registry-2": _Kind("docker-registry", has_referrers=False, command=_distribution),
    "distribution-3": _Kind("distribution", has_referrers=False, command=_distribution),
    "zot": _Kind("zot", has_referrers=True, command=_zot),
}


@contextlib.contextmanager
def start(
    kind: str, scratch: Path, options: Sequence[str] = (), *, address: str = "127.0.0.1"
) -> Iterator[Registry]:
    """Run a registry of ``kind`` (a key of :data:`KINDS`) until the block ends.

    ``options`` are appended to its command line: olareg's ``--auth-basic``, ``--rate-limit``, …
    ``address`` is where they make it listen.
    The test is skipped (or fails, see :mod:`parts`) when the program is not on the machine.
    """
    chosen = KINDS[kind]
    program = parts.require(chosen.part)
    attempts = 3  # another process may take the port between choosing it and listening on it
    for attempt in range(1, attempts + 1):
        port = free_port()
        command = [str(program), *chosen.command(scratch, port), *options]
        log = scratch / f"{kind}-{port}.log"
        ready = partial(http_answers, port, "/v2/", address=address)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(running(command, ready=ready, log=log))
            except ServerError:
                if attempt == attempts:
                    raise
                continue
            yield Registry(kind, f"{address}:{port}", chosen.has_referrers, chosen.login)
            return
