"""Signing with a key in a PKCS#11 module: SoftHSM2, the real library with a token of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import parts
from lading.attest import keys
from lading.attest.signers.kms import KmsSigner
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import SigningKeyError, VerificationError
from support.attest_samples import pair, public, statement

pytestmark = pytest.mark.interop

PIN = "1234"
MODULES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
    Path("/opt/homebrew/lib/softhsm/libsofthsm2.so"),
)


@pytest.fixture(scope="module", autouse=True)
def token(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token "lading" with a P-256 key under 2, a P-384 key under 3 and an RSA key under 4."""
    program = parts.require("softhsm2-util")
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
    module = next((path for path in MODULES if path.exists()), None)
    if module is None:
        parts.missing("softhsm2-util", "libsofthsm2.so is not where Debian has it")
    directory = tmp_path_factory.mktemp("softhsm")
    (directory / "tokens").mkdir()
    configuration = directory / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {directory / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    os.environ["PYKCS11LIB"] = str(module)
    pins = ["--pin", PIN, "--so-pin", PIN]
    run(program, "--init-token", "--free", "--label", "lading", *pins)
    for number, kind in (("02", "p256"), ("03", "p384")):
        path = directory / f"{kind}.pem"
        path.write_bytes(pair("hsm", kind).private_pem)  # type: ignore[arg-type]
        run(program, "--import", str(path), "--id", number, "--label", kind, *within())
    return module


def within() -> list[str]:
    return ["--token", "lading", "--pin", PIN]


def run(program: Path, *arguments: str) -> None:
    subprocess.run([str(program), *arguments], check=True, capture_output=True)


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
