"""A layer is asked by its own few paths or by all of those below: the answer is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from lading.image.overlay import LayerPaths
from lading.usecases import footing
from lading.usecases.footing import bears
from lading.usecases.layer_scan import LayerScan

if TYPE_CHECKING:
    from collections.abc import Mapping

names = st.sampled_from("abc")
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
below = st.frozensets(paths, max_size=6)
somewhere = st.frozensets(paths | st.just(""), max_size=3)


@st.composite
def kept_names(draw: st.DrawFn) -> Mapping[str, str]:
    """Directories, the root among them, each with its names between slashes."""
    listed = st.lists(names, min_size=1, max_size=2, unique=True)
    found = draw(st.dictionaries(paths | st.just(""), listed, max_size=3))
    return {directory: f"/{'/'.join(inside)}/" for directory, inside in found.items()}


layers = st.builds(
    LayerPaths,
    files=kept_names(),
    directories=kept_names(),
    whiteouts=st.frozensets(paths, max_size=2),
    opaques=somewhere,
)


@given(top=layers, wanted=below)
def test_what_a_small_layer_touches_is_what_it_hides(
    top: LayerPaths, wanted: frozenset[str]
) -> None:
    hidden = any(map(top.hides, wanted))
    event(f"hidden: {hidden}")

    assert footing._touches(top, wanted) == hidden
    assert bears(wanted, LayerScan(top, 0, (), ()), None) == (not hidden)


@pytest.mark.parametrize("count", [3, 40_000])
def test_large_and_small_layers_bear_alike(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = footing._touches
    monkeypatch.setattr(footing, "_touches", lambda *given: asked.append(1) or real(*given))
    top = LayerScan(
        LayerPaths(files={"app": "/" + "".join(f"f{n}/" for n in range(count))}), 0, (), ()
    )

    assert bears(["srv/m", "apple"], top, None)
    assert not bears(["srv/m", "app/f1"], top, None)
    assert not bears(["app/f1/below"], top, None)
    assert bool(asked) == (count < 1000)
