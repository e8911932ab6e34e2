"""The verifier of a rule: any of its signers, each for what it may sign."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest

from lading.attest.predicates import CYCLONEDX
from lading.attest.verify import Candidate, verify_attestations
from lading.errors import InputError, SigningKeyError, VerificationError
from lading.trust.rules import Pattern, TrustedSigner, TrustRule
from lading.trust.verifier import RuleVerifier
from support.attest_samples import IMAGE, VSA, bundle, edited, pair, signed_anyway, statement

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def key(directory: Path, name: str, **more: Any) -> TrustedSigner:
    path = directory / f"{name}.pub"
    path.write_bytes(pair(name).public_pem)
    return TrustedSigner(key=str(path), **more)


def verifier(*signers: TrustedSigner) -> RuleVerifier:
    return RuleVerifier(TrustRule((Pattern("**"),), signers, "here"))


def refusal(judge: RuleVerifier, content: bytes) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        judge.verify(content)
    return caught.value


def test_any_signer_counts(tmp_path: Path) -> None:
    judge = verifier(key(tmp_path, "alice"), key(tmp_path, "bob", types=frozenset({CYCLONEDX})))
    for name in ("alice", "bob"):
        assert judge.verify(bundle(name=name)).payload == statement()


def test_a_stranger_is_told_whom_all_are_trusted(tmp_path: Path) -> None:
    signers = key(tmp_path, "alice"), key(tmp_path, "bob", types=frozenset({VSA}))
    error = refusal(verifier(*signers), bundle(name="mallory"))
    assert error.code == "signer"
    assert (error.wanted or "").count("sha256:") == 2


def test_each_signs_only_what_it_may(tmp_path: Path) -> None:
    judge = verifier(key(tmp_path, "alice", types=frozenset({VSA})), key(tmp_path, "bob"))
    error = refusal(judge, bundle(name="alice"))
    assert error.code == "signer-type"
    assert CYCLONEDX in (error.got or "")
    assert error.wanted == VSA
    seal = statement(predicate_type=VSA)
    assert judge.verify(signed_anyway(seal, name="alice")).payload == seal


def test_that_a_signer_may_not_sign_this_tells_more_than_a_strangers_attempt(
    tmp_path: Path,
) -> None:
    candidates = [
        Candidate(name, partial(bundle, name=name)) for name in ("mallory", "alice", "mallory")
    ]
    with pytest.raises(VerificationError) as caught:
        verify_attestations(
            candidates,
            verifier=verifier(key(tmp_path, "alice", types=frozenset({VSA}))),
            subject_digests=frozenset({IMAGE}),
            predicate_type=CYCLONEDX,
            now=datetime.now(UTC),
        )
    assert caught.value.code == "signer-type"


def test_a_known_signers_refusal_tells_more_than_a_strangers(tmp_path: Path) -> None:
    judge = verifier(key(tmp_path, "alice", types=frozenset({CYCLONEDX})), key(tmp_path, "bob"))
    changed = edited(
        bundle(), lambda d: d["dsseEnvelope"].update(payload=d["dsseEnvelope"]["payload"][:-8])
    )
    assert refusal(judge, changed).code == "signature"


def test_the_other_way_to_sign(tmp_path: Path) -> None:
    from lading.attest.identities import TextRule

    nobody = TrustedSigner(name=TextRule("a"), certificate_root=str(tmp_path / "none.pem"))
    assert refusal(verifier(nobody), bundle()).code == "signer-kind"
    assert verifier(nobody, key(tmp_path, "alice")).verify(bundle())

    def certified(document: dict[str, Any]) -> None:
        document["verificationMaterial"]["certificate"] = {"rawBytes": "AAAA"}
        del document["verificationMaterial"]["publicKey"]

    content = edited(bundle(), certified)
    assert refusal(verifier(key(tmp_path, "alice")), content).code == "signer-kind"
    with pytest.raises(InputError, match="certificates"):
        verifier(nobody).verify(content)


def test_a_key_that_is_not_there_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyError):
        verifier(TrustedSigner(key=str(tmp_path / "none.pub")))


def test_trusting_keys_beside_identities_loads_no_sigstore(tmp_path: Path) -> None:
    signer = key(tmp_path, "alice")
    (tmp_path / "bundle").write_bytes(bundle())
    code = (
        "import sys; from pathlib import Path;"
        "from lading.attest.identities import TextRule;"
        "from lading.trust.rules import *; from lading.trust.verifier import RuleVerifier;"
        "one = TrustedSigner(name=TextRule('a'), issuer=TextRule('b'));"
        f"two = TrustedSigner(key={signer.key!r});"
        "judge = RuleVerifier(TrustRule((Pattern('**'),), (one, two), 'here'));"
        f"judge.verify(Path({str(tmp_path / 'bundle')!r}).read_bytes());"
        "print('sigstore' in sys.modules, 'requests' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]
