"""Rules about attestations: types, signers, age, base images, packages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lading.attest.predicates import SLSA_PROVENANCE_V1
from lading.attest.provenance import BUILD_TYPE
from support.policy_samples import KEY, attested, bom, evidence, package, refused

KEYLESS = {
    "signer_kind": "keyless",
    "signer": "https://github.com/acme/svc/.github/workflows/release.yml@refs/tags/v1",
    "issuer": "https://token.actions.githubusercontent.com",
}


def test_required_attestations() -> None:
    rule = "- {rule: attestations, require: [bom, provenance]}"

    assert refused(rule, evidence()) == ["there is no attestation of type provenance"]
    given = evidence(attestations=[attested(SLSA_PROVENANCE_V1)])
    assert refused(rule, given) == []
    by_another = f"- {{rule: attestations, require: [bom], signed-by: [{{key: '{KEY[:-1]}b'}}]}}"
    assert refused(by_another, given) == [f"bom is signed by {KEY}, who is not on the list"]
    old = evidence(attestations=[attested(SLSA_PROVENANCE_V1, age=timedelta(days=9))])
    assert refused("- {rule: attestations, require: [provenance], max-age: 8d}", old) == [
        "provenance was signed more than 8d ago"
    ]


@pytest.mark.parametrize(
    ("allow", "signer", "allowed"),
    [
        (f"key: '{KEY}'", {}, True),
        (f"key: '{KEY[:-1]}b'", {}, False),
        (f"identity: '{KEY}', issuer: x", {}, False),
        (f"identity: '{KEYLESS['signer']}', issuer: '{KEYLESS['issuer']}'", KEYLESS, True),
        (f"identity: '{KEYLESS['signer']}', issuer: 'https://evil.example'", KEYLESS, False),
        (f"identity: '{KEYLESS['signer']}'", KEYLESS, False),
        (f"identity-pattern: 'https://github.com/acme/.*', issuer: '{KEYLESS['issuer']}'",
         KEYLESS, True),
        (f"identity-pattern: 'https://github.com/acme', issuer: '{KEYLESS['issuer']}'",
         KEYLESS, False),
        (f"key: '{KEY}'", KEYLESS, False),
    ],
)  # fmt: skip
def test_signers(allow: str, signer: dict[str, str], allowed: bool) -> None:
    given = evidence(attestations=[attested(SLSA_PROVENANCE_V1, **signer)])
    rule = f"- {{rule: signers, types: [provenance], allow: [{{{allow}}}]}}"

    assert (refused(rule, given) == []) is allowed


def test_every_attestation_needs_an_allowed_signer_unless_types_are_named() -> None:
    given = evidence(attestations=[attested(SLSA_PROVENANCE_V1, **KEYLESS)])

    [message] = refused(f"- {{rule: signers, allow: [{{key: '{KEY}'}}]}}", given)
    assert message.startswith(SLSA_PROVENANCE_V1)


@pytest.mark.parametrize(
    ("age", "options", "fresh"),
    [
        (timedelta(days=29), "", True),
        (timedelta(days=31), "", False),
        (None, "", False),
        (timedelta(hours=-1), "", False),  # signed in the future
        (timedelta(days=1), ", trusted-time: true", False),
    ],
)
def test_freshness(age: timedelta | None, options: str, fresh: bool) -> None:
    given = evidence(attestations=[attested(SLSA_PROVENANCE_V1, age=age)])
    rule = f"- {{rule: freshness, types: [provenance], max-age: 30d{options}}}"

    assert (refused(rule, given) == []) is fresh


def test_packages_are_denied_by_purl_pattern_and_version() -> None:
    given = evidence(
        package("pkg:pypi/torch@2.5.1"),
        package("pkg:pypi/torch-geometric@1.0"),
        package("pkg:npm/%40evil/left-pad@1.3.0"),
        package("pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13"),
    )

    def denied(patterns: str) -> list[str]:
        found = refused(f"- {{rule: packages, deny: [{patterns}]}}", given)
        return [one.split()[2] for one in found]

    assert denied("{purl: 'pkg:pypi/torch', versions: '<2.6'}") == ["pkg:pypi/torch@2.5.1"]
    assert denied("{purl: 'pkg:pypi/torch', versions: '>=2.6'}") == []
    assert denied("'pkg:npm/@evil/*'") == ["pkg:npm/%40evil/left-pad@1.3.0"]
    assert denied("'pkg:deb/debian/libc6'") == ["pkg:deb/debian/libc6@2.41-12"]
    assert denied("'pkg:deb/debian/libc6@2.40*'") == []
    assert len(refused("- {rule: packages, allow: ['pkg:pypi/*']}", given)) == 2


@pytest.mark.parametrize(
    ("purl", "pattern"),
    [
        ("pkg:pypi/pyyaml@6.0", "pkg:pypi/PyYAML"),
        ("pkg:PyPI/PyYAML@6.0", "pkg:pypi/pyyaml"),
        ("pkg:pypi/typing-extensions@4", "pkg:pypi/typing_extensions@4"),
        ("pkg:pypi/zope.interface@5", "pkg:pypi/zope-interface"),
        ("pkg:npm/%40angular/core@1.0", "pkg:npm/@angular/core"),
        ("pkg:npm/@angular/core@1.0", "pkg:npm/%40angular/core"),
        ("pkg:npm/@angular/core@1.0", "pkg:npm/@angular/core@1.0"),
        ("pkg:deb/debian/libstdc%2B%2B6@12", "pkg:deb/debian/libstdc++6"),
        ("pkg:deb/debian/libstdc++6@12?arch=amd64", "pkg:deb/debian/libstdc%2B%2B6@12"),
        ("pkg:maven/org.acme/Core@1", "pkg:maven/org.acme/Core"),
        ("pkg:pypi/torch@2.5.1", "pkg:pypi/torch@2.5.*"),
    ],
)
def test_a_purl_is_denied_however_it_is_written(purl: str, pattern: str) -> None:
    assert len(refused(f"- {{rule: packages, deny: ['{pattern}']}}", evidence(package(purl)))) == 1
    assert refused(f"- {{rule: packages, allow: ['{pattern}']}}", evidence(package(purl))) == []


def test_other_packages_are_not_meant() -> None:
    given = evidence(package("pkg:maven/org.acme/core@1"), package("pkg:pypi/torchvision@2.5.1"))
    denied = "['pkg:maven/org.acme/Core', 'pkg:pypi/torch', 'pkg:pypi/torchvision@2.6']"

    assert refused(f"- {{rule: packages, deny: {denied}}}", given) == []


def test_a_version_that_cannot_be_compared_is_denied_and_is_not_allowed() -> None:
    given = evidence(package("pkg:pypi/torch@nightly"))

    for kind in ("deny", "allow"):
        rule = f"- {{rule: packages, {kind}: [{{purl: 'pkg:pypi/torch', versions: '>=2.6'}}]}}"
        assert len(refused(rule, given)) == 1, kind


def test_each_platforms_base_image_is_judged() -> None:
    name = "lading:image:label:org.opencontainers.image.base.name"
    digests = [f"sha256:{one * 64}" for one in "ab"]
    document = bom()
    document["metadata"]["component"]["properties"] = [
        {"name": key, "value": value}
        for digest in digests
        for key, value in ((name, "debian:12"), (name.replace(".name", ".digest"), digest))
    ]
    pinned = f"- {{rule: base-images, allow: ['debian:12@{digests[0]}']}}"

    assert refused(pinned, evidence(bom=document)) == [
        f"the base image debian:12@{digests[1]} is not on the list"
    ]


def test_licences_of_packages_can_be_limited_to_a_type() -> None:
    given = evidence(
        package("pkg:pypi/a@1", "AGPL-3.0-only"), package("pkg:deb/debian/b@1", "AGPL-3.0-only")
    )

    assert refused("- {rule: package-licenses, types: [pypi], deny: ['AGPL-*']}", given) == [
        "the package pkg:pypi/a@1 has a licence that is denied: AGPL-3.0-only"
    ]


def _provenance(*uris: str):  # type: ignore[no-untyped-def]
    found = [{"uri": uri, "digest": {"sha256": "b" * 64}} for uri in uris]
    return attested(SLSA_PROVENANCE_V1, {"buildDefinition": {"resolvedDependencies": found}})


@pytest.mark.parametrize(
    ("uri", "allow", "allowed"),
    [
        ("docker-image://docker.io/library/python:3.12-slim", "docker.io/library/python:3.12*", 1),
        ("docker-image://docker.io/library/python:3.12-slim", "docker.io/library/debian*", 0),
        ("pkg:docker/python@3.12-slim?platform=linux%2Famd64", "python:3.12-slim", 1),
        ("pkg:docker/python@3.12-slim", f"python:3.12-slim@sha256:{'b' * 64}", 1),
        ("pkg:docker/python@3.12-slim", f"python:3.12-slim@sha256:{'c' * 64}", 0),
    ],
)
def test_base_images_of_the_provenance(uri: str, allow: str, allowed: int) -> None:
    given = evidence(attestations=[_provenance(uri, "git+https://example.org/x")])

    found = refused(f"- {{rule: base-images, allow: ['{allow}']}}", given)
    assert (found == []) is bool(allowed)


OCI = f"pkg:oci/python@sha256%3A{'b' * 64}?repository_url=docker.io/library/python&tag=3.12-slim"


@pytest.mark.parametrize(
    ("dependencies", "allow", "refused_names"),
    [
        ([{"name": "python:3.12-slim", "uri": OCI}], "docker.io/library/python:3.1*", []),
        ([{"name": "x", "uri": OCI}], f"docker.io/library/python:*@sha256:{'b' * 64}", []),
        ([{"name": "x", "uri": OCI}], "docker.io/library/debian:*", ["python"]),
        ([{"name": "local:1", "annotations": {"unresolved": "why"}}], "local:1", []),
        ([{"name": "local:1", "annotations": {"unresolved": "why"}}], "docker.io/library/l*", []),
        ([{"name": "${BASE}", "annotations": {"unresolved": "why"}}], "python:*", ["${BASE}"]),
        ([{"name": "Dockerfile", "digest": {"sha256": "c" * 64}}], "scratch", []),
        ([{"name": "Dockerfile", "digest": {"sha256": "c" * 64}}], "python:*", ["scratch"]),
        ([{"name": "context", "annotations": {"unresolved": "why"}}], "scratch", ["context"]),
    ],
)
def test_base_images_of_our_own_provenance(
    dependencies: list[dict[str, object]], allow: str, refused_names: list[str]
) -> None:
    context = {"name": "context", "annotations": {"unresolved": "in no git repository"}}
    definition = {
        "buildType": BUILD_TYPE,
        "resolvedDependencies": [context, *dependencies],
    }
    given = evidence(attestations=[attested(SLSA_PROVENANCE_V1, {"buildDefinition": definition})])

    found = refused(f"- {{rule: base-images, allow: ['{allow}']}}", given)
    assert len(found) == len(refused_names)
    assert all(name in message for name, message in zip(refused_names, found, strict=True))


def test_base_images_of_labels_and_of_nothing() -> None:
    label = "lading:image:label:org.opencontainers.image.base.name"
    given = evidence(bom=bom(**{label: "docker.io/library/alpine:3"}))

    assert refused("- {rule: base-images, allow: ['*'], deny: ['*alpine*']}", given) == [
        "the base image docker.io/library/alpine:3 is denied"
    ]
    [unknown] = refused("- {rule: base-images, allow: ['*']}", evidence())
    assert "says which base images" in unknown
