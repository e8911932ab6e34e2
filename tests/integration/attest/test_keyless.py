"""Keyless signing and verification against a whole local Sigstore, and attacks on its bundles."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import load_der_x509_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID

import parts
from lading.attest import sessions, trust
from lading.attest.bundle import parse_bundle
from lading.attest.dsse import encode_base64
from lading.attest.identities import TextRule, TrustedIdentity
from lading.attest.signers.keyless import KeylessSigner
from lading.attest.tokens import IdentityToken, read_token
from lading.attest.verifiers.keyless import KeylessVerifier
from lading.attest.verify import Candidate, verify_attestations
from lading.errors import InputError, LadingError, RegistryError, VerificationError
from local_sigstore.ct_log import CtLog
from support.attest_forge import Flaws, forge, timestamp
from support.attest_samples import IMAGE, OTHER_IMAGE, edited, signer, statement
from support.cosign import Cosign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local_sigstore.local import LocalSigstore

pytestmark = pytest.mark.interop

BUILDER = "builder@example.com"
MATERIAL = "verificationMaterial"
ONE_ENTRY = "the attestation must have exactly one transparency log entry"


def token(local: LocalSigstore, **claims: Any) -> IdentityToken:
    return read_token(local.issuer.token(**claims), now=datetime.now(UTC))


def sign(local: LocalSigstore, content: bytes | None = None) -> bytes:
    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    return KeylessSigner(config, token(local)).sign(content or statement())


def verifier(local: LocalSigstore, *rules: TrustedIdentity) -> KeylessVerifier:
    root = trust.trusted_root(local.write("root.json", local.trusted_root()))
    return KeylessVerifier(root, rules or [TrustedIdentity.exact(BUILDER, local.issuer.url)])


def refusal(local: LocalSigstore, bundle: bytes, *rules: TrustedIdentity) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        verifier(local, *rules).verify(bundle)
    return caught.value


def code(local: LocalSigstore, bundle: bytes) -> str:
    return refusal(local, bundle).code


@pytest.fixture(scope="module")
def good(local: LocalSigstore) -> bytes:
    return sign(local)


# --- round trips -------------------------------------------------------------------------------


def test_what_is_signed_verifies(local: LocalSigstore, good: bytes) -> None:
    verified = verifier(local).verify(good)
    assert verified.payload == statement()
    assert str(verified.signer) == f"{BUILDER} ({local.issuer.url})"
    assert verified.time is not None
    assert abs(verified.time - datetime.now(UTC)) < timedelta(minutes=2)
    assert verified.log_index is not None
    assert parse_bundle(good).to_bytes() == good


def test_the_certificate_is_in_the_certificate_log(local: LocalSigstore, good: bytes) -> None:
    """TesseraCT answers once a certificate is in; its files are c2sp.org/static-ct-api's."""
    if not local.ct_log.real:
        parts.require("tesseract")
    certificate = load_der_x509_certificate(parse_bundle(good).certificate or b"")
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    log = local.directory / "ct"
    origin, size, *_ = (log / "checkpoint").read_text().splitlines()
    entries = b"".join(
        one.read_bytes() for one in (log / "tile" / "data").rglob("*") if one.is_file()
    )
    assert (origin, int(size) > 0, spki in entries) == ("ct.local.example", True, True)


def test_what_will_be_published_is_known_before_signing(local: LocalSigstore) -> None:
    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    announced = KeylessSigner(config, token(local))
    assert verifier(local).verify(announced.sign(statement())).signer == announced.identity
    assert "eyJ" not in repr(token(local))


def test_a_trusted_root_is_found_in_a_client_trust_config_too(
    local: LocalSigstore, good: bytes
) -> None:
    root = trust.trusted_root(local.write("both.json", local.trust_config()))
    rule = TrustedIdentity.exact(BUILDER, local.issuer.url)
    assert KeylessVerifier(root, [rule]).verify(good).payload == statement()


