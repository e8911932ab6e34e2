"""Authentication: Basic, bearer tokens by scope, refresh tokens; and what must never happen."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from lading_oci import mediatypes
from lading_oci.challenges import parse_challenges
from lading_oci.credentials import Credential
from lading_oci.errors import MalformedError, TransportError, Unauthorized
from support.oci_clients import repository_of
from support.oci_images import make_image
from support.oci_server import Reply, Request, Server, serve

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE = make_image("auth")
SECRET = "s3cr3t-p4ssw0rd"
BASIC = "Basic " + base64.b64encode(f"user:{SECRET}".encode()).decode()


def image_reply(_: Request) -> Reply:
    return Reply(200, IMAGE.manifest, {"Content-Type": mediatypes.OCI_MANIFEST})


class TokenRegistry:
    """A registry and its token server in one; hands out numbered tokens."""

    def __init__(self, *, lifetime: int = 300, realm: str | None = None) -> None:
        self.lifetime = lifetime
        self.realm = realm
        self.valid: dict[str, str] = {}
        self.token_requests: list[Request] = []
        self.server: Server | None = None

    def __call__(self, request: Request) -> Reply:
        if request.path == "/token":
            return self.token(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        name = request.path.removeprefix("/v2/").partition("/manifests")[0]
        if name not in self.valid.get(token, ""):
            assert self.server is not None
            realm = self.realm or f"http://{self.server.host}/token"
            challenge = f'Bearer realm="{realm}",service="svc",scope="repository:{name}:pull"'
            return Reply(401, headers={"WWW-Authenticate": challenge})
        return image_reply(request)

    def token(self, request: Request) -> Reply:
        self.token_requests.append(request)
        form = parse_qs(request.body.decode()) if request.method == "POST" else request.query
        token = f"token{len(self.token_requests)}"
        self.valid[token] = " ".join(form["scope"])
        return Reply(200, json.dumps({"token": token, "expires_in": self.lifetime}).encode())


def with_server(registry: TokenRegistry, use: Callable[[Server], None]) -> None:
    with serve(registry) as server:
        registry.server = server
        use(server)


def test_basic() -> None:
    def answer(request: Request) -> Reply:
        if request.headers.get("authorization") != BASIC:
            return Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        return image_reply(request)

    with serve(answer) as server:
        repository = repository_of(server, credential=Credential("user", SECRET))
        repository.manifest("v1")
        repository.manifest("v1")
        assert len(server.requests) == 3, "one refusal, then the credential goes along"


def test_a_wrong_password_is_asked_once() -> None:
    refusal = Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    with serve(lambda _: refusal) as server:
        with pytest.raises(Unauthorized) as caught:
            repository_of(server, credential=Credential("user", SECRET)).manifest("v1")
        assert len(server.requests) == 2
        assert "docker login" in str(caught.value.hint)
        assert SECRET not in repr(caught.value) + str(caught.value)


def test_no_credentials_where_some_are_wanted() -> None:
    refusal = Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    with serve(lambda _: refusal) as server:
        with pytest.raises(Unauthorized):
            repository_of(server).manifest("v1")
        assert len(server.requests) == 1


def test_an_anonymous_token_is_kept() -> None:
    registry = TokenRegistry()

    def use(server: Server) -> None:
        repository = repository_of(server)
        for _ in range(3):
            repository.manifest("v1")
        assert len(registry.token_requests) == 1
        (asked,) = registry.token_requests
        assert asked.query == {"service": ["svc"], "scope": ["repository:a/b:pull"]}
        assert "authorization" not in asked.headers
        assert len(server.requests) == 1 + 1 + 3

    with_server(registry, use)


def test_a_token_is_for_its_scope() -> None:
    registry = TokenRegistry()

    def use(server: Server) -> None:
        repository = repository_of(server)
        repository.manifest("v1")
        other = repository.sibling("c/d")
        other.manifest("v1")
        assert [one.query["scope"] for one in registry.token_requests] == [
            ["repository:a/b:pull"],
            ["repository:c/d:pull"],
        ]
        refused = len(server.requests) - 2 - len(registry.token_requests)
        assert refused == 1, "the second token is fetched before a refusal"

    with_server(registry, use)


def test_the_password_goes_to_the_token_server_only() -> None:
    registry = TokenRegistry()

    def use(server: Server) -> None:
        repository_of(server, credential=Credential("user", SECRET)).manifest("v1")
        for request in server.requests:
            carries = request.headers.get("authorization") == BASIC
            assert carries is (request.path == "/token")
        assert registry.token_requests[0].query["account"] == ["user"]

    with_server(registry, use)


def test_a_refresh_token_is_posted() -> None:
    registry = TokenRegistry()

    def use(server: Server) -> None:
        credential = Credential("", "", identity_token=SECRET)
        repository_of(server, credential=credential).manifest("v1")
        (asked,) = registry.token_requests
        assert asked.method == "POST"
        form = parse_qs(asked.body.decode())
        assert form["grant_type"] == ["refresh_token"]
        assert form["refresh_token"] == [SECRET]
        assert form["scope"] == ["repository:a/b:pull"]
        assert all(SECRET not in str(one.query) for one in server.requests)

    with_server(registry, use)


def test_a_token_that_the_registry_no_longer_takes_is_replaced() -> None:
    registry = TokenRegistry()

    def use(server: Server) -> None:
        repository = repository_of(server)
        repository.manifest("v1")
        registry.valid.clear()
        repository.manifest("v1")
        assert len(registry.token_requests) == 2

    with_server(registry, use)


def test_a_token_is_replaced_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = TokenRegistry(lifetime=100)

    def use(server: Server) -> None:
        repository = repository_of(server)
        repository.manifest("v1")
        import time

        real = time.monotonic
        monkeypatch.setattr("lading_oci.auth.time.monotonic", lambda: real() + 95)
        repository.manifest("v1")
        assert len(registry.token_requests) == 2
        assert [one.path for one in server.requests].count("/v2/a/b/manifests/v1") == 3

    with_server(registry, use)


def test_a_registry_that_refuses_every_token_is_not_asked_for_ever() -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/token":
            return Reply(200, b'{"token":"t"}')
        challenge = f'Bearer realm="http://{server.host}/token",error="insufficient_scope"'
        return Reply(401, headers={"WWW-Authenticate": challenge})

    with serve(answer) as server:
        with pytest.raises(Unauthorized):
            repository_of(server, credential=Credential("user", SECRET)).manifest("v1")
        assert len(server.requests) <= 6


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"{}",
        b"[]",
        b'{"token":""}',
        b'{"token":7}',
        b'{"token":"a b"}',
        b'{"token":"a\\r\\nX-Injected: 1"}',
        b'{"token":"caf\\u00e9"}',
        json.dumps({"token": "x" * 200_000}).encode(),
        b'{"token":"t","token":"u"}',
    ],
)
def test_a_token_server_that_talks_nonsense(body: bytes) -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/token":
            return Reply(200, body)
        challenge = f'Bearer realm="http://{server.host}/token"'
        return Reply(401, headers={"WWW-Authenticate": challenge})

    with serve(answer) as server, pytest.raises(MalformedError):
        repository_of(server).manifest("v1")


def test_a_token_server_that_refuses() -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/token":
            return Reply(401, b'{"errors":[{"code":"DENIED","message":"wrong password"}]}')
        challenge = f'Bearer realm="http://{server.host}/token"'
        return Reply(401, headers={"WWW-Authenticate": challenge})

    with serve(answer) as server, pytest.raises(Unauthorized, match="wrong password"):
        repository_of(server).manifest("v1")


@pytest.mark.parametrize("realm", ["http://tokens.example.com/token", "ftp://x/", "nonsense", ""])
def test_a_password_never_goes_over_plain_http_to_elsewhere(realm: str) -> None:
    registry = TokenRegistry(realm=realm or "?")

    def use(server: Server) -> None:
        with pytest.raises((TransportError, MalformedError)):
            repository_of(server, credential=Credential("user", SECRET)).manifest("v1")
        assert len(server.requests) == 1

    with_server(registry, use)


def test_a_token_servers_redirect_gets_no_password() -> None:
    with serve(lambda _: Reply(200, b'{"token":"t"}')) as elsewhere:

        def answer(request: Request) -> Reply:
            if request.path == "/token":
                return Reply(302, headers={"Location": f"http://{elsewhere.host}/token"})
            if request.headers.get("authorization") == "Bearer t":
                return image_reply(request)
            challenge = f'Bearer realm="http://{server.host}/token"'
            return Reply(401, headers={"WWW-Authenticate": challenge})

        with serve(answer) as server:
            repository_of(server, credential=Credential("user", SECRET)).manifest("v1")
        assert all("authorization" not in one.headers for one in elsewhere.requests)


def test_a_storage_hosts_refusal_does_not_start_a_login() -> None:
    challenge = {"WWW-Authenticate": 'Basic realm="give me"'}
    with serve(lambda _: Reply(401, headers=challenge)) as storage:
        redirect = Reply(307, headers={"Location": f"http://{storage.host}/x"})
        with serve(lambda _: redirect) as server, pytest.raises(Unauthorized):
            repository_of(server, credential=Credential("user", SECRET)).manifest("v1")
        assert all("authorization" not in one.headers for one in storage.requests)


def test_pushing_asks_for_more_than_pulling() -> None:
    registry = TokenRegistry()

    def use(server: Server) -> None:
        repository = repository_of(server)
        repository.manifest("v1")
        repository.push_manifest(IMAGE.manifest, mediatypes.OCI_MANIFEST)
        assert registry.token_requests[-1].query["scope"] == ["repository:a/b:pull,push"]
        before = len(registry.token_requests)
        repository.manifest("v1")
        assert len(registry.token_requests) == before, "the wider token serves reading too"

    with_server(registry, use)


def test_secrets_do_not_show() -> None:
    credential = Credential("user", SECRET, identity_token=SECRET)
    assert SECRET not in repr(credential)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Basic realm="x"', [("basic", {"realm": "x"})]),
        (
            'Bearer realm="https://a/t?x=1,2",service=s , scope="repository:a:pull,push"',
            [
                (
                    "bearer",
                    {
                        "realm": "https://a/t?x=1,2",
                        "service": "s",
                        "scope": "repository:a:pull,push",
                    },
                )
            ],
        ),
        (
            'Basic realm="a\\"b", Bearer realm="c"',
            [("basic", {"realm": 'a"b'}), ("bearer", {"realm": "c"})],
        ),
        ("Negotiate", [("negotiate", {})]),
        ('realm="orphan"', []),
        ("", []),
        (";;;", []),
        ('Bearer realm="unterminated', [("bearer", {"realm": ""})]),
    ],
)
def test_challenges(text: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert [(one.scheme, dict(one.parameters)) for one in parse_challenges([text])] == expected
