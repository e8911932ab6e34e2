"""The registries that other tests lean on are what their fixtures say they are."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
