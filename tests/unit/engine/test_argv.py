"""docker's command line passes through verbatim; only our own options are lifted out."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import parts
from lading.engine.argv import OWN_OPTIONS, SHORT_VALUE_OPTIONS, VALUE_OPTIONS, meant, parse_build
from lading.errors import UsageError


@pytest.mark.parametrize(
    "words",
    [
        ["-t", "x", "."],
        ["-tx", "."],
        ["-qtx", "."],
        ["-qt", "x", "."],
        ["-t=x", "."],
        [".", "--tag=x"],
        ["--tag", "x", "--", "."],
        ["--label", "--signing-key", "-t", "x", "."],
        ["--label=--push", "-t", "x", "."],
        ["-t", "x", "--build-arg", "--keyless", "."],
        ["--frobnicate=1", "--unheard-of", "-t", "x", "."],
        ["-t", "x", "-f", "-", "."],
        ["--help"],
        ["-"],
        [],
        ["--", "--signing-key", "k"],
    ],
)
def test_words_of_docker_stay_verbatim_and_in_order(words: list[str]) -> None:
    command = parse_build(words)

    assert list(command.words) == words
    assert command.own == {}


@pytest.mark.parametrize(
    ("words", "tags"),
    [
        (["-t", "x", "."], ("x",)),
        (["-tx", "."], ("x",)),
        (["-qtx", "."], ("x",)),
        (["-qt", "x", "."], ("x",)),
        (["-t=x", "."], ("x",)),
        (["--tag=x", "--tag", "y", "."], ("x", "y")),
        (["--label", "-t", "x", "."], ()),
        (["--", "-t", "x"], ()),
    ],
)
def test_tags_are_read_as_docker_reads_them(words: list[str], tags: tuple[str, ...]) -> None:
    assert parse_build(words).tags == tags


def test_own_options_are_lifted_wherever_they_stand() -> None:
    command = parse_build(
        ["--signing-key", "k", "-t", "x", "--keyless", ".", "--bom-output=b.json", "--no-attest"]
    )

    assert command.words == ("-t", "x", ".")
    assert command.own == {
        "signing-key": "k",
        "keyless": "true",
        "bom-output": "b.json",
        "no-attest": "true",
    }
    assert command.arguments == (".",)


def test_a_label_that_looks_like_our_option_is_a_label() -> None:
    command = parse_build(["--label", "--signing-key", "k"])

    assert command.own == {}
    assert command.options["label"] == ["--signing-key"]
    assert command.arguments == ("k",)


def test_push_is_lifted_only_where_it_is_the_option() -> None:
    command = parse_build(["--label", "--push", "--push", "-t", "x", "."])

    assert command.switch("push")
    assert command.without_push() == ("--label", "--push", "-t", "x", ".")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--push"], True),
        (["--push=true"], True),
        (["--push=false"], False),
        (["--push", "--push=false"], False),
        (["--", "--push"], False),
        ([], False),
    ],
)
def test_push_is_a_switch_whose_last_word_counts(words: list[str], expected: bool) -> None:
    assert parse_build(words).switch("push") is expected


@pytest.mark.parametrize(
    "words",
    [
        ["--signing-key"],
        ["--signing-key="],
        ["--signing-key", "a", "--signing-key", "b"],
        ["--keyless=maybe"],
    ],
)
def test_misused_own_options_are_usage_errors(words: list[str]) -> None:
    with pytest.raises(UsageError) as raised:
        parse_build(words)
    assert raised.value.what.startswith("--")


def test_a_switch_of_ours_can_be_turned_off() -> None:
    assert parse_build(["--no-attest=false", "."]).own == {}
    assert parse_build(["--no-attest=False", "."]).own == {}


_docker_words = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(["-t", "--tag", "--label", "--", "-qt", "--push", "-", "--pull", "-f"]),
    )
).filter(lambda words: not any(word[2:].partition("=")[0] in OWN_OPTIONS for word in words))


@given(_docker_words)
def test_whatever_docker_is_given_it_gets(words: list[str]) -> None:
    assert list(parse_build(words).words) == words


def _options_of(help_text: str) -> dict[str, bool]:
    """Return every long option of a docker help text and whether it takes a value."""
    found = re.findall(r"^ +(?:-\w, )?--([\w-]+)(?: (\S+))?(?:  |$)", help_text, re.MULTILINE)
    return {name: bool(kind) for name, kind in found}


def _help_texts() -> list[str]:
    commands = []
    docker = shutil.which("docker")
    buildx = parts.find("buildx")
    if docker:
        commands.append([docker, "build", "--help"])
    if buildx:
        commands.append([str(buildx), "build", "--help"])
    return [
        subprocess.run(command, capture_output=True, text=True, check=False).stdout
        for command in commands
    ]


#: What ``docker build --help`` of engines 20.10 to 29 and ``buildx build --help`` list; kept so
#: that the comparison runs where neither is installed.
_RECORDED = Path(__file__).with_name("docker_build_options.txt")


def _recorded() -> dict[str, bool]:
    rows = [line.split() for line in _RECORDED.read_text().splitlines() if line]
    return {row[0]: row[1:] == ["value"] for row in rows}


def test_no_option_of_ours_has_a_name_of_dockers() -> None:
    known = set(_recorded())
    for text in _help_texts():
        known |= set(_options_of(text))

    assert len(known) > 40
    assert not known & set(OWN_OPTIONS)


def test_every_value_option_of_docker_is_known_as_one() -> None:
    known = _recorded()
    for text in _help_texts():
        known |= _options_of(text)

    wrong = {name for name, takes in known.items() if takes != (name in VALUE_OPTIONS)}

    assert wrong == set()
    assert set(SHORT_VALUE_OPTIONS.values()) <= VALUE_OPTIONS


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--signing-kye", "k", "."], ("signing-kye", "signing-key")),
        (["--no-atest", "."], ("no-atest", "no-attest")),
        (["--key=k", "."], ("key", "signing-key")),
        (["--policy", "p.yaml", "."], ("policy", "policy-file")),
        (["--no-cache", "--load", "--check", "--quiet", "--pull", "."], None),
        (["--label", "--signing-kye", "."], None),
        (["--", "--signing-kye"], None),
        (["--signing-key", "k", "."], None),
    ],
)
def test_what_looks_like_an_option_of_ours(
    words: list[str], expected: tuple[str, str] | None
) -> None:
    assert meant(parse_build(words)) == expected


def test_no_switch_of_dockers_looks_like_an_option_of_ours() -> None:
    for name in sorted(_recorded().keys() - VALUE_OPTIONS):
        assert meant(parse_build([f"--{name}", "."])) is None, name
