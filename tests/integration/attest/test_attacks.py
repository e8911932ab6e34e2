"""What somebody who can write to the registry may try, each on a real one: the answer is no.

Alice is trusted. Mallory is not, and can push, delete and attach whatever she likes. Attacks that
need no registry are in ``tests/unit/attest`` and ``test_keyless_attacks.py``;
``docs/threat-model.md`` lists them all.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest.predicates import CYCLONEDX, SARIF, SLSA_VSA_V1
from lading.attest.statement import Subject, build_statement
from lading.attest.vsa import SEAL_ANNOTATION, PolicyId, build_vsa
from lading.usecases.bundles import PREDICATE_TYPE_ANNOTATION
from lading_oci import mediatypes, open_registry, parse_reference
from lading_oci.digest import digest_of
from lading_oci.interface import Descriptor
from lading_oci.manifests import EMPTY_CONFIG, descriptor_json, dump, index_manifest
from support.attest_samples import edited, pair, signed_anyway, signer
from support.oci_images import make_image, push_image
from support.oci_server import Reply, serve
from support.product import Lading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lading_oci.interface import Repository
    from support.oci_server import Request
    from support.registries import Registry

KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"
POLICY = PolicyId("https://acme.example/policy", "11" * 32)
OLD_POLICY = PolicyId("https://acme.example/policy", "22" * 32)


@dataclass
class Scene:
    """A repository with one image, and whoever asks about it."""

    lading: Lading
    name: str
    repository: Repository
    image: Descriptor
    registry: Registry

    def statement(self, predicate_type: str = CYCLONEDX, *subjects: Subject, **more: Any) -> bytes:
        subject = Subject("svc", dict([self.image.digest.split(":")]))
        predicate = {"bomFormat": "CycloneDX", "specVersion": "1.6", **more}
        return build_statement(subjects or [subject], predicate_type, predicate)

    def bom(self, *, by: str = "alice", **more: Any) -> bytes:
        return signer(by).sign(self.statement(**more))

    def seal(
        self,
        *,
        by: str = "alice",
        policy: PolicyId = POLICY,
        passed: bool = True,
        age: timedelta = timedelta(0),
    ) -> bytes:
        predicate = build_vsa(
            resource_uri="svc",
            policy=policy,
            passed=passed,
            inputs=[self.image.digest],
            verifier_version="0",
            now=datetime.now(UTC) - age,
        )
        subject = Subject("svc", dict([self.image.digest.split(":")]))
        return signer(by).sign(build_statement([subject], SLSA_VSA_V1, predicate))

    def attach(
        self, bundle: bytes, *, to: Descriptor | None = None, **annotations: str
    ) -> Descriptor:
        """Attach anything, with any annotations; the newest as far as annotations say."""
        created = {"org.opencontainers.image.created": "2039-01-01T00:00:00Z"}
        return self.repository.attach(
            to or self.image,
            bundle,
            artifact_type=KIND,
            blob_media_type=KIND,
            annotations={**created, **annotations},
        ).descriptor

    def attach_seal(self, seal: bytes, blob: bytes | None = None, **where: Any) -> Descriptor:
        carried = {SEAL_ANNOTATION: base64.b64encode(seal).decode()}
        hint = {PREDICATE_TYPE_ANNOTATION: SLSA_VSA_V1}
        return self.attach(blob or seal, **where, **carried, **hint)

    def delete(self, manifest: Descriptor) -> None:
        repository = parse_reference(self.name).repository
        url = f"{self.registry.url}/v2/{repository}/manifests/{manifest.digest}"
        urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=30).close()

    def verify(self, *words: str) -> tuple[int, str | None]:
        """Return the exit status and the error's code."""
        who = () if "--trust" in words else ("--key", "alice.pub")
        ran = self.lading("verify", f"registry:{self.name}", *who, *words, "--json")
        document = ran.json()
        assert document["verified"] is (ran.status == 0)
        return ran.status, document["error"] and document["error"]["code"]

    def rule(self, **settings: Any) -> tuple[str, str]:
        """Write a trust rule and return the option that names it."""
        lines = ["[[trust]]", "images = ['**']", "signers = [{ key = 'alice.pub' }]"]
        lines += [f"{key.replace('_', '-')} = {json.dumps(one)}" for key, one in settings.items()]
        (self.lading.cwd / "trust.toml").write_text("\n".join(lines))
        return "--trust", "trust.toml"


