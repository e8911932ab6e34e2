"""What is kept of lower layers holds of an image when, and only when, it is what it has inside."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from lading.image.interface import EntryKind
from lading.packages import Syft
from lading.usecases import inspect as inspect_module
from lading.usecases.attest import make_bom
from lading.usecases.inspect import inspect_image
from lading.usecases.recall import inspect_anew
from support.images_in_memory import Change, ImageThatIsAsked, MemoryCache, MemoryImage
from support.packages_fixtures import record_row

if TYPE_CHECKING:
    from lading.inventory import Inspection

FILE, DIRECTORY, OPAQUE = EntryKind.FILE, EntryKind.DIRECTORY, EntryKind.OPAQUE
SYMLINK, HARDLINK, WHITEOUT = EntryKind.SYMLINK, EntryKind.HARDLINK, EntryKind.WHITEOUT

SITE = "usr/lib/python3/dist-packages"
MODEL = "srv/m/a.safetensors"
CARD = "srv/m/README.md"
METADATA = f"{SITE}/p-1.dist-info/METADATA"
LIST = f"{SITE}/p-1.dist-info/RECORD"
CODE = "srv/app.py"


def tensors(name: str) -> bytes:
    header = json.dumps({name: {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).encode()
    return len(header).to_bytes(8, "little") + header + b"x"


CONTENTS = {
    MODEL: [tensors("a"), tensors("b"), b"none"],
    "srv/m/b.safetensors": [tensors("a"), tensors("c")],
    CARD: [b"---\nlicense: mit\n---\n", b"---\nlicense: apache-2.0\n---\n"],
    METADATA: [b"Name: p\nVersion: 1\n", b"Name: p\nVersion: 1\nLicense: MIT\n"],
    LIST: [
        b"p.py,,\n",
        b"p.py,,\np/a.safetensors,,\n",
        f"{record_row('p.py', b'x = 1')}\n{record_row('p/a.safetensors', b'')}\n".encode(),
    ],
    "opt/deps/q-1.dist-info/METADATA": [b"Name: q\nVersion: 1\n"],
    "opt/deps/q-1.dist-info/RECORD": [f"{record_row('q.py', b'x = 1')}\n".encode()],
    "opt/deps/q.py": [b"x = 1", b"x = 2"],
    f"{SITE}/p/a.safetensors": [tensors("d")],
    f"{SITE}/p.py": [b"", b"x = 1\n"],
    CODE: [b"x = 1\n", b"x = 2\n"],
    "opt/app/main.py": [b"x = 1\n", b"x = 2\n"],
}
PATHS = [*CONTENTS, "srv/m", "srv", "usr", SITE, f"{SITE}/p-1.dist-info", "srv/l", "opt/l"]
LINKED = [MODEL, "srv/m/b.safetensors", "srv/l", "opt/l", CODE]  # what Python alone reads


def syft() -> Syft:
    return Syft(Path("/no/syft/is/run"), "1.2.3", "size:time")


@st.composite
def changes(draw: st.DrawFn, paths: list[str]) -> list[Change]:
    """A layer: some paths with files, directories, links of both kinds, deletions, opaque marks."""
    found: dict[str, Change] = {}
    for path in draw(st.lists(st.sampled_from(paths), unique=True, max_size=5)):
        kinds = [FILE] * 5 + [DIRECTORY, SYMLINK, HARDLINK, WHITEOUT, OPAQUE]
        kind = draw(st.sampled_from(kinds))
        content = b""
        if kind is FILE:
            content = draw(st.sampled_from(CONTENTS.get(path, [b"text"])))
        targets = {SYMLINK: PATHS, HARDLINK: LINKED}.get(kind, [""])
        target = draw(st.sampled_from(targets))
        found[path] = Change(kind, path, content, target)
    # what a link leads to comes before it, as in every tar that can be unpacked
    links = {path for path, one in found.items() if one.kind is HARDLINK}
    useless = {path for path in links if found[path].target in links}
    ordered = sorted(found.keys() - useless, key=lambda path: (path in links, path))
    return [found[path] for path in ordered]


#: Layers of models and packages, and those that builds lay on top of them.
lower = st.lists(changes(PATHS), min_size=1, max_size=3)
code = changes([CODE, "opt/app/main.py", f"{SITE}/p.py", "srv", "srv/m"])
upper = st.lists(st.one_of(code, code, changes(PATHS)), max_size=2)


def image(layers: list[list[Change]], kind: type[MemoryImage]) -> MemoryImage:
    """Return an image; a layer is named by what is in it, and equal ones occur once."""
    named = {
        "sha256:" + hashlib.sha256(repr([vars(one) for one in layer]).encode()).hexdigest(): layer
        for layer in layers
    }
    return kind(named)


def as_document(found: Inspection) -> dict[str, Any]:
    """Return all of an inspection but where layers were found."""
    layers = tuple(dataclasses.replace(one, cached=False) for one in found.image.layers)
    whole = dataclasses.replace(found, image=dataclasses.replace(found.image, layers=layers))
    document: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(whole)))
    return document


def anew(seen: MemoryImage, cache: MemoryCache, results: MemoryCache, **how: Any) -> Inspection:
    return inspect_anew(seen, "svc:1", find_syft=syft, cache=cache, results=results, **how)


@pytest.mark.parametrize("kind", [MemoryImage, ImageThatIsAsked])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(base=lower, before=upper, after=st.lists(upper, min_size=1, max_size=2))
def test_a_rebuild_has_inside_what_it_has_without_anything_kept(
    kind: type[MemoryImage],
    base: list[list[Change]],
    before: list[list[Change]],
    after: list[list[list[Change]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    cache, results = MemoryCache(), MemoryCache()
    for tops in ([], before, *after, before):
        whole = image([*base, *tops], kind)
        put = len(results.put_keys)
        found = anew(whole, cache, results)
        if tops:
            event("from what was kept" if len(results.put_keys) == put else "put together")

        alone = inspect_image(whole, "svc:1", find_syft=syft)
        assert as_document(found) == as_document(alone)
        assert make_bom(found) == make_bom(alone)


BASE = [
    [Change(FILE, path, CONTENTS[path][0]) for path in (MODEL, METADATA, LIST)],
    [Change(FILE, CARD, CONTENTS[CARD][0]), Change(SYMLINK, "srv/latest", target="m")],
]


def on_top(*tops: Change, kind: type[MemoryImage] = MemoryImage) -> MemoryImage:
    return image([*BASE, list(tops)], kind)


NOTHING = [
    [Change(FILE, CODE, b"x = 2\n")],
    [Change(DIRECTORY, "srv"), Change(FILE, CODE, b"x = 2\n"), Change(FILE, "srv/b.py")],
    [Change(FILE, CODE, b"x = 2\n"), Change(WHITEOUT, "srv/old.py")],
    [Change(OPAQUE, "opt/app"), Change(FILE, "opt/app/main.py", b"x = 3\n")],
]
SOMETHING = [
    [Change(WHITEOUT, MODEL)],
    [Change(WHITEOUT, "srv")],
    [Change(OPAQUE, "srv")],
    [Change(OPAQUE, "srv/m")],
    [Change(FILE, "srv", b"a file now")],
    [Change(FILE, MODEL, b"none")],
    [Change(DIRECTORY, METADATA)],
    [Change(WHITEOUT, "srv/latest")],
    [Change(FILE, "srv/latest", b"no link any more")],
    [Change(SYMLINK, "srv/current", target="m")],
    [Change(HARDLINK, "srv/linked.safetensors", target=MODEL)],
    [Change(FILE, "srv/m/LICENSE", b"MIT License")],
]


@pytest.mark.parametrize("kind", [MemoryImage, ImageThatIsAsked])
@pytest.mark.parametrize("tops", NOTHING)
def test_a_layer_that_brings_nothing_is_all_that_is_read(
    tops: list[Change], kind: type[MemoryImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, results = MemoryCache(), MemoryCache()
    anew(on_top(Change(FILE, CODE, b"x = 1\n"), kind=kind), cache, results)
    monkeypatch.setattr(inspect_module, "ViewReader", pytest.fail)
    rebuilt = on_top(*tops, kind=kind)
    found = anew(rebuilt, cache, results)

    assert [layer.cached for layer in found.image.layers] == [True, True, False]
    assert found.image.layers[-1].size == sum(one.size for one in tops)
    assert rebuilt.read == [rebuilt.facts.layers[-1].diff_id]
    again = on_top(*tops, kind=kind)
    assert all(layer.cached for layer in anew(again, cache, results).image.layers)
    assert again.read == []
    monkeypatch.undo()
    assert as_document(found) == as_document(inspect_image(rebuilt, "svc:1", find_syft=syft))


@pytest.mark.parametrize("kind", [MemoryImage, ImageThatIsAsked])
@pytest.mark.parametrize("tops", SOMETHING)
def test_a_layer_that_brings_something_is_seen(tops: list[Change], kind: type[MemoryImage]) -> None:
    cache, results = MemoryCache(), MemoryCache()
    before = anew(on_top(Change(FILE, CODE, b"x = 1\n"), kind=kind), cache, results)
    changed = on_top(*tops, kind=kind)
    found = anew(changed, cache, results)

    assert as_document(found) == as_document(inspect_image(changed, "svc:1", find_syft=syft))
    assert len(results.put_keys) == 2
    if tops[0].path not in {"srv/latest", "srv/current"}:  # links that name no model
        assert (found.models, found.packages) != (before.models, before.packages)


def test_what_a_top_layer_took_away_comes_back_without_it() -> None:
    """The contents that are kept are of the layers that they stand on, never of fewer."""
    cache, results = MemoryCache(), MemoryCache()
    without = anew(on_top(Change(WHITEOUT, MODEL)), cache, results)
    assert without.models == ()
    assert [model.name for model in anew(image(BASE, MemoryImage), cache, results).models] == ["a"]


@pytest.mark.parametrize("damage", [{}, {"paths": [1]}, {"paths": None}, {"models": 3}])
def test_an_entry_of_another_shape_is_as_good_as_none(damage: dict[str, Any]) -> None:
    cache, results = MemoryCache(), MemoryCache()
    one = on_top(Change(FILE, CODE, b"x = 1\n"))
    expected = anew(one, cache, results)
    for key, text in results.texts.items():
        results.texts[key] = json.dumps({**json.loads(text), **damage} if damage else {})

    assert as_document(anew(one, cache, results)) == as_document(expected)


def test_shadowed_packages_are_kept_of_the_very_same_layers_alone() -> None:
    cache, results = MemoryCache(), MemoryCache()
    first = on_top(Change(FILE, CODE, b"x = 1\n"))
    anew(first, cache, results, all_layers=True)
    anew(first, cache, results, all_layers=True)
    assert len(results.put_keys) == 1
    anew(on_top(Change(FILE, CODE, b"x = 2\n")), cache, results, all_layers=True)
    assert len(results.put_keys) == 2