def test_the_state_machine_takes_the_trusted_time(local: LocalSigstore, good: bytes) -> None:
    evidence = verify_attestations(
        [Candidate("s", lambda: good)],
        verifier=verifier(local),
        subject_digests=frozenset({IMAGE}),
        predicate_type=None,
        now=datetime.now(UTC),
        max_age=timedelta(minutes=5),
    )
    assert evidence.time is not None


def test_verifying_opens_no_connection(
    local: LocalSigstore, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = verifier(local)

    def refuse(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert judge.verify(good).payload == statement()


# --- cosign and sigstore-python as judges ------------------------------------------------------


def test_cosign_accepts_what_we_sign(local: LocalSigstore, good: bytes) -> None:
    (local.directory / "good.json").write_bytes(good)
    root = local.write("root.json", local.trusted_root())

    def judged(identity: str) -> tuple[int, str]:
        done = Cosign(local.directory).run(
            *("verify-blob-attestation", "--bundle=good.json", f"--trusted-root={root}"),
            *(f"--certificate-identity={identity}", "--type=cyclonedx"),
            *(f"--certificate-oidc-issuer={local.issuer.url}", "--digestAlg=sha256"),
            f"--digest={IMAGE.removeprefix('sha256:')}",
        )
        return done.returncode, done.stderr

    status, said = judged(BUILDER)
    assert status == 0, said
    status, said = judged("other@example.com")
    assert (status, "expected SAN value" in said) == (1, True), said


def test_we_accept_what_cosign_signs(local: LocalSigstore) -> None:
    (local.directory / "statement.json").write_bytes(statement())
    config = local.write("signing.json", local.signing_config())
    root = local.write("root.json", local.trusted_root())
    done = Cosign(local.directory).run(
        *("attest-blob", "--statement=statement.json", "--bundle=cosign.json", "--yes"),
        *(f"--signing-config={config}", f"--trusted-root={root}"),
        f"--identity-token={local.issuer.token()}",
    )
    assert done.returncode == 0, done.stderr
    bundle = (local.directory / "cosign.json").read_bytes()
    assert verifier(local).verify(bundle).payload == statement()


def test_sigstore_python_accepts_what_we_sign(local: LocalSigstore, good: bytes) -> None:
    from sigstore.models import Bundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity

    root = trust.trusted_root(local.write("root.json", local.trusted_root()))
    policy = Identity(identity=BUILDER, issuer=local.issuer.url)
    kind, payload = Verifier(trusted_root=root).verify_dsse(Bundle.from_json(good), policy)
    assert (kind, payload) == ("application/vnd.in-toto+json", statement())


def test_we_accept_what_sigstore_python_signs(local: LocalSigstore) -> None:
    """Its own client throughout: the services that it chooses, its statement, its bundle."""
    from sigstore.dsse import StatementBuilder, Subject
    from sigstore.oidc import IdentityToken as SigstoreToken
    from sigstore.sign import SigningContext

    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    image = Subject(name="image", digest={"sha256": IMAGE.removeprefix("sha256:")})
    made = StatementBuilder([image], "https://cyclonedx.org/bom", {"bomFormat": "CycloneDX"})
    with SigningContext.from_trust_config(config).signer(
        SigstoreToken(local.issuer.token())
    ) as theirs:
        bundle = theirs.sign_dsse(made.build()).to_json().encode()

    verified = verifier(local).verify(bundle)
    assert str(verified.signer) == f"{BUILDER} ({local.issuer.url})"
    assert (verified.time is not None, verified.log_index is not None) == (True, True)
    found = verify_attestations(
        [Candidate("theirs", lambda: bundle)],
        verifier=verifier(local),
        subject_digests=frozenset({IMAGE}),
        predicate_type="https://cyclonedx.org/bom",
        now=datetime.now(UTC),
    )
    assert found.statement.predicate == {"bomFormat": "CycloneDX"}

    stranger = TrustedIdentity.exact("other@example.com", local.issuer.url)
    assert refusal(local, bundle, stranger).code == "identity"
    other = json.loads(sign(local, statement(OTHER_IMAGE)))[MATERIAL]["tlogEntries"]
    moved = edited(bundle, lambda d: d[MATERIAL].update(tlogEntries=other))
    assert code(local, moved) == "log"


# --- attacks: who ------------------------------------------------------------------------------


def test_forging_without_a_flaw_makes_a_good_bundle(local: LocalSigstore) -> None:
    assert verifier(local).verify(forge(local, statement())).payload == statement()


@pytest.mark.parametrize(
    "trusted",
    [
        pytest.param("builder@example.co", id="a prefix"),
        pytest.param("uilder@example.com", id="a suffix"),
        pytest.param("Builder@example.com", id="another case"),
        pytest.param("builder@example.com ", id="a space"),
        pytest.param("builder@example\\.com", id="a pattern as a text"),
    ],
)
def test_identity_tricks(local: LocalSigstore, good: bytes, trusted: str) -> None:
    error = refusal(local, good, TrustedIdentity.exact(trusted, local.issuer.url))
    assert error.code == "identity"
    assert BUILDER in str(error)


@pytest.mark.parametrize(
    "pattern", ["builder", "@example.com", "builder@example", "^builder", "example.com$", "b|c"]
)
def test_unanchored_patterns_match_nothing_more(
    local: LocalSigstore, good: bytes, pattern: str
) -> None:
    loose = TrustedIdentity.matching(pattern, local.issuer.url)
    assert refusal(local, good, loose).code == "identity"
    whole = TrustedIdentity.matching(r".+@example\.com", local.issuer.url)
    assert verifier(local, whole).verify(good)


def test_wrong_issuer(local: LocalSigstore, good: bytes) -> None:
    rule = TrustedIdentity.exact(BUILDER, "https://accounts.example")
    assert refusal(local, good, rule).code == "issuer"
    wide = TrustedIdentity(TextRule(BUILDER), TextRule("http://127.0.0.1", is_pattern=True))
    assert refusal(local, good, wide).code == "issuer"


def test_identity_of_one_rule_with_the_issuer_of_another(local: LocalSigstore, good: bytes) -> None:
    rules = (
        TrustedIdentity.exact(BUILDER, "https://accounts.example"),
        TrustedIdentity.exact("other@example.com", local.issuer.url),
    )
    assert refusal(local, good, *rules).code == "issuer"


def test_two_names_in_one_certificate(local: LocalSigstore) -> None:
    names = (x509.RFC822Name("mallory@example.com"), x509.RFC822Name(BUILDER))
    for order in (names, names[::-1]):
        assert code(local, forge(local, statement(), Flaws(names=order))) == "certificate"


def test_a_host_name_that_reads_like_the_identity(local: LocalSigstore) -> None:
    flaws = Flaws(names=(x509.DNSName(BUILDER),))
    assert code(local, forge(local, statement(), flaws)) == "certificate"


def test_signed_with_a_key(local: LocalSigstore) -> None:
    assert code(local, signer().sign(statement())) == "signer-kind"


# --- attacks: certificate ----------------------------------------------------------------------


def test_certificate_by_another_authority(local: LocalSigstore) -> None:
    flaws = Flaws(ca_key=ec.generate_private_key(ec.SECP256R1()), with_sct=False)
    assert code(local, forge(local, statement(), flaws)) == "certificate"


def test_certificate_for_another_use(local: LocalSigstore) -> None:
    flaws = Flaws(usage=ExtendedKeyUsageOID.SERVER_AUTH)
    assert code(local, forge(local, statement(), flaws)) == "certificate"


@pytest.mark.parametrize("starts", [timedelta(days=-30), timedelta(hours=-1), timedelta(hours=1)])
def test_signed_outside_the_certificates_validity(local: LocalSigstore, starts: timedelta) -> None:
    flaws = Flaws(starts=starts)
    assert code(local, forge(local, statement(), flaws)) == "certificate"


def test_expired_certificate_without_timestamp(local: LocalSigstore) -> None:
    flaws = Flaws(starts=timedelta(days=-30), stamped=False)
    assert code(local, forge(local, statement(), flaws)) == "timestamp"


def test_sct_missing(local: LocalSigstore) -> None:
    assert code(local, forge(local, statement(), Flaws(with_sct=False))) == "sct"


def test_sct_by_another_log(local: LocalSigstore) -> None:
    flaws = Flaws(ct_log=CtLog("http://127.0.0.1:1"))
    assert code(local, forge(local, statement(), flaws)) == "sct"


@pytest.mark.parametrize("der", [b"\x30\x00", b"\x00" * 100, b"\x30\x84\xff\xff\xff\xff"])
def test_certificate_that_is_none(local: LocalSigstore, good: bytes, der: bytes) -> None:
    changed = edited(good, lambda d: d[MATERIAL]["certificate"].update(rawBytes=encode_base64(der)))
    assert code(local, changed) == "certificate"


# --- attacks: log and time ---------------------------------------------------------------------


def test_log_entry_missing(local: LocalSigstore) -> None:
    error = refusal(local, forge(local, statement(), Flaws(logged=False)))
    assert (error.code, error.what, error.got) == ("log", ONE_ENTRY, "0")


@pytest.mark.parametrize("other", ["the same", "another's", "an empty one"])
def test_log_entry_twice(local: LocalSigstore, good: bytes, other: str) -> None:
    """Whichever comes first, and whether or not the second one holds."""
    (first,) = json.loads(good)[MATERIAL]["tlogEntries"]
    second = {
        "the same": first,
        "another's": json.loads(sign(local, statement(OTHER_IMAGE)))[MATERIAL]["tlogEntries"][0],
        "an empty one": {},
    }[other]
    for entries in ([first, second], [second, first], [first] * 3):
        changed = edited(good, lambda d, both=entries: d[MATERIAL].update(tlogEntries=both))
        error = refusal(local, changed)
        assert (error.code, error.what) == ("log", ONE_ENTRY)
        assert error.got == str(len(entries))


def test_log_entry_of_another_envelope(local: LocalSigstore, good: bytes) -> None:
    """The entry is real and its proof holds; it is just of something else by the same identity."""
    other = json.loads(sign(local, statement(OTHER_IMAGE)))[MATERIAL]["tlogEntries"]
    changed = edited(good, lambda d: d[MATERIAL].update(tlogEntries=other))
    assert code(local, changed) == "log"


@pytest.mark.parametrize("field", ["rootHash", "treeSize", "checkpoint", "hashes", "logIndex"])
def test_inclusion_proof_changed(local: LocalSigstore, good: bytes, field: str) -> None:
    def change(document: dict[str, Any]) -> None:
        proof = document[MATERIAL]["tlogEntries"][0]["inclusionProof"]
        proof[field] = {
            "rootHash": encode_base64(b"\x01" * 32),
            "treeSize": "999",
            "checkpoint": {"envelope": proof["checkpoint"]["envelope"].replace("\n\n", "1\n\n")},
            "hashes": [*proof["hashes"], encode_base64(b"\x01" * 32)],
            "logIndex": str(int(proof["logIndex"]) + 1),
        }[field]

    assert code(local, edited(good, change)) == "log"


def test_timestamp_missing(local: LocalSigstore) -> None:
    flaws = Flaws(stamped=False)
    assert code(local, forge(local, statement(), flaws)) == "timestamp"


def test_timestamp_of_another_signature(local: LocalSigstore, good: bytes) -> None:
    stamp = encode_base64(timestamp(local, b"another signature"))
    stamps = {"rfc3161Timestamps": [{"signedTimestamp": stamp}]}
    changed = edited(good, lambda d: d[MATERIAL].update(timestampVerificationData=stamps))
    assert code(local, changed) == "timestamp"


@pytest.mark.parametrize("stamp", [b"", b"\x30\x00", b"\x00" * 50, b"\x30\x84\xff\xff\xff\xff"])
def test_timestamp_that_is_none(local: LocalSigstore, good: bytes, stamp: bytes) -> None:
    stamps = {"rfc3161Timestamps": [{"signedTimestamp": encode_base64(stamp)}]}
    changed = edited(good, lambda d: d[MATERIAL].update(timestampVerificationData=stamps))
    assert code(local, changed) == "timestamp"


def test_the_logs_own_word_for_the_time_is_not_taken_without_a_promise(
    local: LocalSigstore,
) -> None:
    def change(document: dict[str, Any]) -> None:
        document[MATERIAL]["tlogEntries"][0]["integratedTime"] = "1700000000"

    flawed = edited(forge(local, statement(), Flaws(stamped=False)), change)
    assert code(local, flawed) == "timestamp"


# --- attacks: envelope -------------------------------------------------------------------------


def test_payload_swapped(local: LocalSigstore, good: bytes) -> None:
    payload = encode_base64(statement(OTHER_IMAGE))
    changed = edited(good, lambda d: d["dsseEnvelope"].update(payload=payload))
    assert code(local, changed) == "signature"


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (b"{}", "statement-type"),
        (statement() + b"{}", "malformed"),
        (b'{"_type":"x",' + statement()[1:], "malformed"),
        (statement()[:-1] + b',"more":1}', "malformed"),
    ],
    ids=["an empty object", "more bytes", "a key twice", "unknown key"],
)
def test_signed_but_not_a_strict_statement(
    local: LocalSigstore, payload: bytes, wanted: str
) -> None:
    """Everything about it holds; what was signed is just not one statement."""
    assert code(local, forge(local, payload)) == wanted


