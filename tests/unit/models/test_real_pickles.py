"""Pickles as real libraries write them, and picklescan's opinion on the same bytes.

``support/models_pickles/generate.py`` wrote the files; nothing here loads one.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picklescan.scanner import SafetyLevel, scan_pickle_bytes

import support
from lading.inventory import Verdict
from lading.models import vocabulary as v
from support.models_fixtures import Op, evil_pickle
from support.models_streams import facts_of, look, seen

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = {
    path.name: path.read_bytes()
    for path in sorted((Path(support.__path__[0]) / "models_pickles").iterdir())
    if path.suffix in (".pkl", ".joblib", ".dill")
}
VERDICTS = {
    "cloudpickle-function.pkl": Verdict.DANGEROUS,  # brings byte code
    "dill-function.dill": Verdict.DANGEROUS,
    "pickle-sklearn-logarithm.pkl": Verdict.SUSPICIOUS,  # calls a function of the user's choice
}


@pytest.mark.parametrize("name", CORPUS)
def test_verdicts_on_what_real_libraries_write(name: str) -> None:
    file = seen(f"models/{name}", CORPUS[name])

    assert file.safety.verdict is VERDICTS.get(name, Verdict.SAFE), file.safety.findings
    assert file.format == ("joblib" if name.startswith("joblib") else "pickle")


@pytest.mark.parametrize("name", [name for name in CORPUS if "sklearn" in name])
def test_facts_of_scikit_learn(name: str) -> None:
    facts = facts_of(seen(f"models/{name}", CORPUS[name]))

    assert facts[v.LIBRARY] == "scikit-learn"
    classes = {
        "pipeline": "Pipeline",
        "forest": "RandomForestClassifier",
        "neighbours": "KNeighborsClassifier",
        "logarithm": "Pipeline",
    }
    assert facts[v.ARCHITECTURE] == classes[name.rpartition("-")[2].partition(".")[0]]
    assert facts[v.FRAMEWORK_VERSION] == "1.9.1"


@pytest.mark.parametrize("name", CORPUS)
def test_no_part_of_one_is_safe(name: str) -> None:
    data = CORPUS[name]
    for size in {*range(3, len(data), 7), len(data) - 1}:
        found = look(f"models/{name}", data[:size])
        assert found is not None, size
        assert found.safety.verdict is not Verdict.SAFE, size


@pytest.mark.parametrize("name", CORPUS)
def test_a_payload_behind_one_is_found(name: str) -> None:
    assert (
        seen(f"models/{name}", CORPUS[name] + evil_pickle()).safety.verdict >= Verdict.UNSCANNABLE
    )


# picklescan


def second_opinion(data: bytes) -> bool:
    """Return whether picklescan finds the pickle dangerous."""
    result = scan_pickle_bytes(io.BytesIO(data), "model.pkl")
    return any(one.safety is SafetyLevel.Dangerous for one in result.globals)


def by_global(module: str, name: str) -> bytes:
    return Op.glob(module, name) + b"(S'x'\ntR."


def by_stack(module: str, name: str) -> bytes:
    return b"\x80\x04" + Op.stack_global(module, name) + b")R."


def by_memo(module: str, name: str) -> bytes:
    words = Op.text(module) + b"\x940" + Op.text(name) + b"\x940"
    return b"\x80\x04" + words + b"h\x00h\x01\x93)R."


def by_inst(module: str, name: str) -> bytes:
    return f"(S'x'\ni{module}\n{name}\n.".encode()


def _their_names() -> list[tuple[str, str]]:
    """Return every name that picklescan calls dangerous; ``*`` becomes one name of the module."""
    from picklescan import scanner

    return sorted(
        (module, "anything" if name == "*" else name)
        for module, names in scanner._unsafe_globals.items()
        for name in ([names] if isinstance(names, str) else sorted(names))
    )


THEIRS = _their_names()
WAYS: list[Callable[[str, str], bytes]] = [by_global, by_stack, by_memo, by_inst]


@pytest.mark.parametrize("way", WAYS)
def test_whatever_picklescan_calls_dangerous_is_never_safe(
    way: Callable[[str, str], bytes],
) -> None:
    assert len(THEIRS) > 50
    for module, name in THEIRS:
        data = way(module, name)
        assert second_opinion(data) or way is by_memo, (module, name)
        assert seen("m.pkl", data).safety.verdict > Verdict.UNSCANNABLE, (module, name)


def test_most_of_what_picklescan_calls_dangerous_is_dangerous() -> None:
    softer = [
        f"{module}.{name}"
        for module, name in THEIRS
        if seen("m.pkl", by_stack(module, name)).safety.verdict is not Verdict.DANGEROUS
    ]

    assert softer == ["functools.partial"]  # what it is given is judged by its own name


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(_values, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_any_plain_value_is_safe(value: Any, protocol: int) -> None:
    assert seen("m.pkl", pickle.dumps(value, protocol)).safety.verdict is Verdict.SAFE


_pieces = st.sampled_from(
    [
        b"\x80\x02", b"\x80\x04", b"(", b")", b"}", b"]", b"0", b"1", b"2", b"N", b"K\x01", b"t",
        b"l", b"d", b"s", b"u", b"a", b"e", b"R", b"b", b"o", b"\x81", b"\x92", b"\x85", b"\x93",
        b"\x94", b"q\x00", b"h\x00", b"h\x01", b"r\x01\x00\x00\x00", b"p0\n", b"g0\n", b".",
        Op.text("os"), Op.text("system"), Op.text("builtins"), Op.text("eval"), b"S'os'\n",
        b"V\\u006fs\n", Op.glob("os", "system"), Op.glob("builtins", "eval"), b"ios\nsystem\n",
        Op.glob("collections", "OrderedDict"), b"\x82\x01", b"U\x02os", b"X\x06\x00\x00\x00system",
    ]
)  # fmt: skip


@settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_pieces, max_size=25).map(b"".join))
def test_no_row_of_opcodes_is_safe_that_picklescan_calls_dangerous(data: bytes) -> None:
    found = look("m.pkl", data)
    if found is not None and found.safety.verdict is Verdict.SAFE:
        assert not second_opinion(data)
