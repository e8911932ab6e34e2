"""Which rule is about an image: the first that matches its repository from end to end, or none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.errors import UsageError, VerificationError
from lading.trust.rules import Pattern, TrustedSigner, TrustRule, rule_for
from lading_oci.references import parse_reference

SIGNER = TrustedSigner(key="k.pub")


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("registry.example/acme/svc", "registry.example/acme/svc:1"),
        ("registry.example/acme/*", "registry.example/acme/svc@sha256:" + "0" * 64),
        ("registry.example/acme/svc-*", "registry.example/acme/svc-router"),
        ("registry.example/**", "registry.example/a/b/c"),
        ("registry.example/acme/**", "registry.example/acme"),
        ("registry.example/**/svc", "registry.example/svc"),
        ("registry.example/**/svc", "registry.example/a/b/svc"),
        ("127.0.0.1:5000/*", "127.0.0.1:5000/svc"),
        ("localhost/*", "localhost/svc"),
        ("*.example/acme/*", "eu.example/acme/svc"),
        ("svc", "svc:latest"),
        ("acme/*", "docker.io/acme/svc"),
        ("acme/*", "acme/svc"),
        ("**", "anything/at/all"),
        ("**", "registry.example/x"),
        ("**/svc", "registry.example/acme/svc"),
    ],
)
def test_patterns_that_are_about_an_image(pattern: str, image: str) -> None:
    assert Pattern(pattern).matches(parse_reference(image).name)


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        pytest.param("registry.example/acme/*", "registry.example/acme/a/b", id="one component"),
        pytest.param("registry.example/acme/*", "registry.example/acme", id="not none"),
        pytest.param("registry.example/acme/**", "registry.example/acme-evil/x", id="prefix"),
        pytest.param("registry.example/acme", "registry.example/acme/x", id="exact"),
        pytest.param("registry.example/*", "evil.example/registry.example/x", id="host inside"),
        pytest.param("registryxexample/*", "registry.example/x", id="a dot is a dot"),
        pytest.param("registry.example/*", "registry.example:5000/x", id="another port"),
        pytest.param("registry.example/*", "registryxexample/x", id="no pattern in a dot"),
        pytest.param("acme/*", "registry.example/acme/svc", id="Docker Hub only"),
        pytest.param("svc", "registry.example/library/svc", id="Docker Hub's library only"),
        pytest.param("*.example/acme/*", "a.example/x/acme/svc", id="no slash in a host"),
    ],
)
def test_patterns_that_are_not(pattern: str, image: str) -> None:
    assert not Pattern(pattern).matches(parse_reference(image).name)


@pytest.mark.parametrize(
    "text",
    [
        *("", "/", "registry.example/acme/", "registry.example/acme:1", "a//b", "a/b**", "a/**b"),
        *("registry.example/x@sha256:" + "0" * 64, "registry.example/Acme", "x\n", "(a+)+$", "a b"),
    ],
)
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(UsageError, match="not a pattern"):
        Pattern(text)


def rule(where: str, *patterns: str) -> TrustRule:
    return TrustRule(tuple(Pattern(text) for text in patterns), (SIGNER,), where)


def test_the_first_rule_counts() -> None:
    rules = [rule("1", "registry.example/acme/svc"), rule("2", "registry.example/**")]
    assert rule_for("registry.example/acme/svc", rules, "file").where == "1"
    assert rule_for("registry.example/acme/other", rules, "file").where == "2"


def test_a_rule_about_names_learns_the_name() -> None:
    bound = replace(rule("1", "registry.example/**"), same_repository=True)
    assert rule_for("registry.example/x", [bound], "file").repository == "registry.example/x"
    assert rule_for("registry.example/x", [rule("1", "**")], "file").repository is None


def test_no_rule_means_no() -> None:
    with pytest.raises(VerificationError) as caught:
        rule_for("other.example/x", [rule("1", "registry.example/**")], "lading.toml")
    assert caught.value.code == "trust"
    assert caught.value.where == "lading.toml"
    assert "other.example/x" in (caught.value.hint or "")
