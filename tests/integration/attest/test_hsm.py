"""Signing with a key in a PKCS#11 module: SoftHSM2, the real library with a token of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import parts
from lading.attest import keys
from lading.attest.signers.kms import KmsSigner
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import SigningKeyError, VerificationError
from lading_oci import open_registry, parse_reference
from support.attest_samples import pair, public, statement
from support.oci_images import make_image, push_image
from support.product import Lading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.registries import Registry

pytestmark = pytest.mark.interop

PIN = "1234"
EMPTY_TAR = b"\x00" * 10240
MODULES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
    Path("/opt/homebrew/lib/softhsm/libsofthsm2.so"),
)


def installed() -> Path:
    module = parts.find("libsofthsm2.so") or next((one for one in MODULES if one.exists()), None)
    return module or parts.require("libsofthsm2.so")


@pytest.fixture(scope="module", autouse=True)
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A token "lading" with a P-256 key under 2, a P-384 key under 3 and an RSA key under 4."""
    program, module = parts.require("softhsm2-util"), installed()
    directory = tmp_path_factory.mktemp("softhsm")
    (directory / "tokens").mkdir()
    configuration = directory / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {directory / 'tokens'}\nlog.level = ERROR\n")
    environment = {"SOFTHSM2_CONF": str(configuration), "PYKCS11LIB": str(module)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        fill(program, directory)
        yield environment


def fill(program: Path, directory: Path) -> None:
    pins = ["--pin", PIN, "--so-pin", PIN]
    run(program, "--init-token", "--free", "--label", "lading", *pins)
    for number, kind in (("02", "p256"), ("03", "p384")):
        path = directory / f"{kind}.pem"
        path.write_bytes(pair("hsm", kind).private_pem)  # type: ignore[arg-type]
        run(program, "--import", str(path), "--id", number, "--label", kind, *within())


def within() -> list[str]:
    return ["--token", "lading", "--pin", PIN]


def run(program: Path, *arguments: str) -> None:
    command = [str(program), "--module", os.environ["PYKCS11LIB"], *arguments]
    subprocess.run(command, check=True, capture_output=True)


def pin() -> bytes:
    return PIN.encode()


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("hsm:", "p256"),
        ("hsm:2", "p256"),
        ("hsm:3?label=lading", "p384"),
        ("pkcs11:token=lading;id=%02", "p256"),
        ("pkcs11:id=%03;token=lading?module-path=/nowhere/ignored-as-one-is-set.so", "p384"),
    ],
)
def test_a_key_in_a_module_signs(uri: str, kind: keys.KeyKind) -> None:
    signer = KmsSigner(uri, pin)
    assert signer.identity.name == keys.key_id(public("hsm", kind))
    bundle = signer.sign(statement())
    assert KeyVerifier([public("hsm", kind)]).verify(bundle).payload == statement()
    with pytest.raises(VerificationError):
        KeyVerifier([public("alice", kind)]).verify(bundle)


@pytest.mark.parametrize(
    ("uri", "secret", "message"),
    [
        pytest.param("hsm:2", b"9999", "PinIncorrect", id="wrong PIN"),
        pytest.param("hsm:9", PIN.encode(), "could not find", id="no such key"),
        pytest.param("hsm:2?label=other", PIN.encode(), "No PKCS#11 token", id="no such token"),
        pytest.param("hsm:2", None, "needs a pin", id="no PIN"),
        pytest.param("hsm:two", PIN.encode(), "invalid literal", id="no number"),
    ],
)
def test_modules_that_do_not_sign(uri: str, secret: bytes | None, message: str) -> None:
    with pytest.raises(SigningKeyError, match=message):
        KmsSigner(uri, lambda: secret).sign(statement())


def test_a_module_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYKCS11LIB", "/nowhere/module.so")
    with pytest.raises(SigningKeyError):
        KmsSigner("hsm:2", pin)


def test_through_the_command_line(
    token: dict[str, str], registry_referrers: Registry, tmp_path: Path
) -> None:
    image = f"{registry_referrers.host}/acme/hsm:1"
    push_image(open_registry(parse_reference(image)), make_image("hsm", layer=EMPTY_TAR), tag="1")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **token}
    lading = Lading(tmp_path, env)
    uri = f"pkcs11:token=lading;id=%02?module-path={token['PYKCS11LIB']}"
    attest = ("attest", f"registry:{image}", "--signing-key", uri)

    assert lading(*attest, env={"LADING_KEY_PASSWORD": "9999"}).status == 22
    assert lading(*attest).status == 2  # nobody to ask for the PIN
    done = lading(*attest, env={"LADING_KEY_PASSWORD": PIN})
    assert done.status == 0, done.err
    exported = lading("keygen", "--public-of", uri, "-o", "hsm", env={"LADING_KEY_PASSWORD": PIN})
    assert exported.status == 0, exported.err
    assert (tmp_path / "hsm.pub").read_bytes() == pair("hsm").public_pem
    lading.ok("verify", f"registry:{image}", "--key", "hsm.pub")
    stolen = (*attest[:-1], f"{uri}&pin-value={PIN}")
    assert "PIN does not belong" in lading(*stolen).err
