"""The seal: what it says, and what is no seal."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from lading.attest.vsa import ATTESTED_POLICY, PolicyId, build_vsa, read_vsa
from lading.errors import VerificationError

DIGESTS = [f"sha256:{letter * 64}" for letter in "ba"]
NOW = datetime(2026, 6, 1, 12, 30, 15, 999, tzinfo=UTC)


def made(**changes: Any) -> dict[str, Any]:
    return build_vsa(
        **{
            "resource_uri": "registry.example/acme/svc@sha256:" + "c" * 64,
            "policy": ATTESTED_POLICY,
            "passed": True,
            "inputs": DIGESTS,
            "verifier_version": "1.2",
            "now": NOW,
            **changes,
        }
    )


def test_it_follows_the_specification() -> None:
    predicate = made()

    assert predicate["timeVerified"] == "2026-06-01T12:30:15Z"
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["policy"]["digest"] == {"sha256": ATTESTED_POLICY.sha256}
    assert predicate["inputAttestations"] == [
        {"digest": {"sha256": digest[7:]}} for digest in sorted(DIGESTS)
    ]


@pytest.mark.parametrize("passed", [True, False])
def test_it_comes_back_as_it_was_made(passed: bool) -> None:
    policy = PolicyId("https://acme.example/policy", "d" * 64)
    vsa = read_vsa(made(passed=passed, policy=policy))

    assert (vsa.passed, vsa.policy, vsa.inputs) == (passed, policy, frozenset(DIGESTS))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["verificationResult"], "passed"),
        (["verificationResult"], True),
        (["verificationResult"], []),
        (["inputAttestations"], []),
        (["inputAttestations"], [{}]),
        (["inputAttestations"], [{"digest": {"sha512": "ab"}}]),
        (["inputAttestations"], 7),
        (["policy"], None),
        (["policy", "digest"], {"sha256": 1}),
        (["verifier", "id"], "https://another.example/verifier"),
        (["verifier"], "https://lading.dev/verifier/v1"),
        (["resourceUri"], None),
    ],
)
def test_anything_else_is_no_seal(path: list[str], value: object) -> None:
    predicate: Any = copy.deepcopy(made())
    target = predicate
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value

    with pytest.raises(VerificationError) as caught:
        read_vsa(predicate)
    assert caught.value.code == "seal"


def test_an_empty_predicate_is_no_seal() -> None:
    with pytest.raises(VerificationError):
        read_vsa({})
