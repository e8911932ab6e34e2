"""Signing and verifying as a user does: ``lading`` and ``cosign`` on one registry, both ways."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import parts
from lading.attest import keys
from lading_oci import open_registry, parse_reference
from local_sigstore.local import described_log
from support.attest_forge import Flaws, certified
from support.attest_samples import pair, private, public
from support.oci_images import make_image, push_image
from support.product import Lading

if TYPE_CHECKING:
    from local_sigstore.local import LocalSigstore
    from support.product import Ran
    from support.registries import Registry

pytestmark = pytest.mark.interop

BUILDER = "builder@example.com"
PEM = serialization.Encoding.PEM


@pytest.fixture
def lading(tmp_path: Path, local: LocalSigstore) -> Lading:
    """``lading`` in a directory with keys, a token and the local Sigstore's files."""
    for name in ("alice", "mallory"):
        (tmp_path / f"{name}.key").write_bytes(pair(name).private_pem)
        (tmp_path / f"{name}.pub").write_bytes(pair(name).public_pem)
    (tmp_path / "token").write_text(local.issuer.token())
    for name, document in (
        ("config.json", local.trust_config()),
        ("root.json", local.trusted_root()),
        ("services.json", local.signing_config()),
        ("predicate.json", {"bomFormat": "CycloneDX", "specVersion": "1.6"}),
    ):
        (tmp_path / name).write_text(json.dumps(document))
    env = {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "HOME": str(tmp_path),
        "TUF_ROOT": str(tmp_path / "tuf"),
        "COSIGN_PASSWORD": "",
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    return Lading(tmp_path, env)


@pytest.fixture
def image(registry_referrers: Registry, request: pytest.FixtureRequest) -> str:
    """A new image in its own repository."""
    name = f"{registry_referrers.host}/{request.node.name.partition('[')[0]}:1".lower()
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            entry = tarfile.TarInfo("etc/motd")
            entry.size = 5
            tar.addfile(entry, io.BytesIO(b"hello"))
        layer = file.getvalue()
    push_image(open_registry(parse_reference(name)), make_image(name, layer=layer), tag="1")
    return name


def cosign(lading: Lading, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(parts.require("cosign")), *words],
        cwd=lading.cwd,
        env={**lading.env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def cosign_verifies(lading: Lading, image: str, *who: str) -> bool:
    words = ("verify-attestation", "--type=cyclonedx", "--allow-http-registry", *who, image)
    done = cosign(lading, *words)
    assert "panic" not in done.stderr
    return done.returncode == 0


def identity(local: LocalSigstore, name: str = BUILDER) -> list[str]:
    return [f"--identity={name}", f"--issuer={local.issuer.url}", "--trusted-root=root.json"]


def attest(lading: Lading, image: str, *how: str) -> Ran:
    return lading.ok("attest", f"registry:{image}", *how, "--json")


def verify(lading: Lading, image: str, *who: str) -> Ran:
    ran = lading("verify", f"registry:{image}", *who, "--json")
    schema = json.loads((parts.ROOT / "docs" / "schemas" / "verify.schema.json").read_text())
    jsonschema_rs.validator_for(schema).validate(ran.json())
    return ran


KEYLESS = ("--keyless", "--identity-token=token", "--trust-config=config.json")


# --- keyless -----------------------------------------------------------------------------------


def test_keyless_and_cosign_agrees(lading: Lading, image: str, local: LocalSigstore) -> None:
    made = attest(lading, image, *KEYLESS)

    assert f"signing as {BUILDER} ({local.issuer.url})" in made.err
    assert "becomes public" in made.err
    assert "eyJ" not in made.err + made.out
    found = verify(lading, image, *identity(local))
    assert found.status == 0, found.err
    (evidence,) = found.json()["attestations"]
    assert evidence["signer"] == f"{BUILDER} ({local.issuer.url})"
    assert evidence["time_trusted"] is True
    assert isinstance(evidence["log_index"], int)
    root = "--trusted-root=root.json"
    issuer = f"--certificate-oidc-issuer={local.issuer.url}"
    assert cosign_verifies(lading, image, root, issuer, f"--certificate-identity={BUILDER}")
    assert not cosign_verifies(lading, image, root, issuer, "--certificate-identity=x@example.com")


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (["--identity=builder@example.co", "--issuer={issuer}"], "identity"),
        (["--identity-regexp=builder@example", "--issuer={issuer}"], "identity"),
        (["--identity=builder@example.com", "--issuer=https://accounts.example"], "issuer"),
        (["--key=alice.pub"], "signer-kind"),
    ],
)
def test_keyless_by_somebody_else(
    lading: Lading, image: str, local: LocalSigstore, who: list[str], code: str
) -> None:
    attest(lading, image, *KEYLESS)
    words = [word.format(issuer=local.issuer.url) for word in who]

    refused = verify(lading, image, *words, "--trusted-root=root.json")

    assert (refused.status, refused.json()["error"]["code"]) == (10, code)


