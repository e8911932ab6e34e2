"""Images that were made to exhaust or mislead, in whole processes: bounded, and never a crash."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from lading_oci.digest import digest_of
from support.image_stores import tar_of
from support.image_tars import END, entry, header
from support.peak import run_lading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.peak import Ran

MIB = 1024 * 1024


def inspect(target: str, scratch: Path, *, seconds: float = 300) -> Ran:
    """Inspect in a process that may write into one directory, which is empty afterwards."""
    temporary = scratch / "tmp"
    temporary.mkdir()
    ran = run_lading("inspect", target, "--json", scratch=scratch, seconds=seconds)
    assert "Traceback" not in ran.err, ran.err
    assert not list(temporary.iterdir())
    return ran


def save(path: Path, layer: Path, diff_id: str) -> str:
    """Write a docker archive of one layer, as it is stored, without reading it into memory."""
    rootfs = {"type": "layers", "diff_ids": [diff_id]}
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": rootfs}).encode()
    manifest = json.dumps([{"Config": "c.json", "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(path, "w") as tar:
        tar.add(layer, "layer.tar")
        for name, content in {"c.json": config, "manifest.json": manifest}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return f"docker-archive:{path}"


def pack(path: Path, pieces: Iterator[bytes], kind: str) -> str:
    """Write a compressed layer piece by piece; return its diff ID."""
    digest = hashlib.sha256()
    engine: Any = (
        zstandard.ZstdCompressor().compressobj()
        if kind == "zstd"
        else zlib.compressobj(6, wbits=31)
    )
    with path.open("wb") as file:
        for piece in pieces:
            digest.update(piece)
            file.write(engine.compress(piece))
        file.write(engine.flush())
    return f"sha256:{digest.hexdigest()}"


def zeros(size: int) -> Iterator[bytes]:
    yield header(b"zeros.bin", size=size)
    for _ in range(size // MIB):
        yield bytes(MIB)
    yield END


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_compression_bomb(kind: str, tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    diff_id = pack(layer, zeros(512 * MIB), kind)
    ran = inspect(save(tmp_path / "a.tar", layer, diff_id), tmp_path)
    # gzip cannot reach the bound on the ratio, and is read to its end in little memory
    assert ran.status == (0 if kind == "gzip" else 22), ran.err
    assert ran.memory < 150 * MIB
    if kind == "zstd":
        assert "out of all proportion" in ran.err


def test_a_compressed_archive_within_a_compressed_archive(tmp_path: Path) -> None:
    """An archive, compressed, of a layer, compressed twice: the second time is no compression."""
    inner = gzip.compress(gzip.compress(tar_of({"a": b"1"})))
    layer = tmp_path / "layer"
    layer.write_bytes(inner)
    save(tmp_path / "a.tar", layer, digest_of(gzip.decompress(inner)))
    (tmp_path / "b.tar.gz").write_bytes(gzip.compress((tmp_path / "a.tar").read_bytes()))
    assert inspect(f"docker-archive:{tmp_path}/b.tar.gz", tmp_path).status == 22


def test_a_sparse_model_of_gigabytes_in_a_directory(tmp_path: Path) -> None:
    """Holes are bytes like others, and take no memory; a header that lies is never believed."""
    root = tmp_path / "root"
    root.mkdir()
    with (root / "model.safetensors").open("wb") as file:
        file.write((1 << 40).to_bytes(8, "little") + b'{"w":')
        file.truncate(2048 * MIB)
    ran = inspect(f"dir:{root}", tmp_path)
    assert ran.memory < 150 * MIB
    assert ran.status == 0, ran.err
    assert [model["safety"]["verdict"] for model in ran.json()["models"]] != ["safe"]


def test_a_sparse_model_of_100_gb_in_a_tar(tmp_path: Path) -> None:
    """Terabytes out of nothing are refused, not expanded."""
    block = bytearray(header(b"model.safetensors", flag=b"S", size=512))
    block[386:410] = b"%011o\0%011o\0" % (0, 512)
    block[483:495] = b"\x80" + (100 << 30).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    content = bytes(block) + b"x" * 512 + END
    layer = tmp_path / "layer"
    layer.write_bytes(content)
    ran = inspect(save(tmp_path / "a.tar", layer, digest_of(content)), tmp_path)
    assert ran.status == 22
    assert "proportion" in ran.err


def test_paths_that_lead_out_write_nothing(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    names = [b"../" * 20 + os.fsencode(outside).lstrip(b"/"), os.fsencode(outside)]
    site = b"/x/usr/lib/python3/dist-packages/a-1.dist-info/METADATA"
    status = b"/../../var/lib/dpkg/status"
    content = b"".join(
        [
            header(b"var/lib/dpkg", flag=b"2", link=os.fsencode(tmp_path)),
            *(
                entry(name[:90] + site[-90:], b"Name: a\nVersion: 1\n")
                for name in names
                if len(name) < 99
            ),
            entry(status, b"Package: a\nStatus: install ok installed\nVersion: 1\n\n"),
            END,
        ]
    )
    layer = tmp_path / "layer"
    layer.write_bytes(content)
    before = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    ran = inspect(save(tmp_path / "a.tar", layer, digest_of(content)), tmp_path)
    assert ran.status in {0, 22}
    after = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    assert after - before == {tmp_path / "a.tar", tmp_path / "tmp"}


@pytest.mark.interop
def test_a_million_tiny_files(tmp_path: Path) -> None:
    """In one process, in memory that holds their names and hardly more."""

    def files() -> Iterator[bytes]:
        for directory in range(1000):
            yield b"".join(
                entry(b"srv/%d/%d.py" % (directory, number), b"x") for number in range(1000)
            )
        yield END

    layer = tmp_path / "layer"
    diff_id = pack(layer, files(), "zstd")
    ran = inspect(save(tmp_path / "a.tar", layer, diff_id), tmp_path, seconds=600)
    assert ran.status == 0, ran.err
    assert ran.json()["layers"][0]["size"] == 1_000_000
    assert ran.memory < 300 * MIB
