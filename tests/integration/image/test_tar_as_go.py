"""Tars of every odd kind, read by Go's ``archive/tar`` and by lading: entries agree, or it refuses.

What Go refuses no engine unpacks; what lading refuses nobody is told about. In between, the same
names must stand for the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from lading.errors import LadingError
from lading.image.interface import EntryKind
from lading.image.paths import normalise
from lading.image.tar import TarReader
from support.image_tars import END, entry, header, record

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
package main

import ("archive/tar"; "crypto/sha256"; "encoding/hex"; "encoding/json"; "io"; "os")

func main() {
	answers := [][]string{}
	reader := tar.NewReader(os.Stdin)
	for {
		found, err := reader.Next()
		if err == io.EOF { break }
		if err != nil { os.Exit(1) }
		sum := sha256.New()
		if _, err := io.Copy(sum, reader); err != nil { os.Exit(1) }
		name := hex.EncodeToString([]byte(found.Name))
		link := hex.EncodeToString([]byte(found.Linkname))
		kind, digest := string(rune(found.Typeflag)), hex.EncodeToString(sum.Sum(nil))
		answers = append(answers, []string{kind, name, link, digest})
	}
	json.NewEncoder(os.Stdout).Encode(answers)
}
"""
KINDS = {
    "0": "file", "S": "file", "1": "hardlink", "2": "symlink", "5": "directory",
    "3": "other", "4": "other", "6": "other",
}  # fmt: skip
NAMES = (b"a", b"b/c", b"./d", b"/e", b"x/", b"a/../b", b"\xff", b"n" * 100, b"m.pkl", b"a\0b")
VALUES = {
    b"path": (b"p/q", b"", b"q/", b"\xff\xfe"),
    b"linkpath": (b"p/q", b""),
    b"size": (b"0", b"5", b"700", b""),
    b"GNU.sparse.name": (b"other.py", b"", b"q/"),
    b"GNU.sparse.major": (b"0", b"1", b"", b"2"),
    b"GNU.sparse.minor": (b"0", b"1", b"", b"2"),
    b"GNU.sparse.map": (b"0,5", b"", b"0,2,10,3"),
    b"GNU.sparse.numblocks": (b"0", b"1", b"2"),
    b"GNU.sparse.size": (b"5", b"20", b""),
    b"GNU.sparse.realsize": (b"5", b"20"),
    b"comment": (b"x",),
}
PREFIXES = (b"", b"", b"", b"pre", b"p" * 131, b"p" * 155, b"00000000000", "prä".encode())
MAGICS = (b"ustar\x0000", b"ustar\x0000", b"ustar  \0", b"", b"ustar\x00  ")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        pytest.skip("there is no Go here")
    place = tmp_path_factory.mktemp("go")
    (place / "main.go").write_text(PROGRAM, encoding="utf-8")
    environment = {**os.environ, "GO111MODULE": "off", "GOFLAGS": ""}
    subprocess.run(
        [go, "build", "-o", "read", "main.go"], cwd=place, env=environment, check=True, timeout=300
    )
    return place / "read"


def odd_tar(choose: random.Random) -> bytes:
    """Return one or two entries, each behind extended headers, and one that is as usual."""
    parts = [_odd_entry(choose) for _ in range(choose.randint(1, 2))]
    return b"".join(parts) + entry(b"last", b"end") + END


def _odd_entry(choose: random.Random) -> bytes:
    parts = []
    for _ in range(choose.choice((0, 1, 1, 2))):
        flag = choose.choice((b"L", b"K", b"x", b"x", b"x", b"g"))
        keys = choose.choices(list(VALUES), k=choose.randint(0, 4))
        records = b"".join(record(key, choose.choice(VALUES[key])) for key in keys)
        long = choose.choice((b"long" + b"z" * 150 + b"\0", b"short\0", b"", b"q/", b"./l"))
        parts.append(entry(b"@", records if flag in (b"x", b"g") else long, flag=flag))
    content = choose.randbytes(choose.choice((0, 5, 20, 512, 700)))
    flag = choose.choice((b"0", b"0", b"0", b"\0", b"1", b"2", b"5", b"6"))
    block = header(
        choose.choice(NAMES),
        size=len(content),
        flag=flag,
        link=choose.choice((b"", b"a", b"../t")),
        magic=choose.choice(MAGICS),
        prefix=choose.choice(PREFIXES),
        rest={508: b"tar\0"} if choose.random() < 0.1 else {},
    )
    has_data = flag in (b"0", b"\0")
    return b"".join(parts) + block + (content + bytes(-len(content) % 512) if has_data else b"")


def by_lading(content: bytes) -> list[tuple[str, str, str, str]] | None:
    found = []
    try:
        for one in TarReader(io.BytesIO(content), where="t"):
            data = one.read() if one.kind is EntryKind.FILE else b""
            found.append((one.kind.value, one.path, one.target, hashlib.sha256(data).hexdigest()))
    except LadingError:
        return None
    return found


def by_go(program: Path, content: bytes) -> list[tuple[str, str, str, str]] | None:
    ran = subprocess.run([program], input=content, capture_output=True, check=False, timeout=60)
    if ran.returncode:
        return None
    found = []
    answers: list[list[Any]] = json.loads(ran.stdout)
    for flag, name, link, digest in answers:
        path = normalise(bytes.fromhex(name).decode("utf-8", "surrogateescape"))
        target = bytes.fromhex(link).decode("utf-8", "surrogateescape")
        kind = KINDS.get(flag)
        if kind is None or (kind == "directory" and not path):
            continue  # a global header; the root
        target = {"hardlink": normalise(target), "symlink": target}.get(kind, "")
        found.append((kind, path, target, digest))
    return found


def test_names_and_bytes_are_those_that_go_finds(program: Path) -> None:
    choose = random.Random(20261127)
    compared = 0
    for _ in range(1500):
        content = odd_tar(choose)
        mine = by_lading(content)
        theirs = None if mine is None else by_go(program, content)
        if mine is not None and theirs is not None:
            compared += 1
            assert mine == theirs, content[:2048]
    assert compared > 300