def test_keyless_under_another_root(lading: Lading, image: str, local: LocalSigstore) -> None:
    attest(lading, image, *KEYLESS)
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    document = local.trusted_root()
    document["ctlogs"] = [described_log(local.ct_log.url, other, "PKIX_ECDSA_P256_SHA_256")]
    (lading.cwd / "root.json").write_text(json.dumps(document))

    refused = verify(lading, image, *identity(local))

    assert (refused.status, refused.json()["error"]["code"]) == (10, "sct")


def test_what_cosign_signs_keyless_we_accept(
    lading: Lading, image: str, local: LocalSigstore
) -> None:
    done = cosign(
        lading,
        *("attest", "--predicate=predicate.json", "--type=cyclonedx", "--yes"),
        *("--signing-config=services.json", "--trusted-root=root.json", "--allow-http-registry"),
        *(f"--identity-token={local.issuer.token()}", image),
    )
    assert done.returncode == 0, done.stderr

    found = verify(lading, image, *identity(local), "--type=bom")

    assert found.status == 0, found.err
    assert verify(lading, image, *identity(local, "x@example.com")).status == 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--keyless", "--identity-token=none", "--trust-config=config.json"], "cannot be read"),
        (["--keyless", "--identity-token=alice.pub", "--trust-config=config.json"], "not an ident"),
        (["--keyless", "--identity-token=token", "--trust-config=root.json"], "ClientTrustConfig"),
        (["--keyless", "--trust-config=config.json"], "no identity to sign as"),
    ],
)
def test_keyless_that_cannot_begin(lading: Lading, image: str, words: list[str], said: str) -> None:
    failed = lading("attest", f"registry:{image}", *words)

    assert failed.status in {2, 22}
    assert said in failed.err


# --- keys, witnesses, certificates -------------------------------------------------------------


def test_a_key_and_cosign_agrees(lading: Lading, image: str) -> None:
    attest(lading, image, "--signing-key=alice.key")

    assert verify(lading, image, "--key=alice.pub").status == 0
    assert verify(lading, image, "--key=mallory.pub").status == 10
    tlog = "--insecure-ignore-tlog"
    assert cosign_verifies(lading, image, tlog, "--key=alice.pub")
    assert not cosign_verifies(lading, image, tlog, "--key=mallory.pub")


def test_cosigns_own_key_signs_here_and_cosign_agrees(lading: Lading, image: str) -> None:
    secret = {"COSIGN_PASSWORD": "correct horse", "LADING_KEY_PASSWORD": "correct horse"}
    keyed = Lading(lading.cwd, {**lading.env, **secret})
    assert cosign(keyed, "generate-key-pair").returncode == 0
    attest(keyed, image, "--signing-key=cosign.key")

    assert verify(lading, image, "--key=cosign.pub").status == 0
    assert cosign_verifies(lading, image, "--insecure-ignore-tlog", "--key=cosign.pub")
    again = ("attest", f"registry:{image}", "--signing-key=cosign.key")
    wrong = keyed(*again, env={"LADING_KEY_PASSWORD": "wrong"})
    assert wrong.status == 22
    assert "password does not open" in wrong.err
    assert lading(*again).status == 2, "nobody to ask"


def test_what_cosign_signs_with_its_own_key_we_accept(lading: Lading, image: str) -> None:
    assert cosign(lading, "generate-key-pair").returncode == 0
    done = cosign(
        lading,
        *("attest", "--key=cosign.key", "--predicate=predicate.json", "--type=cyclonedx"),
        *("--signing-config=services.json", "--trusted-root=root.json", "--yes"),
        *("--allow-http-registry", image),
    )
    assert done.returncode == 0, done.stderr

    assert verify(lading, image, "--key=cosign.pub").status == 0
    assert verify(lading, image, "--key=alice.pub").status == 10


