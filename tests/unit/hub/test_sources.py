"""The catalogue of a store: hints order the work, and a flood of lists is a no."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest import keys
from lading.attest.signers.key import KeySigner
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import LimitError, VerificationError
from lading.hub import Listed, Scope, Source, open_source, parse_target
from lading.hub.streams import RawStream
from lading.inventory import ImageFacts, Inspection, Model, ModelFile, Platform, Role
from lading.limits import LIMITS
from lading.usecases import attest_source as use_case
from lading.usecases import sources
from lading.usecases.attest_source import attest_source
from lading.usecases.match import load_attested
from lading_oci import Layout

if TYPE_CHECKING:
    from pathlib import Path

KEY = keys.load_private(keys.generate().private_pem)


class Counting(Layout):
    """A layout that counts the blobs that are read."""

    read = 0

    def read_blob(self, *given: object, **named: object) -> bytes:
        self.read += 1
        return super().read_blob(*given, **named)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Counting:
    return Counting(tmp_path / "store")


def _attest(store: Layout, directory: Path, name: str, count: int) -> str:
    place = directory / name
    place.mkdir()
    for at in range(count):
        (place / f"{at}.bin").write_text(f"{name}{at}")
    with open_source(parse_target(f"dir:{place}")) as source:
        attest_source(
            source, scope=Scope(), signer=KeySigner(KEY), store=store, progress=lambda _n: None
        )
    return hashlib.sha256(f"{name}0".encode()).hexdigest()


def _image(sha256: str) -> Inspection:
    model = Model("m", "x", (ModelFile("m", 1, sha256, Role.WEIGHTS),))
    facts = ImageFacts("x", Platform("linux", "amd64"), "sha256:0", ())
    return Inspection("x", facts, (model,))


def test_only_lists_that_may_have_a_file_are_read(store: Counting, tmp_path: Path) -> None:
    small = [_attest(store, tmp_path, f"small{at}", 3) for at in range(4)]
    large = _attest(store, tmp_path, "large", 80)  # too many files for hints: always read
    verifier = KeyVerifier([KEY.public_key()])
    store.read = 0

    found = load_attested([_image(small[2])], [store], verifier)

    assert small[2] in found.by_file
    assert large in found.by_file
    assert small[1] not in found.by_file
    assert store.read == 2


def test_a_flood_is_a_no(store: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = [_attest(store, tmp_path, f"m{at}", 1) for at in range(3)]
    bounds = dataclasses.replace(LIMITS, catalogue=2)
    monkeypatch.setattr(sources, "LIMITS", bounds)

    with pytest.raises(VerificationError) as refused:
        load_attested([_image(digests[0])], [store], KeyVerifier([KEY.public_key()]))

    assert refused.value.code == "limit"


def test_a_store_that_is_not_there_has_no_lists(store: Counting) -> None:
    assert load_attested([_image("0" * 64)], [store], KeyVerifier([KEY.public_key()])).by_file == {}


def test_too_many_files_are_refused_before_any_is_read(tmp_path: Path) -> None:
    def unread() -> Any:
        raise AssertionError("it was opened")

    files = tuple(Listed(f"{at:06}.jpg", 1, open=unread) for at in range(80_000))
    source = Source("many", "dir:many", files)

    with pytest.raises(LimitError, match="too many files"):
        attest_source(
            source,
            scope=Scope(),
            signer=KeySigner(KEY),
            store=Layout(tmp_path / "store"),
            progress=lambda _n: None,
        )


def test_the_estimate_of_a_lists_size_is_a_little_high(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too low would waste hours of reading; far too high would refuse what could be signed."""
    content = partial(contextlib.nullcontext, RawStream("x", 0, io.BytesIO()))
    files = tuple(Listed(f"{at:06}.jpg", 0, open=content) for at in range(2_000))
    source = Source("many", "dir:many", files)

    def attest() -> int:
        store = Layout(tmp_path / "store")
        named = {"scope": Scope(), "signer": KeySigner(KEY), "store": store}
        return len(attest_source(source, **named, progress=lambda _n: None).bundle)  # type: ignore[arg-type]

    size = attest()
    for bound, fits in ((size, False), (round(1.15 * size), True)):
        monkeypatch.setattr(use_case, "LIMITS", dataclasses.replace(LIMITS, bundle=bound))
        with contextlib.nullcontext() if fits else pytest.raises(LimitError):
            attest()
