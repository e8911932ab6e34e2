"""Keyless signing when a service of Sigstore refuses, fails, or answers nonsense."""

from __future__ import annotations

import dataclasses
import socket
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest import sessions, trust
from lading.attest.signers.keyless import KeylessSigner
from lading.attest.tokens import read_token
from lading.errors import InputError, LadingError, RegistryError
from support.attest_keyless import sign, token
from support.attest_samples import statement
from support.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local_sigstore.local import LocalSigstore

pytestmark = pytest.mark.interop


def failing(local: LocalSigstore, change: Callable[[dict[str, Any]], None]) -> LadingError:
    document = local.trust_config()
    change(document["signingConfig"])
    config = trust.client_trust_config(local.write("failing.json", document))
    with pytest.raises(LadingError) as caught:
        KeylessSigner(config, token(local)).sign(statement())
    return caught.value


def log_size(local: LocalSigstore) -> int:
    checkpoint = local.directory / "rekor" / "checkpoint"
    return int(checkpoint.read_text().splitlines()[1])


@contextmanager
def answering(respond: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            respond(self)

        do_GET = do_POST  # noqa: N815 - the base class's name

        def log_message(self, *args: Any) -> None:
            """Tests read answers, not logs."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_fulcios_own_words_are_shown(local: LocalSigstore) -> None:
    raw = local.issuer.token(iss="http://127.0.0.1:9")
    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    with pytest.raises(InputError) as caught:
        KeylessSigner(config, read_token(raw, now=datetime.now(UTC))).sign(statement())
    assert "There was an error processing the identity token" in str(caught.value)


def test_unverified_email(local: LocalSigstore) -> None:
    with pytest.raises(InputError, match="not verified"):
        token(local, email_verified=False)
    unchecked = dataclasses.replace(token(local), raw=local.issuer.token(email_verified=False))
    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    with pytest.raises(LadingError, match="Fulcio"):
        KeylessSigner(config, unchecked).sign(statement())


def test_nothing_reaches_the_log_when_the_timestamp_authority_fails(local: LocalSigstore) -> None:
    before = log_size(local)
    error = failing(local, lambda c: c["tsaUrls"][0].update(url="http://127.0.0.1:9/tsa"))
    assert isinstance(error, RegistryError)
    assert "timestamp authority" in str(error)
    assert log_size(local) == before


@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls", "tsaUrls"])
def test_services_that_are_not_there(local: LocalSigstore, service: str) -> None:
    error = failing(local, lambda c: c[service][0].update(url="http://127.0.0.1:9"))
    assert isinstance(error, RegistryError)


@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls", "tsaUrls"])
def test_services_that_say_nothing(
    local: LocalSigstore, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = dataclasses.replace(sessions.LIMITS, read_seconds=0.3)
    monkeypatch.setattr(sessions, "LIMITS", quick)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        error = failing(local, lambda c: c[service][0].update(url=url))
    assert isinstance(error, RegistryError)


@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls", "tsaUrls"])
def test_services_that_never_stop_talking(
    local: LocalSigstore, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = dataclasses.replace(sessions.LIMITS, service_answer=100_000)
    monkeypatch.setattr(sessions, "LIMITS", quick)

    def talk(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"x" * 10_000)
        except OSError:
            return

    with answering(talk) as url:
        error = failing(local, lambda c: c[service][0].update(url=url))
    assert "too large" in str(error)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"not json", b'{"a":[[[[]]]]}', b"null"])
@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls", "tsaUrls"])
def test_services_that_answer_nonsense(local: LocalSigstore, service: str, body: bytes) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with answering(respond) as url:
        error = failing(local, lambda c: c[service][0].update(url=url))
    assert isinstance(error, RegistryError)


def test_a_token_does_not_follow_a_redirect(local: LocalSigstore) -> None:
    seen: list[str] = []

    def receive(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.path)
        handler.send_error(500)

    with answering(receive) as elsewhere:

        def redirect(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(307)
            handler.send_header("Location", f"{elsewhere}/stolen")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with answering(redirect) as url:
            error = failing(local, lambda c: c["caUrls"][0].update(url=url))
    assert isinstance(error, RegistryError)
    assert seen == []


def test_netrc_does_not_replace_the_token(
    local: LocalSigstore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert sign(local)


def test_a_trust_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    for content in (b"", b"{}", b"[]", b'{"mediaType":1}', b"{" * 10_000, b'{"a":1,"a":1}'):
        path.write_bytes(content)
        for load in (trust.client_trust_config, trust.trusted_root):
            with pytest.raises(InputError):
                load(path)
    with pytest.raises(InputError, match="cannot be read"):
        trust.trusted_root(tmp_path / "none")
