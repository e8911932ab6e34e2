"""The grammar of references, by example and by property."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading_oci.errors import ReferenceInvalid
from lading_oci.references import Reference, is_tag, parse_reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest", "familiar"),
    [
        ("ubuntu", "docker.io", "library/ubuntu", None, None, "ubuntu"),
        ("ubuntu:22.04", "docker.io", "library/ubuntu", "22.04", None, "ubuntu:22.04"),
        ("acme/svc", "docker.io", "acme/svc", None, None, "acme/svc"),
        ("docker.io/ubuntu", "docker.io", "library/ubuntu", None, None, "ubuntu"),
        ("index.docker.io/a/b:1", "docker.io", "a/b", "1", None, "a/b:1"),
        ("localhost/a", "localhost", "a", None, None, "localhost/a"),
        ("localhost:5000/a:b", "localhost:5000", "a", "b", None, "localhost:5000/a:b"),
        ("127.0.0.1:5000/x/y", "127.0.0.1:5000", "x/y", None, None, "127.0.0.1:5000/x/y"),
        ("[::1]:5000/x:1", "[::1]:5000", "x", "1", None, "[::1]:5000/x:1"),
        ("[fd00:1::2]/x", "[fd00:1::2]", "x", None, None, "[fd00:1::2]/x"),
        ("ghcr.io/a/b/c", "ghcr.io", "a/b/c", None, None, "ghcr.io/a/b/c"),
        ("Host/a", "Host", "a", None, None, "Host/a"),
        (f"a@{DIGEST}", "docker.io", "library/a", None, DIGEST, f"a@{DIGEST}"),
        (f"r.io/a:1@{DIGEST}", "r.io", "a", "1", DIGEST, f"r.io/a:1@{DIGEST}"),
        ("a__b/c.d/e--f", "docker.io", "a__b/c.d/e--f", None, None, "a__b/c.d/e--f"),
        ("a" * 64 + ":1", "docker.io", "library/" + "a" * 64, "1", None, None),
        ("docker.io/" + "a" * 64, "docker.io", "library/" + "a" * 64, None, None, None),
        ("r.io/foo:5000", "r.io", "foo", "5000", None, "r.io/foo:5000"),
    ],
)
def test_what_it_means(
    text: str,
    registry: str,
    repository: str,
    tag: str | None,
    digest: str | None,
    familiar: str | None,
) -> None:
    reference = parse_reference(text)
    assert reference == Reference(registry, repository, tag, digest)
    assert reference.familiar() == (familiar or str(reference))
    assert parse_reference(str(reference)) == reference
    assert parse_reference(reference.familiar()) == reference


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "missing name"),
        ("Ubuntu", "lower case: try 'ubuntu'"),
        ("ghcr.io/Acme/Svc:1", "lower case"),
        ("https://ghcr.io/a/b", "try 'ghcr.io/a/b'"),
        ("a" * 64, "NAME@sha256"),
        ("a//b", "empty part"),
        ("/a", "empty part"),
        ("a/", "empty part"),
        ("ghcr.io/", "empty part"),
        ("a:", None),
        ("a:b/c:d:e", None),
        ("a@", None),
        ("a@sha256:123", None),
        (f"a@md5:{'a' * 32}", None),
        ("a b", None),
        ("a\n", None),
        ("ubuntu:22.04\n", None),
        ("a/b_-c", None),
        ("-a/b", None),
        ("a..b", None),
        ("r.io:99999/a", None),
        ("r.io:/a", None),
        ("-r.io/a", None),
        ("[::1/a", None),
        ("é", None),
        ("r.io/é", None),
        ("a:é", None),
        ("a/../b", None),
        ("r.io/" + "a" * 256, None),
    ],
)
def test_what_is_refused(text: str, hint: str | None) -> None:
    with pytest.raises(ReferenceInvalid) as caught:
        parse_reference(text)
    if hint is not None:
        assert hint in (caught.value.hint or "")


def test_docker_hub_answers_under_another_name() -> None:
    assert parse_reference("ubuntu").api_host == "registry-1.docker.io"
    assert parse_reference("quay.io/a").api_host == "quay.io"


def test_what_to_ask_for() -> None:
    assert parse_reference("a").target == "latest"
    assert parse_reference("a:1").target == "1"
    assert parse_reference(f"a:1@{DIGEST}").target == DIGEST


def test_pinning_and_tagging() -> None:
    reference = parse_reference("r.io/a:1")
    assert str(reference.with_digest(DIGEST)) == f"r.io/a:1@{DIGEST}"
    assert str(reference.with_digest(DIGEST).with_tag("2")) == "r.io/a:2"
    with pytest.raises(ReferenceInvalid):
        reference.with_tag("no/tag")


_alphanumeric = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=6)
_separator = st.sampled_from([".", "_", "__", "-", "--", "---"])
_component = st.builds(
    lambda first, rest: first + "".join(a + b for a, b in rest),
    _alphanumeric,
    st.lists(st.tuples(_separator, _alphanumeric), max_size=2),
)
_host = st.one_of(
    st.sampled_from(["localhost", "[::1]", "127.0.0.1", "ghcr.io", "a-b.example.com", "UPPER"]),
    st.from_regex(r"[a-z0-9]{1,5}\.[a-z]{2,3}", fullmatch=True),
)
_port = st.one_of(st.none(), st.integers(1, 65535))
_tag = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


@given(_host, _port, st.lists(_component, min_size=1, max_size=4), st.none() | _tag, st.booleans())
def test_every_reference_of_the_grammar_survives(
    host: str, port: int | None, path: list[str], tag: str | None, pinned: bool
) -> None:
    registry = host if port is None else f"{host}:{port}"
    text = f"{registry}/{'/'.join(path)}"
    text += f":{tag}" if tag else ""
    text += f"@{DIGEST}" if pinned else ""
    reference = parse_reference(text)
    assert (reference.registry, reference.repository) == (registry, "/".join(path))
    assert (reference.tag, reference.digest) == (tag, DIGEST if pinned else None)
    assert str(reference) == text
    assert parse_reference(reference.familiar()) == reference


@given(st.text(max_size=40) | st.text(string.ascii_lowercase + ":/@.-_[]A0", max_size=40))
def test_any_text_parses_stably_or_is_refused(text: str) -> None:
    try:
        reference = parse_reference(text)
    except ReferenceInvalid:
        return
    assert parse_reference(str(reference)) == reference
    assert parse_reference(reference.familiar()) == reference
    assert not set(str(reference)) & set(" \n\t?#%\\")
    assert ".." not in reference.repository
    assert reference.tag is None or is_tag(reference.tag)