@pytest.fixture
def scene(registry_referrers: Registry, tmp_path: Path, request: pytest.FixtureRequest) -> Scene:
    (tmp_path / "alice.pub").write_bytes(pair("alice").public_pem)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    name = f"{registry_referrers.host}/{request.node.name.partition('[')[0].lower()}:1"
    repository = open_registry(parse_reference(name))
    image = push_image(repository, make_image(request.node.name), tag="1")
    return Scene(Lading(tmp_path, env), name, repository, image, registry_referrers)


NOT_VERIFIED = 10
NO_ATTESTATION = (11, "NoAttestation")
POLICY_SAYS_NO = (12, "PolicyViolation")


def test_without_an_attack_the_answer_is_yes(scene: Scene) -> None:
    scene.attach(scene.bom())
    assert scene.verify() == (0, None)
    scene.attach_seal(scene.seal())
    assert scene.verify(*scene.rule(policy=f"sha256:{POLICY.sha256}", require=["seal"])) == (
        0,
        None,
    )


# --- what the attestation is about -------------------------------------------------------------


def test_another_images_attestation(scene: Scene) -> None:
    other = push_image(scene.repository, make_image("other"), tag="other")
    scene.attach(scene.bom(), to=other)
    scene.name = f"{scene.name.rpartition(':')[0]}:other"
    assert scene.verify() == (NOT_VERIFIED, "subject")


def test_tag_moved(scene: Scene) -> None:
    scene.attach(scene.bom())
    push_image(scene.repository, make_image("evil"), tag="1")
    assert scene.verify() == NO_ATTESTATION


@pytest.mark.parametrize(
    "digest",
    [
        {"sha512": "00" * 64},
        {"SHA256": "{hex}"},
        {"sha-256": "{hex}"},
        {"sha384": "00" * 48, "dirHash": "{hex}"},
    ],
    ids=lambda digest: "+".join(digest),
)
def test_subject_with_another_algorithm(scene: Scene, digest: dict[str, str]) -> None:
    """Even alice's own statement names the image only by SHA-256."""
    hexadecimal = scene.image.digest.removeprefix("sha256:")
    named = {name: value.format(hex=hexadecimal) for name, value in digest.items()}
    scene.attach(signer().sign(scene.statement(CYCLONEDX, Subject("svc", named))))
    assert scene.verify() == (NOT_VERIFIED, "subject")


def test_evidence_copied_to_another_repository(scene: Scene) -> None:
    """The same bytes, and alice's own words about them, where she never put them."""
    mine = scene.name.rpartition(":")[0]
    hexadecimal = scene.image.digest.removeprefix("sha256:")
    named = signer().sign(scene.statement(CYCLONEDX, Subject(mine, {"sha256": hexadecimal})))
    bound = scene.rule(same_repository=True)
    scene.attach(named)
    assert scene.verify(*bound) == (0, None)

    scene.name = f"{mine}-other:1"
    scene.repository = open_registry(parse_reference(scene.name))
    push_image(scene.repository, make_image("test_evidence_copied_to_another_repository"), tag="1")
    scene.attach(named)
    assert scene.verify() == (0, None)
    assert scene.verify(*bound) == (NOT_VERIFIED, "reference")


# --- the envelope ------------------------------------------------------------------------------


def test_payload_swapped(scene: Scene) -> None:
    payload = base64.b64encode(scene.statement(models=[])).decode()
    scene.attach(edited(scene.bom(), lambda d: d["dsseEnvelope"].update(payload=payload)))
    assert scene.verify() == (NOT_VERIFIED, "signature")


def test_two_signatures(scene: Scene) -> None:
    mallory = json.loads(scene.bom(by="mallory"))["dsseEnvelope"]["signatures"]
    scene.attach(edited(scene.bom(), lambda d: d["dsseEnvelope"]["signatures"].extend(mallory)))
    assert scene.verify() == (NOT_VERIFIED, "signatures")


def test_predicate_that_is_empty(scene: Scene) -> None:
    content = scene.statement().replace(b'{"bomFormat":"CycloneDX","specVersion":"1.6"}', b"{}")
    assert content.endswith(b'"predicate":{}}')
    scene.attach(signed_anyway(content))
    assert scene.verify() == (NOT_VERIFIED, "malformed")