def test_signature_by_another_key_than_the_certificates(local: LocalSigstore) -> None:
    mine, other = (parse_bundle(forge(local, statement())) for _ in range(2))
    swapped = dataclasses.replace(
        mine, certificate=other.certificate, log_entries=other.log_entries
    )
    assert code(local, swapped.to_bytes()) == "signature"


def test_every_part_of_the_material_counts(local: LocalSigstore, good: bytes) -> None:
    """Whatever one byte is changed to, the answer is a refusal or the same evidence."""
    judge = verifier(local)
    wanted = judge.verify(good)
    for index in range(0, len(good), 53):
        changed = bytearray(good)
        changed[index] ^= 0x05
        try:
            assert judge.verify(bytes(changed)) == wanted
        except VerificationError:
            continue


@pytest.mark.parametrize(
    "claims",
    [
        {"logIndex": "424242"},
        {"logIndex": "424242", "inclusionPromise": {"signedEntryTimestamp": "AAAA"}},
    ],
    ids=["alone", "with a promise that nobody checks"],
)
def test_the_position_in_the_log_is_the_proofs(
    local: LocalSigstore, good: bytes, claims: dict[str, object]
) -> None:
    """What an entry claims beside its proof is nobody's word in a Rekor v2 log."""
    changed = edited(good, lambda d: d[MATERIAL]["tlogEntries"][0].update(claims))
    proved = json.loads(good)[MATERIAL]["tlogEntries"][0]["inclusionProof"]["logIndex"]
    assert verifier(local).verify(changed).log_index == int(proved)


