"""The layer cache: whole entries or none, bounded, in good company with other processes."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from lading.image import cache as cache_module
from lading.image.cache import LayerCache

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO, THREE = (f"sha256:{digit * 64}" for digit in "123")


@pytest.fixture
def cache(tmp_path: Path) -> LayerCache:
    return LayerCache(tmp_path, "v1")


def entries(path: Path) -> list[Path]:
    return sorted(path.glob("*/*"))


def test_what_was_put_comes_back(cache: LayerCache, tmp_path: Path) -> None:
    assert cache.get(ONE) is None
    cache.put(ONE, {"name": "caf\udce9 é", "list": [1, None, {"a": 1.5}]})
    assert cache.get(ONE) == {"name": "caf\udce9 é", "list": [1, None, {"a": 1.5}]}
    assert cache.get(TWO) is None
    cache.put(ONE, {"again": True})
    assert cache.get(ONE) == {"again": True}
    assert len(entries(tmp_path)) == 1


def test_a_text_comes_back_and_is_no_findings(cache: LayerCache, tmp_path: Path) -> None:
    assert cache.get_text(ONE) is None
    for text in ("", "caf\udce9 é\n", "[]"):
        cache.put_text(ONE, text)
        assert cache.get_text(ONE) == text
    assert cache.get(ONE) is None
    assert entries(tmp_path) == []  # it does not check out as what was asked for
    cache.put_text(ONE, "text")
    entries(tmp_path)[0].write_bytes(b"damaged")
    assert cache.get_text(ONE) is None
    assert entries(tmp_path) == []


def test_versions_do_not_see_each_other(tmp_path: Path) -> None:
    LayerCache(tmp_path, "v1").put(ONE, {"from": 1})
    assert LayerCache(tmp_path, "v2").get(ONE) is None
    LayerCache(tmp_path, "v2").put(ONE, {"from": 2})
    assert LayerCache(tmp_path, "v1").get(ONE) == {"from": 1}


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "other", "zeros"])
def test_damaged_entries_are_ignored_and_removed(
    cache: LayerCache, tmp_path: Path, damage: str
) -> None:
    cache.put(ONE, {"a": list(range(100))})
    (path,) = entries(tmp_path)
    content = bytearray(path.read_bytes())
    if damage == "truncate":
        del content[-5:]
    elif damage == "flip":
        content[60] ^= 1
    elif damage == "empty":
        content.clear()
    elif damage == "other":
        content[:] = b'{"a": 1}'
    else:
        content[:] = bytes(len(content))
    path.write_bytes(content)
    assert cache.get(ONE) is None
    assert not path.exists()


def test_a_checksum_does_not_make_it_an_object(cache: LayerCache, tmp_path: Path) -> None:
    cache.put(ONE, {})
    (path,) = entries(tmp_path)
    for wrong in ("[1]", '"x"'):
        body = zlib.compress(wrong.encode())
        path.write_bytes(cache_module._MAGIC + hashlib.sha256(body).digest() + body)
        assert cache.get(ONE) is None


@pytest.mark.parametrize(
    "value",
    [{}, {"a": []}, {"é": [1, {"b": [None]}], "c": {}, "d": ["x"]}, {"n": 1, "t": [[], []]}],
)
def test_the_pieces_are_the_document(value: dict[str, Any]) -> None:
    text = "".join(cache_module._pieces(value))

    assert text == json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize("name", ["", "dir", "sha256:12", "sha256:" + "A" * 64, "../../etc/passwd"])
def test_only_diff_ids_are_kept(cache: LayerCache, tmp_path: Path, name: str) -> None:
    cache.put(name, {"a": 1})
    assert cache.get(name) is None
    assert entries(tmp_path) == []


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    blob = {"random": os.urandom(30_000).hex()}
    cache = LayerCache(tmp_path, "v1", bound=100_000)
    for at, diff_id in enumerate((ONE, TWO)):
        cache.put(diff_id, blob)
        os.utime(tmp_path / entries(tmp_path)[at], (at, at))
    assert cache.get(ONE) == blob  # used now
    cache.put(THREE, blob)
    assert cache.get(TWO) is None
    assert cache.get(ONE) == cache.get(THREE) == blob
    assert sum(path.stat().st_size for path in entries(tmp_path)) <= 100_000


def test_who_is_waited_for_sweeps_beforehand(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path, "v1", bound=100_000, sweeps=False)
    for at, diff_id in enumerate((ONE, TWO, THREE)):
        cache.put(diff_id, {"random": os.urandom(30_000).hex()})
        (path,) = (one for one in entries(tmp_path) if diff_id[-64:] in one.name)
        os.utime(path, (at, at))
    assert len(entries(tmp_path)) == 3
    cache.sweep()
    assert cache.get(ONE) is None
    assert cache.get(THREE)
    assert sum(path.stat().st_size for path in entries(tmp_path)) <= 100_000


def test_old_versions_and_leftovers_count_and_go(tmp_path: Path) -> None:
    LayerCache(tmp_path, "old", bound=100_000).put(ONE, {"r": os.urandom(25_000).hex()})
    for path in entries(tmp_path):
        os.utime(path, (1, 1))
    leftover = entries(tmp_path)[0].parent / ".abc.tmp"
    leftover.write_bytes(bytes(50_000))
    os.utime(leftover, (2, 2))
    cache = LayerCache(tmp_path, "new", bound=100_000)
    cache.put(ONE, {"r": os.urandom(25_000).hex()})
    cache.put(TWO, {"r": os.urandom(25_000).hex()})
    assert not leftover.exists()
    assert LayerCache(tmp_path, "old").get(ONE) is None
    assert cache.get(ONE)
    assert cache.get(TWO)


def test_an_entry_larger_than_the_bound_is_not_kept(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path, "v1", bound=1000)
    cache.put(ONE, {"r": os.urandom(2000).hex()})
    assert cache.get(ONE) is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = LayerCache(tmp_path / "file" / "below", "v1")
    cache.put(ONE, {})
    assert cache.get(ONE) is None


def test_a_failed_write_leaves_nothing(cache: LayerCache, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))  # as on a disk that gets full
    try:
        cache.put(ONE, {"a": 1})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert cache.get(ONE) is None
    assert entries(tmp_path) == []
    cache.put(ONE, {"a": 1})
    assert cache.get(ONE) == {"a": 1}


def test_the_default_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    LayerCache(None, "v").put(ONE, {"a": 1})
    assert (tmp_path / "lading" / "layers").is_dir()


_WORKER = """
import os, sys
from pathlib import Path
from typing import Any
from lading.image.cache import LayerCache
cache = LayerCache(Path(sys.argv[1]), "v1", bound=60_000)
ids = [f"sha256:{d * 64}" for d in "12345678"]
for n in range(60):
    diff_id = ids[(n * int(sys.argv[2])) % 8]
    found = cache.get(diff_id)
    if found is not None:
        assert found["id"] == diff_id and len(found["r"]) == 10_000, found
    cache.put(diff_id, {"id": diff_id, "r": os.urandom(5000).hex()})
"""


def test_processes_that_write_the_same_entries(tmp_path: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", _WORKER, str(tmp_path), step]) for step in "13"
    ]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert not list(tmp_path.glob("*/.*"))
    assert sum(path.stat().st_size for path in entries(tmp_path)) <= 75_000
    assert time.time() - max(path.stat().st_mtime for path in entries(tmp_path)) < 60


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_has_no_word_for_is_not_kept(tmp_path: Path, value: float) -> None:
    cache = LayerCache(tmp_path, "1")
    cache.put("sha256:" + "0" * 64, {"fact": value})
    assert cache.get("sha256:" + "0" * 64) is None