def test_predicate_type_confusion(scene: Scene) -> None:
    """Alice's scan report is not her BOM, whatever the annotation says of it."""
    report = signer().sign(scene.statement(SARIF))
    scene.attach(report, **{PREDICATE_TYPE_ANNOTATION: CYCLONEDX})
    assert scene.verify() == NO_ATTESTATION


def test_an_annotation_that_hides_the_type_hides_nothing(scene: Scene) -> None:
    scene.attach(scene.bom(), **{PREDICATE_TYPE_ANNOTATION: SARIF})
    assert scene.verify() == (0, None)


# --- the list of referrers ---------------------------------------------------------------------


def test_referrers_that_are_hidden(scene: Scene) -> None:
    """Who deletes a failed seal is not noticed, unless a seal is required; then it is a no."""
    scene.attach(scene.bom())
    failed = scene.attach_seal(scene.seal(passed=False))
    assert scene.verify() == POLICY_SAYS_NO
    scene.delete(failed)
    assert scene.verify() == (0, None)
    assert scene.verify(*scene.rule(require=["bom", "seal"])) == NO_ATTESTATION


def test_all_referrers_hidden(scene: Scene) -> None:
    scene.delete(scene.attach(scene.bom()))
    assert scene.verify() == NO_ATTESTATION


def test_flood_of_ten_thousand_referrers(scene: Scene) -> None:
    """A flood cannot push aside a seal, which the list itself carries; one of seals is a no.

    A registry needs minutes to take so many; so the list, in pages, is a server's of our own.
    """
    scene.attach(scene.bom())
    carried = {SEAL_ANNOTATION: base64.b64encode(scene.seal()).decode()}
    genuine = [descriptor_json(one) for one in scene.repository.referrers(scene.image.digest)]
    decoys = [decoy(number) for number in range(10_000)]
    pretending = [decoy(number, **{SEAL_ANNOTATION: "e30="}) for number in range(10_000)]
    for entries, wanted in (
        ([*decoys, *genuine], (NOT_VERIFIED, "limit")),
        ([*decoys, decoy(-1, **carried), *genuine], (0, None)),
        ([*pretending, decoy(-1, **carried), *genuine], (NOT_VERIFIED, "limit")),
    ):
        with serve(partial(flooding, scene, entries)) as server:
            scene.name = f"{server.host}/svc:1"
            assert scene.verify() == wanted
            fetched = [one for one in server.lines if "/blobs/" in one]
            assert fetched == [], "nothing of a flood is fetched"


def decoy(number: int, **annotations: str) -> dict[str, Any]:
    created = {"org.opencontainers.image.created": f"2040-01-01T{number:05}"}
    digest = digest_of(str(number).encode())
    return descriptor_json(
        Descriptor(mediatypes.OCI_MANIFEST, digest, 700, KIND, {**created, **annotations})
    )


def flooding(scene: Scene, entries: list[dict[str, Any]], request: Request) -> Reply | None:
    """Answer as a registry whose list of referrers was flooded."""
    if "/referrers/" in request.path:
        start = int(request.query.get("start", ["0"])[0])
        end = start + 1000
        more = {"Link": f'<{request.path}?start={end}>; rel="next"'} if end < len(entries) else {}
        headers = {"Content-Type": mediatypes.OCI_INDEX, **more}
        return Reply(200, index_manifest(entries[start:end]), headers)
    if request.path.endswith("/manifests/1"):
        manifest = scene.repository.manifest(scene.image.digest)
        return Reply(200, manifest.content, {"Content-Type": manifest.descriptor.media_type})
    if request.path.endswith(f"/manifests/{scene.image.digest.replace(':', '-')}"):
        return Reply(404, b"{}")  # no referrers tag, which is asked for before a no
    return None


