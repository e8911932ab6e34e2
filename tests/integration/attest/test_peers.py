"""What docs/threat-model.md says of cosign's and notation's promises, asked of the programs.

Each test states what the peer does and, where it differs, what lading does with the same bytes.
When a newer version changes its mind, a test here fails, and the page is to be put right.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import parts
from lading.attest.predicates import CYCLONEDX
from lading.attest.statement import Subject, build_statement
from lading_oci import open_registry, parse_reference
from support.attest_forge import Flaws, forge
from support.attest_samples import edited, pair, signed_anyway, signer
from support.cosign import Cosign
from support.oci_images import make_image, push_image
from support.oci_server import forwarded, serve
from support.product import Lading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lading_oci.interface import Descriptor, Repository
    from local_sigstore.local import LocalSigstore
    from support.oci_server import Server
    from support.registries import Registry

pytestmark = pytest.mark.interop

KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"
BUILDER = "builder@example.com"
BY_KEY = ("--key", "alice.pub")
NO_LOG = "--insecure-ignore-tlog"
NO_SERVICES = '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}'
TWICE = b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",'


@dataclass
class Scene:
    """An image, what is attached to it, and those who judge it; requests are counted."""

    server: Server
    repository: Repository
    name: str
    image: Descriptor
    directory: Path
    root: str

    @property
    def hexadecimal(self) -> str:
        return self.image.digest.removeprefix("sha256:")

    def statement(self, *digests: dict[str, str], **predicate: Any) -> bytes:
        subjects = [Subject("svc", one) for one in digests or ({"sha256": self.hexadecimal},)]
        bom = {"bomFormat": "CycloneDX", "specVersion": "1.6"}
        return build_statement(subjects, CYCLONEDX, {**bom, **predicate})

    def attach(self, *bundles: bytes) -> None:
        for bundle in bundles:
            self.repository.attach(
                self.image, bundle, artifact_type=KIND, blob_media_type=KIND, annotations={}
            )

    def cosign(self, *words: str, who: tuple[str, ...] = BY_KEY) -> subprocess.CompletedProcess:
        asked = ("verify-attestation", "--allow-http-registry", "--type", "cyclonedx", *who)
        return Cosign(self.directory).run(*asked, *words, self.name)

    def lading(self, *words: str, who: tuple[str, ...] = BY_KEY) -> str | None:
        """Return lading's reason for a no, None for a yes."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.directory)}
        ran = Lading(self.directory, env)("verify", f"registry:{self.name}", *who, *words, "--json")
        error = ran.json()["error"]
        assert (ran.status == 0) is (error is None)
        return error and error["code"]

    def identity(self, issuer: str, *, name: str = BUILDER) -> tuple[str, ...]:
        """Return cosign's words for an identity."""
        who = (f"--certificate-identity={name}", f"--certificate-oidc-issuer={issuer}")
        return (*who, f"--trusted-root={self.root}")


@pytest.fixture
def scene(
    registry_referrers: Registry, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Scene]:
    (tmp_path / "alice.pub").write_bytes(pair("alice").public_pem)
    with serve(partial(forwarded, registry_referrers.host)) as server:
        path = "".join(one for one in request.node.name.lower() if one.isalnum())
        repository = open_registry(parse_reference(f"{server.host}/peers/{path}"))
        image = push_image(repository, make_image(request.node.name), tag="1")
        yield Scene(server, repository, f"{server.host}/peers/{path}:1", image, tmp_path, "")


@pytest.fixture
def keyless(scene: Scene, local: LocalSigstore) -> Scene:
    scene.root = str(local.write("root.json", local.trusted_root()))
    return scene


def ours(scene: Scene, local: LocalSigstore, name: str = BUILDER) -> str | None:
    who = (f"--identity={name}", f"--issuer={local.issuer.url}", f"--trusted-root={scene.root}")
    return scene.lading(who=who)


# --- cosign ------------------------------------------------------------------------------------


def test_cosign_takes_any_subject_that_fits(scene: Scene) -> None:
    other, wanted = {"sha256": "b2" * 32}, {"sha256": scene.hexadecimal}
    scene.attach(signer().sign(scene.statement(other, wanted)))
    assert scene.cosign(NO_LOG).returncode == 0
    assert scene.lading() is None


