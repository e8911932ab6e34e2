"""Layers on top of each other, against a file system that applies them one by one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lading.errors import InputError, LimitError
from lading.image import overlay as overlay_module
from lading.image.interface import EntryKind
from lading.image.overlay import LayerPaths, Overlay, PathRecorder
from lading.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE, DIRECTORY, SYMLINK = EntryKind.FILE, EntryKind.DIRECTORY, EntryKind.SYMLINK
HARDLINK, WHITEOUT, OPAQUE = EntryKind.HARDLINK, EntryKind.WHITEOUT, EntryKind.OPAQUE
UNCERTAIN = EntryKind.UNCERTAIN


class Change:
    """An entry without bytes."""

    mode = 0o644

    def __init__(self, kind: EntryKind, path: str, target: str = "", size: int = 0) -> None:
        self.kind, self.path, self.target, self.size = kind, path, target, size

    def __repr__(self) -> str:
        return f"{self.kind.value} {self.path} {self.target}"

    def peek(self, size: int) -> bytes:
        return b""

    def read(self, size: int = -1) -> bytes:
        return b""


def paths(*changes: Change) -> LayerPaths:
    recorder = PathRecorder()
    assert list(recorder.watch(iter(changes))) == list(changes)
    return recorder.result()


def files(*names: str) -> LayerPaths:
    return paths(*(Change(FILE, name) for name in names))


@pytest.mark.parametrize(
    ("upper", "visible"),
    [
        ([], True),
        ([Change(FILE, "a/b/c")], False),
        ([Change(SYMLINK, "a/b/c", "x")], False),
        ([Change(DIRECTORY, "a/b/c")], False),
        ([Change(WHITEOUT, "a/b/c")], False),
        ([Change(WHITEOUT, "a/b")], False),
        ([Change(WHITEOUT, "a")], False),
        ([Change(OPAQUE, "a/b")], False),
        ([Change(OPAQUE, "")], False),
        ([Change(OPAQUE, "a/b/c")], True),
        ([Change(DIRECTORY, "a"), Change(DIRECTORY, "a/b")], True),
        ([Change(FILE, "a/b")], False),
        ([Change(SYMLINK, "a", "elsewhere")], False),
        ([Change(FILE, "a/b/c/d")], False),
        (
            [
                Change(FILE, "a/b/cc"),
                Change(FILE, "a/b/"),
                Change(FILE, "a/c"),
                Change(FILE, "b/c"),
            ],
            True,
        ),
        ([Change(WHITEOUT, "a/b/cc"), Change(OPAQUE, "a/c")], True),
    ],
)
def test_what_an_upper_layer_hides(upper: list[Change], visible: bool) -> None:
    assert Overlay([files("a/b/c"), paths(*upper)]).visible(0, "a/b/c") is visible


def test_whiteouts_do_not_hide_their_own_layer() -> None:
    layer = paths(
        Change(FILE, "a/new"), Change(OPAQUE, "a"), Change(WHITEOUT, "a/new"), Change(OPAQUE, "")
    )
    assert Overlay([files("a/old"), layer]).visible(1, "a/new")
    assert not Overlay([files("a/old"), layer]).visible(0, "a/old")


def test_a_file_that_comes_back() -> None:
    layers = [files("a"), paths(Change(WHITEOUT, "a")), files("a")]
    assert [Overlay(layers).visible(index, "a") for index in (0, 2)] == [False, True]


# -- against a model -----------------------------------------------------------------------------

_part = st.sampled_from("abc")
_path = st.lists(_part, min_size=1, max_size=3).map("/".join)


@st.composite
def _layers(draw: st.DrawFn) -> list[Change]:
    """A layer that a file system can hold: parents are directories, each path once."""
    kinds = draw(st.dictionaries(_path, st.sampled_from([FILE, SYMLINK, DIRECTORY]), max_size=5))
    whole: dict[str, EntryKind] = {}
    for path in sorted(kinds):
        above = [path[:at] for at in range(len(path)) if path[at] == "/"]
        if any(whole.get(one, DIRECTORY) is not DIRECTORY for one in above):
            continue
        whole |= dict.fromkeys(above, DIRECTORY) | {path: kinds[path]}
    marks = draw(st.lists(st.tuples(st.sampled_from([WHITEOUT, OPAQUE]), _path), max_size=3))
    changes = [Change(kind, path, "t" if kind is SYMLINK else "") for path, kind in whole.items()]
    # where a directory is opaque it is there, and what a whiteout deletes is not the layer's own
    changes += [
        Change(kind, path)
        for kind, path in marks
        if (whole.get(path) is DIRECTORY if kind is OPAQUE else path not in whole)
    ]
    return draw(st.permutations(changes))


def _apply(layers: Iterable[list[Change]]) -> dict[str, tuple[int, EntryKind]]:
    state: dict[str, tuple[int, EntryKind]] = {}
    for index, layer in enumerate(layers):
        for change in layer:
            if change.kind in {WHITEOUT, OPAQUE}:
                for path in list(state):
                    inside = path.startswith(change.path + "/")
                    if inside or (change.kind is WHITEOUT and path == change.path):
                        del state[path]
        for change in sorted(layer, key=lambda one: one.path):
            if change.kind in {WHITEOUT, OPAQUE}:
                continue
            there = state.get(change.path)
            if change.kind is not DIRECTORY or (there and there[1] is not DIRECTORY):
                for path in list(state):
                    if path == change.path or path.startswith(change.path + "/"):
                        del state[path]
            state[change.path] = (index, change.kind)
    return state


# how long examples take to draw says more about the machine than about them
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_layers(), max_size=4))
def test_the_same_files_are_left_as_in_a_file_system(layers: list[list[Change]]) -> None:
    state = _apply(layers)
    overlay = Overlay([paths(*layer) for layer in layers])
    found = {
        (index, change.path)
        for index, layer in enumerate(layers)
        for change in layer
        if change.kind in {FILE, SYMLINK} and overlay.visible(index, change.path)
    }
    assert found == {(at, path) for path, (at, kind) in state.items() if kind is not DIRECTORY}
    assert overlay.links().keys() == {path for path, (_, kind) in state.items() if kind is SYMLINK}


# -- links ---------------------------------------------------------------------------------------


def test_links_are_those_that_are_still_there() -> None:
    layers = [
        paths(Change(SYMLINK, "a", "1"), Change(SYMLINK, "b", "../x"), Change(SYMLINK, "c", "1")),
        paths(Change(SYMLINK, "a", "2"), Change(WHITEOUT, "c")),
    ]
    assert Overlay(layers).links() == {"a": "2", "b": "../x"}


def test_hard_links_into_lower_layers() -> None:
    layers = [
        files("a", "b", "dir/c"),
        paths(Change(HARDLINK, "x", "a"), Change(HARDLINK, "y", "x"), Change(WHITEOUT, "b")),
        paths(
            Change(HARDLINK, "z", "y"),
            Change(HARDLINK, "lost", "b"),
            Change(HARDLINK, "never", "nothing"),
            Change(HARDLINK, "self", "self"),
            Change(WHITEOUT, "a"),
            Change(FILE, "own"),
            Change(HARDLINK, "own2", "own"),
        ),
        paths(Change(WHITEOUT, "y")),
    ]
    assert Overlay(layers).hard_links() == {
        (1, "x"): (0, "a"),
        (2, "z"): (0, "a"),
        (2, "own2"): (2, "own"),
    }


def test_a_file_that_replaces_what_was_linked_to_is_refused() -> None:
    for again in (FILE, SYMLINK, HARDLINK):
        with pytest.raises(InputError, match="linked to before"):
            paths(Change(FILE, "a"), Change(HARDLINK, "b", "a"), Change(again, "a"))
    with pytest.raises(InputError, match="linked to before"):
        paths(Change(HARDLINK, "round", "circle"), Change(HARDLINK, "circle", "round"))
    paths(Change(FILE, "a"), Change(HARDLINK, "b", "a"), Change(WHITEOUT, "a"))


def test_links_that_turn_in_a_circle_through_layers_end() -> None:
    layers = [paths(Change(HARDLINK, "a", "b")), paths(Change(HARDLINK, "b", "a"))]
    assert Overlay(layers).hard_links() == {}


def test_a_hard_link_outlives_what_its_own_layer_deletes() -> None:
    layers = [files("a"), paths(Change(HARDLINK, "b", "a"), Change(WHITEOUT, "a"))]
    overlay = Overlay(layers)
    assert overlay.hard_links() == {(1, "b"): (0, "a")}
    assert not overlay.visible(0, "a")


# -- what is written through links to directories --------------------------------------------------


def test_taking_a_link_away_leaves_what_was_written_through_it() -> None:
    lower = paths(
        Change(DIRECTORY, "srv/real"), Change(SYMLINK, "opt", "srv/real"), Change(FILE, "opt/m")
    )
    for change in (WHITEOUT, FILE, SYMLINK):
        assert Overlay([lower, paths(Change(change, "opt"))]).visible(0, "opt/m")
    gone = paths(Change(WHITEOUT, "opt"), Change(WHITEOUT, "srv/real/m"))
    assert not Overlay([lower, gone]).visible(0, "opt/m")


@pytest.mark.parametrize("target", ["/srv/real", "./srv/real", "x/../srv//real", "/../srv/real/"])
def test_links_of_lower_layers_lead_as_well(target: str) -> None:
    layers = [paths(Change(SYMLINK, "opt", target)), files("opt/m"), paths(Change(WHITEOUT, "opt"))]
    assert Overlay(layers).visible(1, "opt/m")
    # a directory in its place is one
    real = paths(Change(DIRECTORY, "opt"), Change(FILE, "opt/m"))
    assert not Overlay([layers[0], real, layers[2]]).visible(1, "opt/m")


def test_links_in_a_circle_lead_nowhere() -> None:
    lower = paths(Change(SYMLINK, "a", "b"), Change(SYMLINK, "b", "a"), Change(FILE, "a/m"))
    Overlay([lower, paths(Change(WHITEOUT, "a"))]).visible(0, "a/m")


def test_a_hard_link_to_a_file_behind_a_link() -> None:
    lower = paths(Change(FILE, "d/m"), Change(SYMLINK, "e", "d"), Change(HARDLINK, "n", "e/m"))
    assert Overlay([lower, paths(Change(WHITEOUT, "d"))]).hard_links() == {(0, "n"): (0, "d/m")}


def test_a_long_chain_of_hard_links_ends() -> None:
    chain = [Change(HARDLINK, f"f{at}", f"f{at - 1}") for at in range(1, 5000)]
    found = Overlay([paths(Change(FILE, "f0"), *chain[:50])]).hard_links()
    assert set(found.values()) == {(0, "f0")}


# -- layers whose opaque directories cannot be seen ------------------------------------------------


def test_the_image_is_asked_where_a_directory_may_be_opaque() -> None:
    lower = files("a/gone", "a/kept", "a/kept2", "b/c", "top")
    upper = paths(Change(UNCERTAIN, ""), Change(DIRECTORY, "a"), Change(FILE, "a/new"))
    asked = []

    def exists(path: str) -> bool:
        asked.append(path)
        return path != "a/gone"

    overlay = Overlay([lower, upper], exists)
    assert not upper.opaques_known
    assert not overlay.visible(0, "a/gone")
    assert overlay.visible(0, "a/kept")
    assert overlay.visible(0, "a/kept2")
    assert overlay.visible(0, "b/c")
    assert overlay.visible(0, "top")
    assert overlay.visible(1, "a/new")
    assert asked == ["a/gone", "a/kept"]


def test_without_an_image_to_ask_nothing_is_left_out() -> None:
    upper = paths(Change(UNCERTAIN, ""), Change(DIRECTORY, "a"))
    assert Overlay([files("a/b"), upper]).visible(0, "a/b")


def test_a_known_layer_is_not_asked_about() -> None:
    upper = paths(Change(DIRECTORY, "a"))
    assert Overlay([files("a/b"), upper], lambda path: pytest.fail(path)).visible(0, "a/b")


# -- JSON ----------------------------------------------------------------------------------------


def test_paths_survive_json() -> None:
    whole = paths(
        Change(FILE, "a/b", size=3),
        Change(FILE, "caf\udce9", size=4),
        Change(DIRECTORY, "d"),
        Change(SYMLINK, "s", "t"),
        Change(HARDLINK, "h", "a/b"),
        Change(WHITEOUT, "w"),
        Change(OPAQUE, ""),
        Change(UNCERTAIN, ""),
    )
    again = LayerPaths.from_json(json.loads(json.dumps(whole.to_json())))
    assert again == whole
    assert (again.size, again.opaques_known) == (7, False)
    assert again.has_file("caf\udce9")
    assert not again.has_file("d")
    assert again.has_directory("d")
    assert again.has_directory("a")


@pytest.mark.parametrize(
    "change",
    [
        {"format": 0},
        {"files": []},
        {"directories": None},
        {"whiteouts": {}},
        {"opaques": "x"},
        {"symlinks": 1},
        {"hardlinks": "x"},
        {"size": "7"},
        {"opaques_known": 1},
    ],
)
def test_other_json_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no layer paths"):
        LayerPaths.from_json(files("a").to_json() | change)


def test_links_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay_module, "LIMITS", Limits(layer_links=3))
    paths(*(Change(FILE, str(at)) for at in range(10)))
    for kind in (SYMLINK, HARDLINK):
        with pytest.raises(LimitError, match="links"):
            paths(*(Change(kind, str(at), "t") for at in range(4)))
    for kind in (WHITEOUT, OPAQUE):
        with pytest.raises(LimitError, match="links"):
            paths(*(Change(kind, str(at)) for at in range(4)))


def test_huge_directories_and_long_chains_take_no_time() -> None:
    names = [f"d/{at}" for at in range(20_000)]
    lower = paths(Change(FILE, "d/first"), *(Change(SYMLINK, name, "t") for name in names))
    chain = [Change(HARDLINK, "c/0", "d/first")]
    chain += [Change(HARDLINK, f"c/{at}", f"c/{at - 1}") for at in range(1, 20_000)]
    upper = paths(*(Change(FILE, f"{name}x") for name in names), *chain)
    overlay = Overlay([lower, upper])
    assert len(overlay.links()) == len(names)
    assert set(overlay.hard_links().values()) == {(0, "d/first")}
    assert len(overlay.hard_links()) == len(chain)
    assert not upper.has_file("d/")