# --- the seal ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("carried", "answer"),
    [
        (lambda scene: scene.seal(by="mallory"), (NOT_VERIFIED, "signer")),
        (lambda _: b"\x00" * 100, (NOT_VERIFIED, "malformed")),
        (lambda _: b"", NO_ATTESTATION),
        (lambda scene: scene.seal(passed=False), POLICY_SAYS_NO),
    ],
    ids=["a stranger's", "no bundle", "nothing", "one that says FAILED"],
)
def test_annotation_that_differs_from_the_blob(
    scene: Scene, carried: Callable[[Scene], bytes], answer: tuple[int, str]
) -> None:
    """What is carried is what is verified; a good blob does not vouch for it."""
    scene.attach_seal(carried(scene), blob=scene.seal())
    assert scene.verify() == answer


def test_seal_whose_verdict_was_changed(scene: Scene) -> None:
    def change(document: dict[str, Any]) -> None:
        payload = base64.b64decode(document["dsseEnvelope"]["payload"])
        passed = payload.replace(b"FAILED", b"PASSED")
        document["dsseEnvelope"]["payload"] = base64.b64encode(passed).decode()

    scene.attach_seal(edited(scene.seal(passed=False), change))
    assert scene.verify() == (NOT_VERIFIED, "signature")


def test_seal_of_an_older_policy(scene: Scene) -> None:
    scene.attach(scene.bom())
    scene.attach_seal(scene.seal(policy=OLD_POLICY))
    today = scene.rule(policy=f"sha256:{POLICY.sha256}")
    assert scene.verify(*today) == (NOT_VERIFIED, "seal")
    scene.attach_seal(scene.seal(age=timedelta(hours=1)))
    assert scene.verify(*today) == (0, None), "the newest under today's policy counts"


def test_replayed_seal_does_not_become_newer(scene: Scene) -> None:
    """Attached again, and dated 2039 by its annotation, a seal is as old as it says signed."""
    old = scene.seal(age=timedelta(days=2))
    first = scene.attach_seal(old)
    assert scene.verify() == (0, None)
    scene.attach_seal(scene.seal(passed=False, age=timedelta(days=1)))
    assert scene.verify() == POLICY_SAYS_NO
    scene.delete(first)
    assert scene.attach_seal(old).digest == first.digest
    assert scene.verify() == POLICY_SAYS_NO


def test_replayed_seal_for_a_re_pushed_digest(scene: Scene) -> None:
    """An image that was withdrawn, pushed again with its old seal: only age tells them apart."""
    scene.attach_seal(scene.seal(age=timedelta(days=40)))
    scene.delete(scene.image)
    push_image(scene.repository, make_image("other"), tag="1")
    assert scene.verify() == NO_ATTESTATION
    seal = scene.seal(age=timedelta(days=40))
    push_image(scene.repository, make_image("test_replayed_seal_for_a_re_pushed_digest"), tag="1")
    assert scene.repository.resolve("1").digest == scene.image.digest
    scene.attach_seal(seal)
    assert scene.verify(*scene.rule(max_age="30d")) == (NOT_VERIFIED, "freshness")


def test_another_images_seal(scene: Scene) -> None:
    other = push_image(scene.repository, make_image("other"), tag="other")
    scene.attach_seal(scene.seal(), to=other)
    scene.name = f"{scene.name.rpartition(':')[0]}:other"
    assert scene.verify() == (NOT_VERIFIED, "subject")


def test_a_strangers_bundle_beside_alices_is_no_yes_and_no_no(scene: Scene) -> None:
    scene.attach(scene.bom(by="mallory"))
    assert scene.verify() == (NOT_VERIFIED, "signer")
    scene.attach(scene.bom())
    assert scene.verify() == (0, None)
    assert scene.verify(*scene.rule(only_valid=True)) == (NOT_VERIFIED, "signer")


def test_a_blob_that_is_not_what_its_manifest_says(scene: Scene) -> None:
    """The manifest names alice's bundle and the registry has it; the layer's size is a lie."""
    bundle = scene.bom()
    scene.attach(bundle, to=push_image(scene.repository, make_image("decoy")))
    layer = {"mediaType": KIND, "digest": digest_of(bundle), "size": len(bundle) + 1}
    manifest = {
        "schemaVersion": 2,
        "mediaType": mediatypes.OCI_MANIFEST,
        "artifactType": KIND,
        "config": descriptor_json(EMPTY_CONFIG),
        "layers": [layer],
        "subject": descriptor_json(scene.image),
    }
    scene.repository.push_manifest(dump(manifest), mediatypes.OCI_MANIFEST)
    assert scene.verify() == (20, "IntegrityError")