@pytest.mark.parametrize("name", ["SHA256", "sha-256"])
def test_cosign_takes_no_subject_by_another_algorithm(scene: Scene, name: str) -> None:
    scene.attach(signer().sign(scene.statement({name: scene.hexadecimal})))
    refused = scene.cosign(NO_LOG)
    assert (refused.returncode, "does not match" in refused.stderr) == (1, True), refused.stderr
    assert scene.lading() == "subject"


def test_cosigns_patterns_may_fit_anywhere(keyless: Scene, local: LocalSigstore) -> None:
    keyless.attach(forge(local, keyless.statement()))
    loose = (
        "--certificate-identity-regexp=uilder@exam",
        f"--certificate-oidc-issuer={local.issuer.url}",
        f"--trusted-root={keyless.root}",
    )
    assert keyless.cosign(who=loose).returncode == 0
    theirs = (f"--issuer={local.issuer.url}", f"--trusted-root={keyless.root}")
    assert keyless.lading(who=("--identity-regexp=uilder@exam", *theirs)) == "identity"


@pytest.mark.parametrize("missing", ["identity", "issuer"])
def test_cosign_wants_identity_and_issuer(
    keyless: Scene, local: LocalSigstore, missing: str
) -> None:
    who = tuple(word for word in keyless.identity(local.issuer.url) if missing not in word)
    refused = keyless.cosign(who=who)
    assert (refused.returncode, "is required" in refused.stderr) == (1, True), refused.stderr


def test_cosign_wants_keys_in_the_log_unless_it_is_told_not_to(scene: Scene) -> None:
    scene.attach(signer().sign(scene.statement()))
    (scene.directory / "root.json").write_text(NO_SERVICES)
    refused = scene.cosign("--trusted-root=root.json")
    assert (refused.returncode, "log entries" in refused.stderr) == (1, True), refused.stderr
    assert scene.cosign(NO_LOG).returncode == 0
    assert scene.lading() is None


@pytest.mark.parametrize(
    ("flaw", "option", "code"),
    [
        (Flaws(logged=False), NO_LOG, "log"),
        (Flaws(with_sct=False), "--insecure-ignore-sct", "sct"),
        (Flaws(stamped=False), None, "timestamp"),
    ],
    ids=["not logged", "no SCT", "no time"],
)
def test_what_cosign_can_be_told_to_overlook_in_keyless_bundles(
    keyless: Scene, local: LocalSigstore, flaw: Flaws, option: str | None, code: str
) -> None:
    keyless.attach(forge(local, keyless.statement(), flaw))
    who = keyless.identity(local.issuer.url)
    assert keyless.cosign(who=who).returncode == 1
    assert ours(keyless, local) == code
    if option is not None:
        assert keyless.cosign(option, who=who).returncode == 0


def test_cosign_asks_keys_for_a_time_only_when_told_to(scene: Scene) -> None:
    scene.attach(signer().sign(scene.statement()))
    (scene.directory / "root.json").write_text(NO_SERVICES)
    assert scene.cosign(NO_LOG).returncode == 0
    refused = scene.cosign(NO_LOG, "--use-signed-timestamps", "--trusted-root=root.json")
    assert (refused.returncode, "timestamps" in refused.stderr) == (1, True), refused.stderr


def test_cosign_ignores_a_strangers_and_prints_every_valid_one(scene: Scene) -> None:
    scene.attach(signer("mallory").sign(scene.statement()), b"{}", b"no bundle at all")
    assert scene.cosign(NO_LOG).returncode == 1
    scene.attach(*(signer().sign(scene.statement(number=one)) for one in range(3)))
    accepted = scene.cosign(NO_LOG)
    assert (accepted.returncode, len(accepted.stdout.splitlines())) == (0, 3)


