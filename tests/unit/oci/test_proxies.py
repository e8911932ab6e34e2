"""Proxies of the environment: which are taken, and what they are told."""

from __future__ import annotations

import base64
import os
import socket
import threading

import pytest

from lading_oci.errors import NotFound, TransportError
from lading_oci.proxies import proxy_for
from lading_oci.urls import origin_of
from support.oci_clients import repository_of
from support.oci_server import Reply, serve

LOGIN = "Basic " + base64.b64encode(b"me:p w").decode()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("https://r.io", {}, None),
        ("https://r.io", {"https_proxy": "http://p:1"}, "http://p:1"),
        ("https://r.io", {"HTTPS_PROXY": "p:1"}, "http://p:1"),
        ("https://r.io", {"http_proxy": "http://p:1"}, None),
        ("http://r.io", {"http_proxy": "http://p:1"}, "http://p:1"),
        ("https://r.io", {"ALL_PROXY": "http://p:1"}, "http://p:1"),
        ("https://r.io", {"https_proxy": "http://a:1", "all_proxy": "http://b:1"}, "http://a:1"),
        ("https://127.0.0.1:5000", {"all_proxy": "http://p:1"}, None),
        ("https://localhost", {"all_proxy": "http://p:1"}, None),
        ("https://r.io", {"all_proxy": "http://p:1", "no_proxy": "*"}, None),
        ("https://r.io", {"all_proxy": "http://p:1", "NO_PROXY": "x.io, r.io"}, None),
        ("https://a.r.io", {"all_proxy": "http://p:1", "no_proxy": "r.io"}, None),
        ("https://a.r.io", {"all_proxy": "http://p:1", "no_proxy": ".r.io"}, None),
        ("https://bar.io", {"all_proxy": "http://p:1", "no_proxy": "r.io"}, "http://p:1"),
        ("https://r.io", {"all_proxy": "http://p:1", "no_proxy": "r.io:443"}, None),
        ("https://r.io:1", {"all_proxy": "http://p:1", "no_proxy": "r.io:443"}, "http://p:1"),
    ],
)
def test_which_proxy(
    url: str, environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(origin_of(url)) == expected


def test_plain_http_goes_to_the_proxy_with_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda _: Reply(404)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:p%20w@{proxy.host}")
        # An https proxy that refuses: only then is plain HTTP tried.
        monkeypatch.setenv("https_proxy", f"http://{proxy.host}")
        with pytest.raises(NotFound):
            repository_of("registry.invalid", insecure=True).manifest("v1")
    (request,) = proxy.requests
    assert request.headers["host"] == "registry.invalid"
    assert request.headers["proxy-authorization"] == LOGIN


def test_tls_goes_through_a_tunnel_that_gets_the_password() -> None:
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("https_proxy", f"http://me:p%20w@127.0.0.1:{server.getsockname()[1]}")

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                while b"\r\n\r\n" not in b"".join(heads):
                    heads.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(TransportError, match="407") as caught:
            repository_of("registry.invalid").manifest("v1")
        thread.join()
    head = b"".join(heads).decode()
    assert head.startswith("CONNECT registry.invalid:443 ")
    assert f"Proxy-Authorization: {LOGIN}" in head
    assert "p w" not in str(caught.value)
    assert "p%20w" not in str(caught.value)