def test_a_witnessed_key_and_cosign_needs_no_excuse(
    lading: Lading, image: str, local: LocalSigstore
) -> None:
    how = ("--signing-key=alice.key", "--tlog", "--timestamp", KEYLESS[2])
    made = attest(lading, image, *how)

    assert f"signing as {keys.key_id(public())}" in made.err
    assert "this public key becomes public" in made.err
    who = ("--key=alice.pub", "--trusted-root=root.json")
    found = verify(lading, image, *who, "--tlog", "--timestamp")
    assert found.status == 0, found.err
    (evidence,) = found.json()["attestations"]
    assert (evidence["time_trusted"], evidence["log_index"] is not None) == (True, True)
    assert cosign_verifies(lading, image, *who, "--use-signed-timestamps")


def test_logging_the_same_statement_twice(lading: Lading, image: str) -> None:
    """A log takes no entry twice, and a BOM that is made again has the same bytes."""
    how = ("--signing-key=alice.key", "--tlog", KEYLESS[2])
    for _ in range(2):
        epoch = {"SOURCE_DATE_EPOCH": "1700000000"}
        ran = lading("attest", f"registry:{image}", *how, env=epoch)
        assert ran.status == 0, ran.err
    who = ("--key=alice.pub", "--trusted-root=root.json", "--tlog")
    assert verify(lading, image, *who).status == 0


@pytest.mark.parametrize(("given", "wanted"), [("--tlog", "timestamp"), ("--timestamp", "log")])
def test_a_witness_that_is_missing(lading: Lading, image: str, given: str, wanted: str) -> None:
    attest(lading, image, "--signing-key=alice.key", given, KEYLESS[2])

    who = ("--key=alice.pub", "--trusted-root=root.json", "--tlog", "--timestamp")
    refused = verify(lading, image, *who)

    assert (refused.status, refused.json()["error"]["code"]) == (10, wanted)


def test_a_certificate_of_ones_own(lading: Lading, image: str, local: LocalSigstore) -> None:
    key = private("alice")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = certified(local, key, Flaws(with_sct=False))
    (lading.cwd / "alice.pem").write_bytes(certificate.public_bytes(PEM))
    (lading.cwd / "ca.pem").write_bytes(local.ca_certificate.public_bytes(PEM))
    attest(lading, image, "--signing-key=alice.key", "--certificate=alice.pem")

    root = "--certificate-root=ca.pem"
    assert verify(lading, image, root, f"--identity={BUILDER}").status == 0
    assert verify(lading, image, root, "--identity=x@example.com").status == 10
    mine = lading(
        "attest", f"registry:{image}", "--signing-key=mallory.key", "--certificate=alice.pem"
    )
    assert mine.status == 22
    assert "another key" in mine.err


def test_a_certificate_with_a_timestamp(lading: Lading, image: str, local: LocalSigstore) -> None:
    key = private("alice")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = certified(local, key, Flaws(with_sct=False))
    (lading.cwd / "alice.pem").write_bytes(certificate.public_bytes(PEM))
    (lading.cwd / "ca.pem").write_bytes(local.ca_certificate.public_bytes(PEM))
    how = ("--signing-key=alice.key", "--certificate=alice.pem", "--timestamp", KEYLESS[2])
    attest(lading, image, *how)

    who = ("--certificate-root=ca.pem", f"--identity={BUILDER}")
    found = verify(lading, image, *who, "--trusted-root=root.json").json()
    assert [one["time_trusted"] for one in found["attestations"]] == [True]
    found = verify(lading, image, *who).json()
    assert [one["time_trusted"] for one in found["attestations"]] == [False]


# --- trust rules -------------------------------------------------------------------------------


def trust(lading: Lading, image: str, *signers: str, **settings: Any) -> None:
    repository = image.rpartition(":")[0]
    lines = ["[[trust]]", f"images = ['{repository}']", f"signers = [{', '.join(signers)}]"]
    lines += [f"{name.replace('_', '-')} = {json.dumps(value)}" for name, value in settings.items()]
    (lading.cwd / "lading.toml").write_text("\n".join(lines))


