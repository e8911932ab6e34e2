"""Whom to trust, as the command line, ``LADING_*`` and ``lading.toml`` say together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lading.config import CONFIG_NAME, load_config
from lading.errors import UsageError, VerificationError
from lading.records import changed
from lading.trust.rules import Pattern, TrustedSigner, TrustRule, rule_for
from lading.trust.verifier import RuleVerifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.attest.interface import Verifier
    from lading.config import Config, Layer
    from lading.usecases.verify import Demands

__all__ = ["configured_rule", "configured_verifier", "demands"]

_WAYS: Final = ("key", "identity", "identity-regexp")
_BESIDE_SIGNERS: Final = frozenset(
    {"issuer", "certificate-root", "certificate-chain", "tlog", "timestamp"}
)
_ANY: Final = Pattern("**")
_PLACES: Final = ("the command line", "the environment", CONFIG_NAME)


def configured_rule(given: Layer, name: str) -> TrustRule:
    """Return what is trusted for ``registry/repository``.

    The first of command line, environment and file decides that says whom to trust: by signers,
    which then count for every image, or by trust rules. The others' signers are not added to it.

    Raises:
        UsageError: nobody says so, or one of them says two things.
        VerificationError: ``trust``, when there are rules and none is about this image.
        InputError: the rules cannot be read.
    """
    config = load_config()
    layers = _layers(config, given)
    at = _deciding(layers)
    if at is None:
        raise UsageError(
            "Nobody is trusted: there is nothing to verify with",
            hint="Pass --key lading.pub, or --identity NAME --issuer URL, or --trust FILE (or set "
            "LADING_KEY …, or write [verify] or [[trust]] in lading.toml).",
        )
    chosen = layers[at]
    ways = chosen.keys() & {*_WAYS, "trust", "rules"}
    if ways & {"trust", "rules"} and len(ways) > 1:
        raise UsageError(
            "Whom to trust is said in two ways at once, and only one of them can count",
            where=_PLACES[at],
            got=", ".join("[[trust]]" if way == "rules" else way for way in sorted(ways)),
        )
    if ways & {"trust", "rules"}:
        return _from_rules(config, layers, at, name)
    return _rule(layers, at)


def demands(rule: TrustRule, max_age: str | None) -> Demands:
    """Return what the rule demands of evidence; ``--max-age`` may only ask for more.

    Raises:
        UsageError: ``max_age`` is no duration.
    """
    from lading.usecases.verify import Demands

    ages = [rule.max_age] if rule.max_age else []
    if max_age is not None:
        from lading.trust.parse import parse_age

        ages.append(parse_age(max_age, "--max-age"))
    return Demands(
        required=rule.required,
        max_age=min(ages, default=None),
        policy=rule.policy,
        only_valid=rule.only_valid,
        repository=rule.repository,
    )


def configured_verifier(given: Layer, name: str) -> Verifier | None:
    """Return the verifier for an image, None where nobody is trusted for it.

    Raises:
        UsageError, InputError: as :func:`configured_rule`.
    """
    if _deciding(_layers(load_config(), given)) is None:
        return None
    try:
        return RuleVerifier(configured_rule(given, name))
    except VerificationError:
        return None


def _layers(config: Config, given: Layer) -> tuple[Layer, ...]:
    *above, file = config.layers("verify", given)
    return (*above, {**file, "rules": list(config.trust)} if config.trust else file)


def _deciding(layers: Sequence[Layer]) -> int | None:
    ways = {*_WAYS, "trust", "rules"}
    return next((n for n, layer in enumerate(layers) if layer.keys() & ways), None)


def _from_rules(config: Config, layers: Sequence[Layer], at: int, name: str) -> TrustRule:
    from lading.trust.parse import load_rules, parse_rules

    said = {*layers[0], *(layers[at] if _PLACES[at] == CONFIG_NAME else ())}
    if unheard := said & _BESIDE_SIGNERS:
        raise UsageError(
            "Trust rules say this for each signer", got=min(unheard), where=_PLACES[at]
        )
    path = Path(layers[at].get("trust", config.path))
    listed = layers[at].get("rules")
    rules = load_rules(path) if listed is None else parse_rules(listed, path)
    rule = rule_for(name, rules, str(path))
    return changed(rule, trusted_root=rule.trusted_root or _first(layers, "trusted-root"))


def _rule(layers: Sequence[Layer], at: int) -> TrustRule:
    chosen, own = layers[at], layers[: at + 1]
    log, timestamp = bool(_first(layers, "tlog")), bool(_first(layers, "timestamp"))
    signers = [
        TrustedSigner(key=str(path), log=log, timestamp=timestamp)
        for path in _listed(chosen.get("key"))
    ]
    issuer, root = _first(own, "issuer"), _first(own, "certificate-root")
    chain = _first(own, "certificate-chain")
    names = _names(chosen)
    if names and (issuer is None) == (root is None):
        raise UsageError(
            "An identity means nothing without who vouches for it",
            wanted="--issuer URL (Sigstore), or --certificate-root FILE (your own authority)",
        )
    if not names and (issuer or root):
        raise UsageError("There is nobody to vouch for", wanted="--identity NAME")
    if chain and not root:
        raise UsageError("A certificate chain leads to no root", wanted="--certificate-root FILE")
    if root and (log or timestamp):
        raise UsageError("Only of a key's signature a log entry or a timestamp can be asked")
    signers += [_identity(one, issuer, root, chain) for one in names]
    return TrustRule(
        patterns=(_ANY,),
        signers=tuple(signers),
        where=_PLACES[at],
        trusted_root=_first(layers, "trusted-root"),
    )


def _names(chosen: Layer) -> list[Any]:
    from lading.attest.identities import TextRule

    exact = [TextRule(text) for text in _listed(chosen.get("identity"))]
    patterns = _listed(chosen.get("identity-regexp"))
    return exact + [TextRule(text, is_pattern=True) for text in patterns]


def _identity(name: Any, issuer: str | None, root: str | None, chain: str | None) -> TrustedSigner:
    from lading.attest.identities import TextRule

    return TrustedSigner(
        name=name,
        issuer=TextRule(issuer) if issuer else None,
        certificate_root=root,
        certificate_chain=chain,
    )


def _listed(value: Any) -> list[Any]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _first(layers: Sequence[Layer], name: str) -> Any:
    return next((layer[name] for layer in layers if name in layer), None)