# --- services that fail ------------------------------------------------------------------------


def failing(local: LocalSigstore, change: Callable[[dict[str, Any]], None]) -> LadingError:
    document = local.trust_config()
    change(document["signingConfig"])
    config = trust.client_trust_config(local.write("failing.json", document))
    with pytest.raises(LadingError) as caught:
        KeylessSigner(config, token(local)).sign(statement())
    return caught.value


def log_size(local: LocalSigstore) -> int:
    checkpoint = local.directory / "rekor" / "checkpoint"
    return int(checkpoint.read_text().splitlines()[1])


@contextmanager
def answering(respond: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            respond(self)

        do_GET = do_POST  # noqa: N815 - the base class's name

        def log_message(self, *args: Any) -> None:
            """Tests read answers, not logs."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_fulcios_own_words_are_shown(local: LocalSigstore) -> None:
    raw = local.issuer.token(iss="http://127.0.0.1:9")
    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    with pytest.raises(InputError) as caught:
        KeylessSigner(config, read_token(raw, now=datetime.now(UTC))).sign(statement())
    assert "There was an error processing the identity token" in str(caught.value)


def test_unverified_email(local: LocalSigstore) -> None:
    with pytest.raises(InputError, match="not verified"):
        token(local, email_verified=False)
    unchecked = dataclasses.replace(token(local), raw=local.issuer.token(email_verified=False))
    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    with pytest.raises(LadingError, match="Fulcio"):
        KeylessSigner(config, unchecked).sign(statement())


def test_nothing_reaches_the_log_when_the_timestamp_authority_fails(local: LocalSigstore) -> None:
    before = log_size(local)
    error = failing(local, lambda c: c["tsaUrls"][0].update(url="http://127.0.0.1:9/tsa"))
    assert isinstance(error, RegistryError)
    assert "timestamp authority" in str(error)
    assert log_size(local) == before


@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls", "tsaUrls"])
def test_services_that_are_not_there(local: LocalSigstore, service: str) -> None:
    error = failing(local, lambda c: c[service][0].update(url="http://127.0.0.1:9"))
    assert isinstance(error, RegistryError)


@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls", "tsaUrls"])
def test_services_that_say_nothing(
    local: LocalSigstore, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = dataclasses.replace(sessions.LIMITS, read_seconds=0.3)
    monkeypatch.setattr(sessions, "LIMITS", quick)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        error = failing(local, lambda c: c[service][0].update(url=url))
    assert isinstance(error, RegistryError)


@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls", "tsaUrls"])
def test_services_that_never_stop_talking(
    local: LocalSigstore, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = dataclasses.replace(sessions.LIMITS, service_answer=100_000)
    monkeypatch.setattr(sessions, "LIMITS", quick)

    def talk(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"x" * 10_000)
        except OSError:
            return

    with answering(talk) as url:
        error = failing(local, lambda c: c[service][0].update(url=url))
    assert "too large" in str(error)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"not json", b'{"a":[[[[]]]]}', b"null"])
@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls", "tsaUrls"])
def test_services_that_answer_nonsense(local: LocalSigstore, service: str, body: bytes) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with answering(respond) as url:
        error = failing(local, lambda c: c[service][0].update(url=url))
    assert isinstance(error, RegistryError)


def test_a_token_does_not_follow_a_redirect(local: LocalSigstore) -> None:
    seen: list[str] = []

    def receive(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.path)
        handler.send_error(500)

    with answering(receive) as elsewhere:

        def redirect(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(307)
            handler.send_header("Location", f"{elsewhere}/stolen")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with answering(redirect) as url:
            error = failing(local, lambda c: c["caUrls"][0].update(url=url))
    assert isinstance(error, RegistryError)
    assert seen == []


def test_netrc_does_not_replace_the_token(
    local: LocalSigstore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert sign(local)


def test_a_trust_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    for content in (b"", b"{}", b"[]", b'{"mediaType":1}', b"{" * 10_000, b'{"a":1,"a":1}'):
        path.write_bytes(content)
        for load in (trust.client_trust_config, trust.trusted_root):
            with pytest.raises(InputError):
                load(path)
    with pytest.raises(InputError, match="cannot be read"):
        trust.trusted_root(tmp_path / "none")