def elsewhere(image: str) -> str:
    return f"{image.rpartition(':')[0]}-other:1"


def test_with_trust_rules_verify_needs_no_options(
    lading: Lading, image: str, local: LocalSigstore
) -> None:
    attest(lading, image, *KEYLESS)
    trust(
        *(lading, image, "{ key = 'alice.pub' }"),
        f"{{ identity-regexp = '.+@example[.]com', issuer = '{local.issuer.url}' }}",
        trusted_root="root.json",
        require=["bom", "seal"],
        max_age="1h",
    )

    found = verify(lading, image)

    assert found.status == 0, found.err
    document = found.json()
    assert document["trust"] == "lading.toml, rule 1"
    kinds = [one["predicate_type"] for one in document["attestations"]]
    assert kinds == ["https://slsa.dev/verification_summary/v1", "https://cyclonedx.org/bom"]
    assert verify(lading, elsewhere(image)).json()["error"]["code"] == "trust"


def test_tree_checks_by_the_trust_rules(lading: Lading, image: str) -> None:
    attest(lading, image, "--signing-key=alice.key")

    def states() -> set[bool | None]:
        document = lading.ok("tree", f"registry:{image}", "--json").json()
        return {one["verified"] for one in document["referrers"]}

    assert states() == {None}
    trust(lading, image, "{ key = 'alice.pub' }")
    assert states() == {True}
    trust(lading, image, "{ key = 'mallory.pub' }")
    assert states() == {False}
    trust(lading, elsewhere(image), "{ key = 'alice.pub' }")
    assert states() == {None}, "nobody is trusted for this image"


def test_a_required_attestation_that_is_missing(lading: Lading, image: str) -> None:
    attest(lading, image, "--signing-key=alice.key")
    trust(lading, image, "{ key = 'alice.pub' }", require=["bom", "sarif"])

    refused = verify(lading, image)

    assert refused.status == 11
    assert "sarif" in refused.json()["error"]["wanted"]


def test_every_refusal_is_told(lading: Lading, image: str) -> None:
    for day in range(3):
        epoch = {"SOURCE_DATE_EPOCH": str(1_700_000_000 + day * 86400)}
        how = ("--signing-key=mallory.key",)
        assert lading("attest", f"registry:{image}", *how, env=epoch).status == 0

    who = ("--key=alice.pub", "--type=bom")
    refused = verify(lading, image, *who)

    assert refused.status == 10
    assert [one["code"] for one in refused.json()["refused"]] == ["signer"] * 3
    assert refused.json()["trust"] == "the command line"
    text = lading("verify", f"registry:{image}", *who).err
    assert text.count("The attestation is not signed by a trusted key") == 1
    assert text.endswith("\nrefused   3 attestations, all for this reason\n")


def test_a_signer_of_something_else(lading: Lading, image: str) -> None:
    attest(lading, image, "--signing-key=mallory.key")
    trust(lading, image, "{ key = 'alice.pub' }", "{ key = 'mallory.pub', types = ['sarif'] }")

    refused = verify(lading, image)

    assert (refused.status, refused.json()["error"]["code"]) == (10, "signer-type")


# --- several attestations ----------------------------------------------------------------------


def test_which_one_counts_is_shown(lading: Lading, image: str) -> None:
    for key, day in (("alice", 1), ("mallory", 2), ("alice", 3)):
        epoch = {"SOURCE_DATE_EPOCH": str(1_700_000_000 + day * 86400)}
        ran = lading("attest", f"registry:{image}", f"--signing-key={key}.key", env=epoch)
        assert ran.status == 0, ran.err

    found = verify(lading, image, "--key=alice.pub", "--type=bom")

    (evidence,) = found.json()["attestations"]
    assert evidence["time"].startswith("2023-11-17")
    assert len(evidence["older"]) == 1
    assert [one["code"] for one in evidence["refused"]] == ["signer"]
    text = lading.ok("verify", f"registry:{image}", "--key=alice.pub", "--type=bom").out
    assert "older     1 more of this type hold, and do not count" in text
    assert "signer: the attestation is not signed by a trusted key" in text
    trust(lading, image, "{ key = 'alice.pub' }", require=["bom"], only_valid=True)
    refused = verify(lading, image)
    assert (refused.status, refused.json()["error"]["code"]) == (10, "signer")
