"""Model and data files written byte by byte, after their formats' descriptions.

For formats whose libraries are too heavy for the tests, and for files that no library writes.
"""

from __future__ import annotations

import io
import struct
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def varint(number: int) -> bytes:
    """Encode a protobuf varint; negative numbers take ten bytes."""
    number &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, value: int | bytes | str) -> bytes:
    """Encode one protobuf field: an integer as varint, anything else with its length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def node(name: str, operation: str, *attributes: bytes) -> bytes:
    """Encode a TensorFlow NodeDef."""
    return field(1, name) + field(2, operation) + b"".join(attributes)


def tensor_attribute(shape: Sequence[int], kind: int = 1) -> bytes:
    """Encode the attribute ``value`` of a Const node."""
    dimensions = b"".join(field(2, field(1, extent)) for extent in shape)
    tensor = field(1, kind) + field(2, dimensions)
    return field(5, field(1, "value") + field(2, field(8, tensor)))


def graph(*operations: str) -> bytes:
    """Encode a frozen graph: an input, a 4 by 3 constant, and nodes of these operations."""
    nodes = [node("x", "Placeholder"), node("w", "Const", tensor_attribute((4, 3)))]
    nodes += [node(f"n{i}", one) for i, one in enumerate(operations)]
    return b"".join(field(1, one) for one in nodes)


def saved_model(*operations: str, functions: Iterable[str] = ()) -> bytes:
    """Encode a SavedModel whose graph, and whose functions, have these operations."""
    known = field(2, b"".join(field(1, field(1, one)) for one in ("AddV2", "Const", "MatMul")))
    meta = known + field(4, "serve") + field(5, "2.15.0")
    library = b"".join(
        field(1, field(1, field(1, f"f{i}")) + field(3, node("n", one)))
        for i, one in enumerate(functions)
    )
    body = graph(*operations) + (field(2, library) if library else b"")
    signature = field(5, field(1, "serving_default") + field(2, b""))
    return field(1, 1) + field(2, field(1, meta) + field(2, body) + signature)


def bundle(variables: Mapping[str, tuple[int, Sequence[int]]], shards: int = 1) -> bytes:
    """Encode the index of a TensorFlow checkpoint: name → (type, shape); one block."""
    header = field(1, shards) + field(3, field(1, 1))
    entries = [(b"", header)]
    for name in sorted(variables):
        kind, shape = variables[name]
        dimensions = b"".join(field(2, field(1, extent)) for extent in shape)
        entries.append((name.encode(), field(1, kind) + field(2, dimensions)))
    data = _block(entries)
    out = data + b"\x00" + bytes(4)
    index_at = len(out)
    index = _block([(b"~", varint(0) + varint(len(data)))])
    out += index + b"\x00" + bytes(4)
    footer = varint(0) + varint(0) + varint(index_at) + varint(len(index))
    return out + footer.ljust(40, b"\x00") + bytes.fromhex("57fb808b247547db")


def _block(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    out = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in entries
    )
    return out + struct.pack("<II", 0, 1)


def coreml(kind: int = 500, name: str = "x", version: int = 4) -> bytes:
    """Encode a Core ML model of one kind with one input and one output."""
    feature = field(1, name) + field(3, field(5, b""))
    metadata = field(1, "Adds one.") + field(3, "acme") + field(4, "MIT")
    description = field(1, feature) + field(10, feature) + field(100, metadata)
    return field(1, version) + field(2, description) + field(kind, b"")


def paddle_program(version: int = 2_004_001) -> bytes:
    """Encode a Paddle ProgramDesc of one block with one variable."""
    variable = field(1, "feed") + field(2, field(1, 9))
    block = field(1, 0) + field(2, -1) + field(3, variable)
    return field(1, block) + field(4, field(1, version))


def paddle_params(*shapes: Sequence[int]) -> bytes:
    """Encode Paddle's float32 tensors in a row."""
    out = b""
    for shape in shapes:
        description = field(1, 5) + b"".join(field(2, extent) for extent in shape)
        out += struct.pack("<IQIi", 0, 0, 0, len(description)) + description
        out += bytes(4 * _product(shape))
    return out


def mxnet_params(*shapes: Sequence[int]) -> bytes:
    """Encode MXNet's list of float32 arrays."""
    out = struct.pack("<QQQ", 0x112, 0, len(shapes))
    for shape in shapes:
        out += struct.pack("<IiI", 0xF993FAC9, 0, len(shape))
        out += struct.pack(f"<{len(shape)}q", *shape) + struct.pack("<iii", 1, 0, 0)
        out += bytes(4 * _product(shape))
    names = [f"arg:w{i}".encode() for i in range(len(shapes))]
    out += struct.pack("<Q", len(names))
    return out + b"".join(struct.pack("<Q", len(one)) + one for one in names)


def _product(shape: Sequence[int]) -> int:
    product = 1
    for extent in shape:
        product *= extent
    return product


def fasttext(*, model: int = 3, words: int = 10, labels: int = 2, dimensions: int = 16) -> bytes:
    """Encode the header of a fastText model."""
    arguments = (dimensions, 5, 5, 1, 5, 1, 3, model, 100, 0, 0, 100)
    out = struct.pack("<i", 793_712_314) + struct.pack("<i12id", 12, *arguments, 1e-4)
    return out + struct.pack("<iii", words + labels, words, labels) + bytes(64)


def tensorrt(magic: bytes = b"ftrt", metadata: bytes = b"") -> bytes:
    """Encode the header of an engine, with an exporter's text before it."""
    header = magic + bytes(4) + struct.pack("<IIQ", 239, 0, 100) + bytes((10, 3, 0, 26))
    prefix = struct.pack("<I", len(metadata)) + metadata if metadata else b""
    return prefix + header.ljust(32, b"\x00") + bytes(100)


def crc32c(data: bytes) -> int:
    """Compute CRC-32C bit by bit, as RFC 3720 describes it."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFF_FFFF


def tfrecord(*records: bytes) -> bytes:
    """Encode TensorFlow's records."""

    def masked(data: bytes) -> bytes:
        crc = crc32c(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFF_FFFF)

    out = b""
    for record in records:
        length = struct.pack("<Q", len(record))
        out += length + masked(length) + record + masked(record)
    return out


def tar(members: Iterable[tuple[str, bytes]], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """Return a tar with these members in this order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def lfs_pointer(sha256: str = "ab" * 32, size: int = 12_345) -> bytes:
    """Return what stands in a checkout for a file that Git LFS has not fetched."""
    head = "version https://git-lfs.github.com/spec/v1"
    return f"{head}\noid sha256:{sha256}\nsize {size}\n".encode()
