"""Registries with TLS: whose certificate is trusted, and what ``insecure`` allows."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from lading_oci import open_registry, parse_reference
from lading_oci.errors import TransportError
from support import registries
from support.oci_images import make_image, push_image
from support.oci_stores import Requests
from support.tls import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lading_oci.registry import RegistryRepository

IMAGE = make_image("over TLS")


def own_address() -> str | None:
    """Return an address of this machine that is not loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
        return None if address.startswith("127.") else address


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA and a certificate by it for this machine's addresses, as files."""
    directory = tmp_path_factory.mktemp("tls")
    return make_certificates(directory, "127.0.0.1", *filter(None, [own_address()]))


@pytest.fixture(scope="module")
def host(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a registry that speaks TLS only."""
    options = [
        *("--tls-cert", str(certificates / "server.pem")),
        *("--tls-key", str(certificates / "server.key")),
    ]
    with registries.start("olareg", tmp_path_factory.mktemp("olareg"), options) as registry:
        yield registry.host


@pytest.fixture(autouse=True)
def _nobody_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


def repository(
    host: str, *, insecure: bool = False, requests: Requests | None = None
) -> RegistryRepository:
    return open_registry(
        parse_reference(f"{host}/a/b"),
        credentials=lambda: None,
        insecure=insecure,
        on_request=requests,
    )


def test_an_unknown_authority_is_refused(host: str) -> None:
    with pytest.raises(TransportError, match="certificate is not trusted") as caught:
        repository(host).resolve("v1")
    assert "certs.d" in (caught.value.hint or "")


def test_an_authority_named_by_the_environment(
    host: str, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.crt"))
    opened = repository(host)
    assert push_image(opened, IMAGE, tag="v1") == repository(host).resolve("v1")
    assert opened.origin.scheme == "https"


@pytest.mark.parametrize("program", ["docker", "containers"])
def test_an_authority_in_certs_d(
    host: str, certificates: Path, tmp_path: Path, program: str
) -> None:
    directory = tmp_path / "config" / program / "certs.d" / host
    directory.mkdir(parents=True)
    (directory / "ca.crt").write_bytes((certificates / "ca.crt").read_bytes())
    assert push_image(repository(host), IMAGE, tag="v1").digest == IMAGE.descriptor.digest


def test_a_certificate_for_another_name_is_refused(
    host: str, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.crt"))
    with pytest.raises(TransportError, match="certificate is not trusted"):
        repository(host.replace("127.0.0.1", "localhost")).resolve("v1")


def test_insecure_takes_any_certificate(host: str) -> None:
    assert push_image(repository(host, insecure=True), IMAGE).digest == IMAGE.descriptor.digest


def test_that_it_wants_tls_is_found_out_once(
    host: str, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.crt"))
    requests = Requests()
    opened = repository(host, requests=requests)
    push_image(opened, IMAGE, tag="v1")
    with requests.counted() as seen:
        opened.resolve("v1")
    assert len(seen) == 1


@pytest.fixture(scope="module", params=["tls", "plain"])
def elsewhere(
    request: pytest.FixtureRequest,
    certificates: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, str]]:
    """A registry on an address that is not loopback, and what it speaks."""
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    options = ["--addr", address]
    if request.param == "tls":
        options += ["--tls-cert", str(certificates / "server.pem")]
        options += ["--tls-key", str(certificates / "server.key")]
    scratch = tmp_path_factory.mktemp("olareg")
    with registries.start("olareg", scratch, options, address=address) as registry:
        yield registry.host, str(request.param)


def test_elsewhere_only_a_trusted_certificate_will_do(elsewhere: tuple[str, str]) -> None:
    host, speaks = elsewhere
    with pytest.raises(TransportError) as caught:
        repository(host).resolve("v1")
    wanted = "certs.d" if speaks == "tls" else "--insecure"
    assert wanted in (caught.value.hint or "")


def test_elsewhere_insecure_allows_both(elsewhere: tuple[str, str]) -> None:
    host, speaks = elsewhere
    opened = repository(host, insecure=True)
    assert push_image(opened, IMAGE, tag="v1").digest == IMAGE.descriptor.digest
    assert opened.origin.scheme == ("https" if speaks == "tls" else "http")
