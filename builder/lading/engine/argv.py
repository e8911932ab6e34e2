"""docker's build command line: lift our own options out of it, leave every other word alone.

docker parses with pflag: long options take a value as ``--name=value`` or, unless they are
switches, as the next word; short options bundle (``-qt name``, ``-tname``); options and
arguments mix; ``--`` ends the options. To know which words are values, and so never ours
(``--label --signing-key`` is a label), this module knows which of docker's options take one.
An option that it does not know is taken for a switch.
"""

from __future__ import annotations

from lading.errors import UsageError
from lading.records import fresh, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["OWN_OPTIONS", "VALUE_OPTIONS", "BuildCommand", "meant", "parse_build"]

#: Options of ``docker build`` (classic and buildx, hidden ones too) that take a value.
VALUE_OPTIONS = frozenset(
    {
        "add-host", "allow", "annotation", "attest", "build-arg", "build-context", "builder",
        "cache-from", "cache-to", "call", "cgroup-parent", "cpu-period", "cpu-quota",
        "cpu-shares", "cpuset-cpus", "cpuset-mems", "file", "iidfile", "invoke", "isolation",
        "label", "memory", "memory-swap", "metadata-file", "network", "no-cache-filter", "on",
        "output", "platform", "policy", "print", "progress", "provenance", "resource", "root",
        "sbom", "secret", "security-opt", "server-config", "shm-size", "ssh", "tag", "target",
        "ulimit",
    }
)  # fmt: skip
SHORT_VALUE_OPTIONS = {"t": "tag", "f": "file", "o": "output", "m": "memory", "c": "cpu-shares"}
SHORT_SWITCHES = {"q": "quiet", "D": "debug", "h": "help"}

#: Our own options: name → whether it takes a value. No short forms, and no name that docker has.
OWN_OPTIONS = {
    "signing-key": True,
    "keyless": False,
    "identity-token": True,
    "trust-config": True,
    "certificate": True,
    "tlog": False,
    "timestamp": False,
    "evidence": True,
    "bom-output": True,
    "no-attest": False,
    "require-attested-models": False,
    "model-evidence": True,
    "policy-file": True,
    "previous": True,
    "verdict": True,
    "summary-json": True,
    "lading-help": False,
}
#: What options of our other verbs are called here, where docker may have the name.
_OTHER_VERBS = {"key": "signing-key", "policy": "policy-file", "json": "summary-json"}
_CLOSE = 0.8  # of difflib's ratio: --signing-kye is --signing-key


@record
class BuildCommand:
    """A parsed ``build`` command line.

    ``words`` is docker's part, verbatim and in order, without our options. ``options`` has every
    occurrence of docker's options by long name, in order; a switch's value is ``"true"`` unless
    given. ``push_words`` are the positions in ``words`` of ``--push``.
    """

    words: tuple[str, ...]
    own: dict[str, str] = fresh(default_factory=dict)
    options: dict[str, list[str]] = fresh(default_factory=dict)
    arguments: tuple[str, ...] = ()
    push_words: tuple[int, ...] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        """Every ``-t``/``--tag``, and every name of an ``--output type=image|docker``."""
        return tuple(self.options.get("tag", ()))

    def last(self, name: str) -> str | None:
        """The value that counts of an option given once or more, or None."""
        values = self.options.get(name)
        return values[-1] if values else None

    def switch(self, name: str) -> bool:
        """Whether a switch is on (``--push``, ``--push=true``, but not ``--push=false``)."""
        return (self.last(name) or "false").lower() in {"1", "t", "true"}

    @property
    def wants_help(self) -> bool:
        """Whether docker will print its help instead of building."""
        return self.switch("help")

    @property
    def builds_nothing(self) -> bool:
        """Whether docker only checks or describes the build (``--check``, ``--call``)."""
        return self.switch("check") or (self.last("call") or "build") != "build"

    @property
    def outputs(self) -> frozenset[str]:
        """The kinds of every ``--output``; a pushed ``type=image`` is ``registry``."""
        return frozenset(map(_output, self.options.get("output", ())))

    def without_push(self) -> tuple[str, ...]:
        """``words`` without ``--push``, for engines where lading pushes after its checks."""
        lifted = set(self.push_words)
        return tuple(word for at, word in enumerate(self.words) if at not in lifted)


