"""Files of distributions that are not as they were installed."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from lading.image.interface import EntryKind
from lading.inventory import Level
from lading.limits import Limits
from lading.packages import verify
from lading.usecases.inspect import inspect_image
from support.images_in_memory import Change, MemoryImage
from support.packages_fixtures import SITE, dist_info, record_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.inventory import Finding

CODE = b"def f():\n    return 1\n"
OTHER = b"def f():\n    return 2\n"


def installed(
    files: Mapping[str, bytes], site: str = SITE, prefix: str = "", more: tuple[str, ...] = ()
) -> list[Change]:
    """Return a layer with a distribution whose RECORD lists ``files`` as they are."""
    rows = [*(record_row(prefix + name, content) for name, content in files.items()), *more]
    own = dist_info("demo", "1.0", site=site, record=rows)
    return [
        *(Change(EntryKind.FILE, f"{site}/{name}", content) for name, content in files.items()),
        *(Change(EntryKind.FILE, file.path, file.content) for file in own),
    ]


def file(name: str, content: bytes, site: str = SITE) -> Change:
    return Change(EntryKind.FILE, f"{site}/{name}", content)


def told(*layers: list[Change]) -> list[Finding]:
    image = MemoryImage({f"sha256:{number:064}": layer for number, layer in enumerate(layers)})
    found = inspect_image(image, "svc:1", find_syft=pytest.fail)
    assert [package.name for package in found.packages] == ["demo"]
    return [one for one in found.findings if one.id.startswith("python-")]


def test_files_as_they_were_installed_are_no_finding() -> None:
    files = {"demo/__init__.py": b"", "demo/a.py": CODE, "demo/data.bin": bytes(2_000_000)}
    more = ("demo/__pycache__/a.cpython-311.pyc,,", "../../../bin/demo,sha256=" + "A" * 43 + ",9")
    assert told(installed(files, more=more)) == []


@pytest.mark.parametrize("content", [OTHER, CODE + b"#"])
def test_a_file_changed_in_the_layer_of_its_installation(content: bytes) -> None:
    layer = installed({"demo/a.py": CODE, "demo/b.py": CODE})
    layer[0] = file("demo/a.py", content)
    (finding,) = told(layer)
    assert (finding.id, finding.level) == ("python-file-changed", Level.WARNING)
    assert finding.path == f"{SITE}/demo/a.py"
    assert hashlib.sha256(content).hexdigest() in finding.message
    assert hashlib.sha256(CODE).hexdigest() in finding.message


def test_a_file_changed_by_a_later_layer_is_told_with_that_layer() -> None:
    base = installed({"demo/a.py": CODE, "demo/b.py": CODE})
    again = [file("demo/b.py", CODE), file("demo/own.py", OTHER)]
    (finding,) = told(base, [file("demo/a.py", OTHER)], again)
    assert (finding.path, finding.layer) == (f"{SITE}/demo/a.py", "sha256:" + "1".zfill(64))


def test_a_change_that_a_later_layer_takes_back_is_none() -> None:
    base = installed({"demo/a.py": CODE})
    base[0] = file("demo/a.py", OTHER)
    assert told(base, [file("demo/a.py", CODE)]) == []


def test_a_large_file_is_compared_by_its_size() -> None:
    layer = installed({"demo/lib.so": bytes(2_000_000)})
    layer[0] = file("demo/lib.so", bytes(2_000_001))
    (finding,) = told(layer)
    assert "2000001 bytes, RECORD has 2000000" in finding.message


def test_a_large_model_is_compared_by_its_digest() -> None:
    header = b'{"a":{"dtype":"U8","shape":[2000000],"data_offsets":[0,2000000]}}'
    head = len(header).to_bytes(8, "little") + header
    layer = installed({"demo/a.safetensors": head + bytes(2_000_000)})
    layer[0] = file("demo/a.safetensors", head + b"x" + bytes(1_999_999))
    (finding,) = told(layer)
    assert "SHA-256 is" in finding.message


@pytest.mark.parametrize(
    "above",
    [
        [Change(EntryKind.WHITEOUT, f"{SITE}/demo/a.py")],
        [Change(EntryKind.OPAQUE, f"{SITE}/demo")],
        None,
    ],
    ids=["whiteout", "opaque", "never there"],
)
def test_files_that_are_gone(above: list[Change] | None) -> None:
    base = installed({"demo/a.py": CODE, "b.py": CODE})
    layers = [base[1:]] if above is None else [base, above]
    (finding,) = told(*layers)
    assert (finding.id, finding.level) == ("python-files-missing", Level.NOTE)
    assert finding.message == f"1 installed files are gone, e.g. {SITE}/demo/a.py"


def test_links_and_files_of_other_layers_are_not_gone() -> None:
    base = installed({"demo/a.py": CODE, "demo/b.py": CODE})
    link = Change(EntryKind.SYMLINK, f"{SITE}/demo/a.py", target="../../real/a.py")
    hard = Change(EntryKind.HARDLINK, f"{SITE}/demo/b.py", target="opt/uv/b.py")
    assert told([link, hard, *base[2:]]) == []
    assert told(base[:1], base[1:]) == []


def test_pip_install_target() -> None:
    """Its RECORD names scripts as if they lay two directories above."""
    site = "srv/deps"
    rows = (record_row("../../bin/demo", CODE), record_row("../../share/demo/x", CODE))
    layer = installed({"demo/a.py": CODE}, site, more=rows)
    layer += [file("bin/demo", CODE, site), file("share/demo/x", CODE, site)]
    assert told(layer) == []
    (finding,) = told(layer, [file("demo/a.py", OTHER, site)])
    assert finding.path == "srv/deps/demo/a.py"
    vendored = installed({"demo/a.py": CODE}, f"{SITE}/host/_vendor", more=rows[:1])
    assert told(vendored) == []
    at_root = [Change(one.kind, one.path.removeprefix("srv/deps/"), one.content) for one in layer]
    assert told(at_root) == []


def test_many_changes_are_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "LIMITS", Limits(findings_per_file=2))
    layer = installed({f"demo/{name}.py": CODE for name in "abcd"})
    changed = [Change(one.kind, one.path, OTHER) for one in layer[:4]]
    findings = told([*changed, *layer[4:]])
    assert len(findings) == 3
    assert any("4 files changed" in one.message for one in findings)


def test_more_files_than_anybody_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "LIMITS", Limits(record_files=3))
    layer = installed({f"demo/{name}.py": CODE for name in "abcd"})
    (finding,) = told(layer)
    assert finding.id == "python-files-not-compared"


def test_what_is_kept_of_a_layer_is_read_again() -> None:
    ledger = verify.Ledger()
    digest = hashlib.sha256(CODE).digest()
    for path in ("a.py", f"{SITE}/x/a.py", f"{SITE}/x/b\udcff.py"):
        ledger.add(path, 3, digest)
    ledger.add(f"{SITE}/x/a.py", 2_000_000, b"")  # a later entry of that name counts
    written = ledger.settle((), lambda _: True).written
    again = verify.Written.from_json(json.loads(json.dumps(written.to_json())))
    for one in (written, again):
        assert sorted(set(one)) == ["a.py", f"{SITE}/x/a.py", f"{SITE}/x/b\udcff.py"]
        assert one.get("a.py") == verify.Trace(3, digest.hex())
        assert one.get(f"{SITE}/x/a.py") == verify.Trace(2_000_000, "")
        assert one.get(f"{SITE}/x/c.py") is None
        assert one.get("x") is None


@pytest.mark.parametrize("kept", [("a/b/", [1], ""), ("a/", [1], "00"), ("a/", [], "")])
def test_what_was_kept_in_another_shape_is_refused(kept: tuple[str, list[int], str]) -> None:
    with pytest.raises(ValueError, match="names without"):
        verify.Written.from_json({"x": kept})


def test_many_files_take_little_memory() -> None:
    """A layer of nothing but files that no RECORD lists."""
    tracemalloc.start()
    try:
        ledger = verify.Ledger()
        for number in range(60_000):
            ledger.add(f"{SITE}/p{number // 500}/f{number}.py", 6, b"\1" * 32)
        traces = ledger.settle((), lambda _: True)
        assert tracemalloc.get_traced_memory()[1] < 60_000 * 150
    finally:
        tracemalloc.stop()
    assert traces.written.get(f"{SITE}/p3/f1500.py") is not None
