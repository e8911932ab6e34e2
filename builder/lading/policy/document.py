"""The policy file: one YAML document, read strictly into rules."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lading.attest.vsa import PolicyId
from lading.inventory import Level
from lading.policy.atlas import MITIGATIONS
from lading.policy.options import TEXT, choice, choices, key_of, matching, option, read_record
from lading.policy.rules import RULES
from lading.policy.rules.rego import Rego
from lading.policy.source import Where, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.policy.rules.interface import Rule
    from lading.policy.rules.rego import RegoEngine

__all__ = ["VERSION", "Policy", "read_policy"]

VERSION: Final = 1
_ID: Final = re.compile(r"[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it was read. ``identity`` is what a seal under it names."""

    name: str
    description: str
    rules: tuple[Rule, ...]
    identity: PolicyId


@dataclass(frozen=True, kw_only=True)
class _Top:
    """The file's own keys."""

    name: str = option(
        matching(_ID, "words in lower case, joined by dots or hyphens"), "The policy's name."
    )
    description: str = option(TEXT, "What it is for.", default="")
    schema: str = option(TEXT, "Where editors find this schema.", default="", key="$schema")


@dataclass(frozen=True, kw_only=True)
class _Common:
    """The keys that every rule has."""

    rule: str = option(choice(RULES), "The kind of rule.")
    id: str = option(
        matching(_ID, "words in lower case, joined by dots or hyphens"),
        "The rule's name in reports; its kind by default. Keep it stable.",
        default="",
    )
    level: str = option(
        choice(("error", "warning")),
        "error (default): a violation is a no. warning: it is only reported.",
        default="error",
    )
    when: str | None = option(
        choice(("always", "deploy")),
        "always: before the push of a build, too. deploy: not then, because it judges what is "
        "attached later; the default of rules about attestations and reports.",
        default=None,
    )
    atlas: tuple[str, ...] | None = option(
        choices(MITIGATIONS), "MITRE ATLAS mitigations it serves, instead of its kind's.",
        default=None,
    )  # fmt: skip


COMMON: Final = _Common
TOP: Final = _Top


def read_policy(
    content: bytes,
    file: str,
    *,
    read_module: Callable[[str], bytes] | None = None,
    engine: RegoEngine | None = None,
) -> Policy:
    """Return the policy in ``content``.

    ``read_module`` returns the bytes of a Rego file that the policy names, relative to the policy;
    ``engine`` evaluates it. The identity is the SHA-256 of the file; with Rego files, of the
    SHA-256 of each (the policy's first, hexadecimal, a line each).

    Raises:
        LimitError, InputError: not YAML, no rules, an unknown key, a value of the wrong kind.
    """
    document, where = parse(content, file)
    if document is None or document == {}:
        raise where.error("the policy is empty", wanted="version, name and at least one rule")
    if not isinstance(document, dict):
        raise where.error("the policy is no mapping", wanted="version, name and rules")
    head = {key: value for key, value in document.items() if key not in ("version", "rules")}
    known = ("version", "rules", *(key_of(one) for one in dataclasses.fields(_Top)))
    for key in head:
        if key not in known:
            raise where.at(key).unknown("key", key, known)
    if document.get("version") != VERSION or isinstance(document["version"], bool):
        got = document.get("version", "none")
        raise where.at("version").error("this version is not known", got=got, wanted=str(VERSION))
    top = read_record(_Top, head, where, given={})
    rules = _rules(document.get("rules"), where.at("rules"))
    parts = [content]
    for at, one in enumerate(rules):
        if isinstance(one, Rego):
            rules[at], source = _with_module(one, read_module, engine, where)
            parts.append(source)
    return Policy(top.name, top.description, tuple(rules), _identity(top.name, parts))


def _rules(value: Any, where: Where) -> list[Rule]:
    if not isinstance(value, list) or not value:
        raise where.error("the policy has no rules: it would accept anything", wanted="a list")
    rules: list[Rule] = []
    for at, raw in enumerate(value):
        here = where.at(at)
        one = _rule(raw, here)
        if any(one.id == other.id for other in rules):
            raise here.error("two rules have the same id", got=one.id, hint="Give one an id.")
        rules.append(one)
    return rules


def _rule(raw: Any, where: Where) -> Rule:
    if not isinstance(raw, dict):
        raise where.error("a rule is no mapping", got=raw, wanted="rule: KIND and its options")
    names = [key_of(one) for one in dataclasses.fields(_Common)]
    common = read_record(
        _Common, {key: value for key, value in raw.items() if key in names}, where, given={}
    )
    kind = RULES[common.rule]
    given = {
        "id": common.id or common.rule,
        "level": Level(common.level),
        "when": common.when or kind.usually,
        "atlas": kind.serves if common.atlas is None else common.atlas,
    }
    options = {key: value for key, value in raw.items() if key not in names}
    rule = read_record(kind, options, where, given=given)
    if rule.refuses_nothing:
        raise where.error(
            "the rule would accept anything",
            got=rule.name,
            hint="Say what it allows or denies, or leave it out.",
        )
    return rule


def _with_module(
    rule: Rego,
    read_module: Callable[[str], bytes] | None,
    engine: RegoEngine | None,
    where: Where,
) -> tuple[Rego, bytes]:
    if read_module is None:
        raise where.error("there is no place to read Rego files from", got=rule.rego)
    source = read_module(rule.rego)
    try:
        text = source.decode()
    except UnicodeDecodeError:
        raise where.error("a Rego file is not UTF-8", got=rule.rego) from None
    return dataclasses.replace(rule, module=text, engine=engine), source


def _identity(name: str, parts: list[bytes]) -> PolicyId:
    digests = [hashlib.sha256(part).hexdigest() for part in parts]
    if len(digests) == 1:
        return PolicyId(name, digests[0])
    listed = "".join(f"{digest}\n" for digest in digests)
    return PolicyId(name, hashlib.sha256(listed.encode()).hexdigest())
