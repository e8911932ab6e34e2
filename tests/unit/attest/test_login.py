"""Signing in, against a real issuer on loopback; the person is the test."""

from __future__ import annotations

import dataclasses
import threading
import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from lading.attest import login
from lading.errors import InputError, RegistryError
from local_sigstore.oidc import Issuer, running_issuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


def now() -> datetime:
    return datetime.now(UTC)


class Browser:
    """Follows an address to its end, as a browser does; ``change`` edits where it is sent."""

    def __init__(self, change: Callable[[str], str] = lambda url: url) -> None:
        self.change = change
        self.threads: list[threading.Thread] = []

    def __call__(self, url: str) -> bool:
        thread = threading.Thread(target=self.visit, args=(url,))
        thread.start()
        self.threads.append(thread)
        return True

    def visit(self, url: str) -> None:
        try:
            with urllib.request.urlopen(self.change(url), timeout=5) as answer:
                answer.read()
        except OSError:
            return


def test_browser(issuer: Issuer) -> None:
    token = login.browser_token(issuer.url, now=now, show=print, open_url=Browser())
    assert str(token.identity) == f"builder@example.com ({issuer.url})"


def test_no_browser_on_this_machine(issuer: Issuer) -> None:
    shown: list[str] = []

    def show(text: str) -> None:
        shown.append(text)
        Browser()(text.split()[-1])

    token = login.browser_token(issuer.url, now=now, show=show, open_url=lambda _: False)
    assert token.identity.name == "builder@example.com"
    assert issuer.url in shown[0]


def test_an_answer_of_another_sign_in(issuer: Issuer) -> None:
    def other_state(url: str) -> str:
        return url.replace("&state=", "&state=x")

    with pytest.raises(InputError, match="another sign-in"):
        login.browser_token(issuer.url, now=now, show=print, open_url=Browser(other_state))


def test_a_code_that_someone_else_asked_for(issuer: Issuer) -> None:
    def other_challenge(url: str) -> str:
        return url.replace("code_challenge=", "code_challenge=x")

    with pytest.raises(InputError, match="invalid_grant"):
        login.browser_token(issuer.url, now=now, show=print, open_url=Browser(other_challenge))


def test_a_token_of_another_request(issuer: Issuer) -> None:
    def other_nonce(url: str) -> str:
        return url.replace("&nonce=", "&nonce=x")

    with pytest.raises(InputError, match="another request"):
        login.browser_token(issuer.url, now=now, show=print, open_url=Browser(other_nonce))


def test_a_person_who_says_no(issuer: Issuer) -> None:
    issuer.deny = "access_denied"
    with pytest.raises(InputError, match="access_denied: the person said no"):
        login.browser_token(issuer.url, now=now, show=print, open_url=Browser())
    with pytest.raises(InputError, match="access_denied"):
        login.device_token(issuer.url, now=now, show=print)


def test_nobody_there(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "LIMITS", dataclasses.replace(login.LIMITS, login_seconds=0.1))
    with pytest.raises(InputError, match="in time"):
        login.browser_token(issuer.url, now=now, show=print, open_url=lambda _: True)
    issuer.pending_polls = 10_000
    with pytest.raises(InputError, match="in time"):
        login.device_token(issuer.url, now=now, show=print)


def test_another_device(issuer: Issuer) -> None:
    shown: list[str] = []
    issuer.pending_polls = 3
    token = login.device_token(issuer.url, now=now, show=shown.append)
    assert token.identity.name == "builder@example.com"
    assert "WDJB-MJHT" in shown[0]


def test_an_unverified_address(issuer: Issuer) -> None:
    issuer.claims["email_verified"] = False
    with pytest.raises(InputError, match="not verified"):
        login.device_token(issuer.url, now=now, show=print)


def test_issuers_that_are_none(issuer: Issuer) -> None:
    with pytest.raises(RegistryError):
        login.browser_token("http://127.0.0.1:9", now=now, show=print)
    with pytest.raises(RegistryError):
        login.device_token(f"{issuer.url}/elsewhere", now=now, show=print)
    with pytest.raises(RegistryError, match="another one"):
        login.browser_token(f"{issuer.url}/", now=now, show=print)