def test_cosign_says_no_when_one_of_several_valid_ones_fails_the_policy(scene: Scene) -> None:
    (scene.directory / "new.rego").write_text(
        "package signature\n\nimport rego.v1\n\ndefault allow := false\n\n"
        'allow if input.predicate.specVersion == "1.6"\n'
    )
    scene.attach(signer().sign(scene.statement()))
    scene.attach(signer("mallory").sign(scene.statement(specVersion="1.5")))
    assert scene.cosign(NO_LOG, "--policy=new.rego").returncode == 0, "a stranger's is ignored"
    scene.attach(signer().sign(scene.statement(specVersion="1.5")))
    assert scene.cosign(NO_LOG, "--policy=new.rego").returncode == 1


def unpadded(bundle: bytes) -> bytes:
    def change(document: dict[str, Any]) -> None:
        envelope = document["dsseEnvelope"]
        assert envelope["payload"].endswith("=")
        envelope["payload"] = envelope["payload"].rstrip("=")

    return edited(bundle, change)


def in_another_alphabet(bundle: bytes) -> bytes:
    def change(document: dict[str, Any]) -> None:
        one = document["dsseEnvelope"]["signatures"][0]
        one["sig"] = one["sig"].replace("+", "-").replace("/", "_")

    return edited(bundle, change)


def two_signatures(bundle: bytes) -> bytes:
    return edited(bundle, lambda d: d["dsseEnvelope"]["signatures"].extend([{"sig": "AAAA"}]))


@pytest.mark.parametrize(
    ("change", "accepted", "code"),
    [
        (lambda bundle: TWICE + bundle[1:], False, "malformed"),
        (lambda bundle: edited(bundle, lambda d: d.update(more=1)), False, "malformed"),
        (lambda bundle: bundle + b"x", False, "malformed"),
        (two_signatures, False, "signatures"),
        (unpadded, True, "malformed"),
        (in_another_alphabet, True, "malformed"),
    ],
    ids=["a key twice", "unknown key", "more bytes", "two signatures", "no padding", "alphabet"],
)
def test_how_strictly_cosign_reads_bundles(
    scene: Scene, change: Callable[[bytes], bytes], *, accepted: bool, code: str
) -> None:
    bundle = good = b""
    for number in range(100):  # one that has what is changed
        good = signer().sign(scene.statement(number="x" * number))
        envelope = json.loads(good)["dsseEnvelope"]
        padded = envelope["payload"].endswith("=")
        if padded and any(one in envelope["signatures"][0]["sig"] for one in "+/"):
            bundle = change(good)
            break
    assert bundle != good
    scene.attach(bundle)
    assert (scene.cosign(NO_LOG).returncode == 0) is accepted
    assert scene.lading() == code


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        (lambda text: b'{"_type":"x",' + text[1:], False),
        (lambda text: text[:-1] + b',"more":1}', False),
        (lambda text: text + b" x", False),
        (lambda text: text[: text.index(b'"predicate":')] + b'"predicate":{}}', True),
    ],
    ids=["a key twice", "unknown key", "more bytes", "empty predicate"],
)
def test_how_strictly_cosign_reads_statements(
    scene: Scene, change: Callable[[bytes], bytes], *, accepted: bool
) -> None:
    scene.attach(signed_anyway(change(scene.statement())))
    assert (scene.cosign(NO_LOG).returncode == 0) is accepted
    assert scene.lading() == "malformed"


def test_how_often_cosign_asks(scene: Scene) -> None:
    """The tag is asked for twice, and so is every bundle; lading asks once for what it reads."""
    for number in (1, 2, 3):
        scene.attach(signer().sign(scene.statement(number=number)))
        scene.server.requests.clear()
        assert scene.cosign(NO_LOG).returncode == 0
        assert len(scene.server.requests) == 5 + 4 * number
        assert scene.server.lines.count(f"GET {_path(scene)}/manifests/1") == 2

        scene.server.requests.clear()
        assert scene.lading() is None
        asked = scene.server.lines
        assert len(asked) == len(set(asked)) == 2 + 2 * number
        assert sum(line.endswith("/manifests/1") for line in asked) == 1


def _path(scene: Scene) -> str:
    return f"/v2/{parse_reference(scene.name).repository}"


# --- notation ----------------------------------------------------------------------------------


