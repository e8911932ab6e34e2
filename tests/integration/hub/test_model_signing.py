"""Signed lists both ways: Model Signing's own tool reads ours, and we read those that it made."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.product import Lading

TOOL = Path(sys.executable).with_name("model_signing")


def _tool(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    if not TOOL.is_file():
        pytest.fail("model-signing is not installed: tools/setup.sh")
    return subprocess.run(
        [str(TOOL), *words], cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


def _payload(signature: Path) -> dict[str, object]:
    envelope = json.loads(signature.read_text())["dsseEnvelope"]
    return dict(json.loads(base64.b64decode(envelope["payload"])))


def _nested(model: Path) -> None:
    """Add files whose order by text is another one than by path component."""
    for path in ("onnx/model.onnx", "onnx-int8/model.onnx", "onnx.txt", "größe.txt"):
        (model / path).parent.mkdir(exist_ok=True)
        (model / path).write_text(path)


@pytest.mark.parametrize("kind", ["p256", "p384"])
def test_the_tool_accepts_our_signature_file(lading: Lading, model: Path, kind: str) -> None:
    _nested(model)
    lading.ok("keygen", "--no-password", "--kind", kind, "-o", kind)
    lading.ok("attest", f"dir:{model}", "--signing-key", f"{kind}.key", "--signature-file", "o.sig")

    def verify() -> subprocess.CompletedProcess[str]:
        words = ("verify", "key", "--public_key", f"{kind}.pub", "--signature", "o.sig", str(model))
        return _tool(*words, cwd=lading.cwd)

    good = verify()
    assert good.returncode == 0, good.stdout + good.stderr
    assert "WARNING" not in good.stdout
    (model / "config.json").write_text("{}")
    assert verify().returncode != 0


def test_we_accept_the_tools_signature_file(lading: Lading, model: Path) -> None:
    _nested(model)
    words = ("sign", "key", "--private_key", "lading.key", "--signature")
    signed = _tool(*words, str(model / "model.sig"), str(model), cwd=lading.cwd)
    assert signed.returncode == 0, signed.stdout + signed.stderr

    found = lading.ok("verify", f"dir:{model}", "--json").json()

    assert found["whole"] is True
    assert found["name"] == "ticket-router-tiny"
    lading.ok("verify", f"dir:{model}", "--signature", str(model / "model.sig"))
    (model / "onnx" / "model.onnx").write_text("onnx/modEl.onnx")
    refused = lading("verify", f"dir:{model}")
    assert refused.status == 10
    assert "changed: onnx/model.onnx" in " ".join(refused.err.split())


def test_both_make_the_same_statement(lading: Lading, model: Path) -> None:
    _nested(model)
    theirs, ours = lading.cwd / "theirs.sig", lading.cwd / "ours.sig"
    words = ("sign", "key", "--private_key", "lading.key", "--signature", str(theirs))
    assert _tool(*words, str(model), cwd=lading.cwd).returncode == 0
    lading.ok("attest", f"dir:{model}", "--signature-file", str(ours))

    mine, other = _payload(ours), _payload(theirs)

    assert mine["subject"] == other["subject"]
    assert mine["predicateType"] == other["predicateType"]
    assert mine["predicate"]["resources"] == other["predicate"]["resources"]  # type: ignore[index]
    serialization = mine["predicate"]["serialization"]  # type: ignore[index]
    assert serialization.keys() == other["predicate"]["serialization"].keys()  # type: ignore[index]


def test_a_way_of_listing_that_is_not_read_is_refused(lading: Lading, model: Path) -> None:
    code = (
        "import model_signing, pathlib;"
        "h = model_signing.hashing.Config().use_shard_serialization();"
        "model_signing.signing.Config().use_elliptic_key_signer(private_key=pathlib.Path("
        "'lading.key')).set_hashing_config(h)"
        f".sign(pathlib.Path({str(model)!r}), pathlib.Path('shards.sig'))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=lading.cwd, check=True, timeout=120)

    ran = lading("verify", f"dir:{model}", "--signature", "shards.sig")

    assert ran.status == 10
    assert "shards" in ran.err


def test_a_strangers_signature_is_refused(lading: Lading, model: Path) -> None:
    lading.ok("keygen", "--no-password", "-o", "stranger")
    words = ("sign", "key", "--private_key", "stranger.key", "--signature")
    assert _tool(*words, str(model / "model.sig"), str(model), cwd=lading.cwd).returncode == 0

    ran = lading("verify", f"dir:{model}", "--json")

    assert ran.status == 10
    assert ran.json()["error"]["code"] == "signer"