def _output(value: str) -> str:
    fields = dict(part.partition("=")[::2] for part in value.split(","))
    kind = fields.get("type") or "local"  # ``-o DIR`` is type=local
    if kind == "docker" and "dest" in fields:
        return "docker archive"
    return "registry" if kind == "image" and fields.get("push") == "true" else kind


def parse_build(argv: Sequence[str]) -> BuildCommand:
    """Split the words after ``build`` into docker's and ours.

    Raises:
        UsageError: one of our own options lacks its value, has one too many, or is repeated.
    """
    words: list[str] = []
    own: dict[str, str] = {}
    options: dict[str, list[str]] = {}
    arguments: list[str] = []
    push_words: list[int] = []
    rest = iter(argv)
    for word in rest:
        name, equals, value = word[2:].partition("=") if word.startswith("--") else ("", "", "")
        if name in OWN_OPTIONS:
            _own_option(own, name, value if equals else None, rest)
            continue
        if name == "push":
            push_words.append(len(words))
        words.append(word)
        if word == "--":
            tail = list(rest)
            words += tail
            arguments += tail
        elif name:
            taken = _value(name, value if equals else None, rest, words)
            options.setdefault(name, []).append(taken)
        elif word.startswith("-") and word != "-":
            _short_options(word[1:], rest, words, options)
        else:
            arguments.append(word)
    return BuildCommand(tuple(words), own, options, tuple(arguments), tuple(push_words))


def meant(command: BuildCommand) -> tuple[str, str] | None:
    """Return an option that is docker's to refuse, and the one of ours that it looks like.

    It went to docker all the same, which may have an option that nobody here has heard of.
    """
    import difflib

    for name in command.options:
        if name in _OTHER_VERBS:
            return name, _OTHER_VERBS[name]
        if name not in VALUE_OPTIONS:
            close = difflib.get_close_matches(name, OWN_OPTIONS, n=1, cutoff=_CLOSE)
            if close:
                return name, close[0]
    return None


def _own_option(own: dict[str, str], name: str, value: str | None, rest: Iterator[str]) -> None:
    if name in own:
        raise UsageError(f"--{name} is given twice", hint=f"Give --{name} once.")
    if OWN_OPTIONS[name]:
        value = next(rest, "") if value is None else value
        if not value:
            raise UsageError(f"--{name} needs a value", hint=f"Write --{name}=VALUE.")
    elif value is not None and value.lower() not in {"true", "false"}:
        raise UsageError(f"--{name} is a switch", got=f"--{name}={value}", wanted=f"--{name}")
    if OWN_OPTIONS[name] or (value or "").lower() != "false":
        own[name] = value or "true"


def _value(name: str, value: str | None, rest: Iterator[str], words: list[str]) -> str:
    if value is not None:
        return value
    if name not in VALUE_OPTIONS:
        return "true"
    following = next(rest, None)
    if following is None:
        return ""  # docker will say what is missing
    words.append(following)
    return following


def _short_options(
    letters: str, rest: Iterator[str], words: list[str], options: dict[str, list[str]]
) -> None:
    for at, letter in enumerate(letters):
        if letter in SHORT_VALUE_OPTIONS:
            name = SHORT_VALUE_OPTIONS[letter]
            attached = letters[at + 1 :].removeprefix("=")
            value = attached or _value(name, None, rest, words)
            options.setdefault(name, []).append(value)
            return
        options.setdefault(SHORT_SWITCHES.get(letter, letter), []).append("true")