@dataclass
class Notation:
    """The real program with two signers of its own; it trusts ``alice.example``."""

    scene: Scene
    config: Path

    def run(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        home = {"HOME": str(self.config), "XDG_CONFIG_HOME": str(self.config)}
        return subprocess.run(
            [str(parts.require("notation")), verb, *words],
            env={"PATH": os.environ["PATH"], **home},
            cwd=self.config,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def sign(self, who: str, *words: str) -> None:
        options = ("--insecure-registry", "--force-referrers-tag=false", f"--key={who}")
        done = self.run("sign", *options, *words, self.scene.name)
        assert done.returncode == 0, done.stderr

    def verify(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("verify", "--insecure-registry", *words, self.scene.name)

    def trust(
        self, *, scope: str = "*", level: str = "strict", identity: str = "*"
    ) -> subprocess.CompletedProcess[str]:
        rule: dict[str, Any] = {
            "name": "rule",
            "registryScopes": [scope],
            "signatureVerification": {"level": level},
        }
        if level != "skip":
            rule |= {"trustStores": ["ca:alice.example"], "trustedIdentities": [identity]}
        document = {"version": "1.0", "trustPolicies": [rule]}
        (self.config / "rules.json").write_text(json.dumps(document))
        return self.run("policy", "import", "--force", "rules.json")


@pytest.fixture
def notation(scene: Scene, tmp_path: Path) -> Notation:
    config = tmp_path / "notation"
    config.mkdir()
    found = Notation(scene, config)
    for who in ("alice.example", "mallory.example"):
        assert found.run("cert", "generate-test", who).returncode == 0
    return found


def test_notation_signs_a_descriptor(notation: Notation) -> None:
    notation.sign("alice.example")
    words = ("--insecure-registry", "--output=json", notation.scene.name)
    (found,) = json.loads(notation.run("inspect", *words).stdout)["Signatures"]
    assert set(found["signedArtifact"]) == {"mediaType", "digest", "size"}
    assert found["signedArtifact"]["digest"] == notation.scene.image.digest


def test_notations_rules_are_for_whole_names_and_none_means_no(notation: Notation) -> None:
    notation.sign("alice.example")
    repository = notation.scene.name.rpartition(":")[0]
    assert notation.trust(scope=f"{repository}-other").returncode == 0
    refused = notation.verify()
    assert (refused.returncode, "no applicable trust policy" in refused.stderr) == (1, True)
    assert notation.trust(scope=repository).returncode == 0
    assert notation.verify().returncode == 0
    pattern = notation.trust(scope=f"{repository.rpartition('/')[0]}/*")
    assert (pattern.returncode, "wild card" in pattern.stderr) == (1, True)


def test_notations_levels_switch_checks_off(notation: Notation) -> None:
    notation.sign("mallory.example")
    accepted = {}
    for level in ("strict", "permissive", "audit", "skip"):
        assert notation.trust(level=level).returncode == 0
        accepted[level] = notation.verify().returncode == 0
    assert accepted == {"strict": False, "permissive": False, "audit": True, "skip": True}


def test_notations_identity_is_of_the_certificates_subject(notation: Notation) -> None:
    notation.sign("alice.example")
    for subject, accepted in (("O=Notary", True), ("O=Acme", False)):
        assert notation.trust(identity=f"x509.subject: C=US, ST=WA, {subject}").returncode == 0
        assert (notation.verify().returncode == 0) is accepted


def test_notation_stops_at_the_first_that_holds_and_gives_up_after_some(notation: Notation) -> None:
    notation.trust()
    for _ in range(3):
        notation.sign("mallory.example")
    assert notation.verify().returncode == 1
    notation.sign("alice.example")
    server = notation.scene.server
    server.requests.clear()
    assert notation.verify().returncode == 0, "strangers' signatures are ignored"
    read, asked = sum("/blobs/" in line for line in server.lines), len(server.lines)
    assert asked == 3 + 2 * read
    most = {limit: notation.verify(f"--max-signatures={limit}").returncode for limit in (1, 4)}
    assert most[4] == 0
    assert most[1] == (0 if read == 1 else 1)
