"""Trust rules are read strictly: what is not understood in full is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lading.attest.predicates import CYCLONEDX, SLSA_PROVENANCE_V1
from lading.errors import InputError, LadingError, UsageError
from lading.limits import LIMITS
from lading.trust.parse import load_rules, parse_age

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
[[trust]]
images = ["registry.example/acme/**", "svc"]
require = ["bom", "provenance", "https://example.com/custom/v1"]
max-age = "30d"
trusted-root = "root.json"
policy = "sha256:%s"
only-valid = true
same-repository = true

  [[trust.signers]]
  key = "release.pub"
  tlog = true

  [[trust.signers]]
  identity = "release@acme.example"
  issuer = "https://accounts.example"
  types = ["bom"]

  [[trust.signers]]
  identity-regexp = ".+@acme[.]example"
  certificate-root = "/etc/acme/root.pem"
  certificate-chain = "chain.pem"

[[trust]]
images = ["**"]
signers = [{ key = "everything.pub" }]
""" % ("ab" * 32)


def write(directory: Path, text: str) -> Path:
    path = directory / "trust.toml"
    path.write_text(text)
    return path


def test_everything_that_a_rule_can_say(tmp_path: Path) -> None:
    first, second = load_rules(write(tmp_path, GOOD))

    assert [one.text for one in first.patterns] == ["registry.example/acme/**", "svc"]
    assert first.required == (CYCLONEDX, SLSA_PROVENANCE_V1, "https://example.com/custom/v1")
    assert first.max_age == timedelta(days=30)
    assert first.trusted_root == str(tmp_path / "root.json")
    assert (first.policy, first.only_valid, first.same_repository) == ("ab" * 32, True, True)
    assert first.where.endswith("trust.toml, rule 1")
    key, identity, pattern = first.signers
    assert (key.key, key.log, key.timestamp) == (str(tmp_path / "release.pub"), True, False)
    assert identity.types == {CYCLONEDX}
    assert str(identity.issuer) == "https://accounts.example"
    assert pattern.name is not None
    assert pattern.name.matches("a@acme.example")
    assert not pattern.name.matches("a@acme.example.evil")
    assert pattern.certificate_root == "/etc/acme/root.pem"
    assert pattern.certificate_chain == str(tmp_path / "chain.pem")
    assert (second.required, second.max_age, second.only_valid) == ((), None, False)


RULE = '[[trust]]\nimages = ["registry.example/x"]\n'
SIGNED = RULE + "[[trust.signers]]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "no trust rules", id="nothing"),
        pytest.param("trust = []", "no trust rules", id="no rules"),
        pytest.param("trust = 1", "no trust rules", id="no list"),
        pytest.param("trust = [1]", "not a table", id="no table"),
        pytest.param("[trust]\nimages = []", "no trust rules", id="one table"),
        pytest.param("[verify]\nkey = 'x'\n" + RULE, "Unknown setting", id="another table"),
        pytest.param(RULE, "no signers", id="no signers"),
        pytest.param(RULE + "signers = []", "empty", id="empty signers"),
        pytest.param("[[trust]]\nsigners = [{ key = 'k' }]", "no images", id="no images"),
        pytest.param(RULE + "signer = [{ key = 'k' }]", "Did you mean 'signers'", id="mistyped"),
        pytest.param(SIGNED + "keys = 'k'", "Did you mean 'key'", id="mistyped signer"),
        pytest.param(SIGNED + "key = ['k']", "wrong type", id="a list of keys"),
        pytest.param(SIGNED + "key = ''", "empty", id="an empty key"),
        pytest.param(SIGNED + "types = ['bom']", "one of key", id="nobody"),
        pytest.param(SIGNED + "key = 'k'\nidentity = 'i'", "one of key", id="two at once"),
        pytest.param(SIGNED + "identity = 'i'", "who vouches", id="no issuer"),
        pytest.param(SIGNED + "key = 'k'\nissuer = 'i'", "who vouches", id="a key with an issuer"),
        pytest.param(
            SIGNED + "identity = 'i'\nissuer = 'u'\ncertificate-root = 'r'",
            "who vouches",
            id="two authorities",
        ),
        pytest.param(SIGNED + "identity-regexp = '('\nissuer = 'u'", "regular", id="no pattern"),
        pytest.param(SIGNED + "identity = 'i'\nissuer = 'u'\ntlog = true", "key's", id="tlog"),
        pytest.param(
            SIGNED + "identity = 'i'\nissuer = 'u'\ncertificate-chain = 'c'", "no root", id="chain"
        ),
        pytest.param(SIGNED + "key = 'k'\ntypes = []", "empty", id="may sign nothing"),
        pytest.param(SIGNED + "key = 'k'\ntypes = ['bomm']", "Did you mean 'bom'", id="a type"),
        pytest.param(RULE + "require = ['boom']\nsigners = [{key = 'k'}]", "Unknown", id="require"),
        pytest.param(RULE + "require = []\nsigners = [{key = 'k'}]", "empty", id="require none"),
        pytest.param(RULE + "require = [1]\nsigners = [{key = 'k'}]", "wrong type", id="a number"),
        pytest.param(RULE + "max-age = '1y'\nsigners = [{key = 'k'}]", "not a duration", id="age"),
        pytest.param(RULE + "max-age = 30\nsigners = [{key = 'k'}]", "wrong type", id="bare age"),
        pytest.param(RULE + "policy = 'ab'\nsigners = [{key = 'k'}]", "digest", id="policy"),
        pytest.param(
            RULE + "signers = [{key = 'k'}]\n" + RULE + "signers = [{key = 'm'}]",
            "only the first would count",
            id="unreachable",
        ),
        pytest.param(
            "[[trust]]\nimages = ['**']\nsigners = [{key = 'k'}]\n"
            + RULE
            + "signers = [{key = 'm'}]",
            "never counts",
            id="after everything",
        ),
        pytest.param(
            "[[trust]]\nimages = ['a/b:1']\nsigners = [{key = 'k'}]", "not a pattern", id="a tag"
        ),
        pytest.param(RULE + "x", "not TOML", id="not TOML"),
        pytest.param("a = " + "[" * 10_000, "not TOML", id="deep"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises((UsageError, InputError)) as caught:
        load_rules(write(tmp_path, text))
    assert message in f"{caught.value}; {caught.value.hint}"
    assert str(tmp_path / "trust.toml") in str(caught.value), "where it stands"


def test_files_that_cannot_be_rules(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            load_rules(path)
    many = "[[trust]]\nimages=['a']\n" * (LIMITS.trust_rules + 1)
    for text in (many, "#" * (LIMITS.companion_text + 1)):
        with pytest.raises(LadingError):
            load_rules(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "hours"), [("30d", 720), ("30", 720), ("12h", 12), ("90m", 1.5), ("0", 0)]
)
def test_durations(text: str, hours: float) -> None:
    assert parse_age(text, "--max-age") == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "d", "-1d", "1.5d", "1y", "9999999d", "٣d", "1d "])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match="--max-age is not a duration"):
        parse_age(text, "--max-age")
