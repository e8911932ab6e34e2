"""Records are data classes to everybody who looks, and share their methods."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys

import pytest

from lading_oci.records import changed, fresh, record


@record
class Point:
    """A place."""

    x: int
    y: int = 0
    names: list[str] = fresh(default_factory=list)

    @property
    def sum(self) -> int:
        return self.x + self.y


@record
class Positive:
    value: int

    def __post_init__(self) -> None:
        if self.value < 1:
            raise ValueError("not positive")


def test_values_come_by_place_name_and_default() -> None:
    one = Point(1, names=["a"])

    assert (one.x, one.y, one.names, one.sum) == (1, 0, ["a"], 1)
    assert Point(1).names is not Point(1).names
    assert repr(one) == "Point(x=1, y=0, names=['a'])"


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), ((1, 2, [], 4), {}), ((1,), {"x": 2}), ((1,), {"z": 2})],
    ids=["missing", "too many", "twice", "unknown"],
)
def test_other_values_are_refused(args: tuple[object, ...], kwargs: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="Point"):
        Point(*args, **kwargs)  # type: ignore[arg-type]


def test_nothing_changes_and_nothing_is_added() -> None:
    one = Point(1)

    for name in ("x", "other"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, name, 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.x
    assert not hasattr(one, "__dict__")


def test_equal_values_are_equal_in_one_class_only() -> None:
    assert Positive(1) == Positive(1) != Positive(2)
    assert Positive(1) != dataclasses.make_dataclass("Positive", ["value"])(1)
    assert len({Positive(1), Positive(1)}) == 1
    assert Point(1, 2) != Point(1, 3)


def test_what_a_class_checks_is_checked_in_copies_too() -> None:
    with pytest.raises(ValueError, match="not positive"):
        Positive(0)
    with pytest.raises(ValueError, match="not positive"):
        changed(Positive(1), value=0)


def test_copies() -> None:
    one = Point(1, 2, ["a"])

    assert changed(one, y=3) == Point(1, 3, ["a"])
    assert copy.deepcopy(one) == one == pickle.loads(pickle.dumps(one))
    with pytest.raises(TypeError, match="Point"):
        changed(one, other=3)


def test_the_library_of_data_classes_takes_them() -> None:
    one = Point(1, 2, ["a"])

    assert dataclasses.replace(one, y=3) == Point(1, 3, ["a"])  # type: ignore[type-var]
    assert dataclasses.asdict(one) == {"x": 1, "y": 2, "names": ["a"]}  # type: ignore[call-overload]
    assert [field.name for field in dataclasses.fields(Point)] == ["x", "y", "names"]  # type: ignore[arg-type]


def test_matching_by_place() -> None:
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)
        case _:
            pytest.fail("no match")


def test_defining_one_loads_no_library_of_data_classes() -> None:
    code = (
        "import sys; from lading_oci.records import record\n"
        "@record\nclass One:\n    x: int\n"
        "print(One(1), 'dataclasses' in sys.modules, 'inspect' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["One(x=1)", "False", "False"]
