"""The registries that other tests lean on are what their fixtures say they are."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest

from support import registries

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

    from support.registries import Registry

EMPTY = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_registry_has_the_referrers_api_only_where_the_fixture_says_so(registry: Registry) -> None:
    connection = http.client.HTTPConnection(registry.host, timeout=5)
    try:
        connection.request("GET", f"/v2/probe/referrers/{EMPTY}")
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    answers_with_an_index = (
        response.status == 200
        and response.headers.get_content_type() == "application/vnd.oci.image.index.v1+json"
    )
    assert answers_with_an_index == registry.has_referrers, content


@pytest.mark.parametrize(
    ("kind", "scheme"), [("olareg-basic", "basic"), ("olareg-token", "bearer")]
)
def test_registry_with_a_login_lets_nobody_in(kind: str, scheme: str, tmp_path: Path) -> None:
    with registries.start(kind, tmp_path) as registry:
        status, headers = _get(registry, "/v2/some/manifests/v1")
        assert status == 401
        assert headers["WWW-Authenticate"].lower().startswith(scheme)
        assert registry.login is not None


def test_registry_with_a_rate_limit_says_when_to_come_again(tmp_path: Path) -> None:
    with registries.start("olareg-rate-limited", tmp_path) as registry:
        answers = [_get(registry, "/v2/") for _ in range(60)]
    refused = [headers for status, headers in answers if status == 429]
    assert refused
    assert refused[0]["Retry-After"] == "1"


def _get(registry: Registry, path: str) -> tuple[int, Message]:
    connection = http.client.HTTPConnection(registry.host, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status, response.headers
    finally:
        connection.close()
