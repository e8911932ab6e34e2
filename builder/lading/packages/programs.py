"""The few parts of a program that tell which modules or which version it was built from.

syft looks into programs for Go's build information, for Rust's ``cargo auditable`` section, for
the ELF package note, and for version strings of well-known tools. Those parts are a few kilobytes
of files of up to hundreds of megabytes. They are picked out of the stream in one pass and put into
a stand-in (:mod:`lading.packages.standin`) that reads to syft as the program would.

Formats: Go ``debug/buildinfo`` (the inline form, Go 1.18 and newer);
https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md;
https://systemd.io/ELF_PACKAGE_METADATA/.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING

from lading.limits import LIMITS
from lading.packages.standin import SEPARATOR, stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.packages.capture import File

__all__ = ["condense", "may_be_program"]

# fmt: off
_KNOWN = frozenset((
    "arangosh", "auditbeat", "bash", "beam.smp", "bun", "busybox", "cabal", "chrome", "composer",
    "composer.phar", "consul", "curl", "dart", "deno", "elastic-agent", "elixir", "envoy",
    "erlexec", "ffmpeg", "filebeat", "firefox", "fluent-bit", "gcc", "getopt", "ghc", "go",
    "grafana", "grafana-server", "gzip", "haproxy", "heartbeat", "helm", "httpd", "java", "jdb",
    "jq", "julia", "ldapsearch", "liberts_internal.a", "lighttpd", "mariadb", "memcached",
    "metricbeat", "mongod", "mysql", "mysqld", "ndb_mgmd", "ndbd", "ndbmtd", "nginx",
    "nginx-ingress-controller", "node", "openssl", "packetbeat", "perl", "pilot-agent",
    "pilot-discovery", "postgres", "proftpd", "redis-server", "ruby", "sqlcipher", "stack",
    "swipl", "traefik", "valkey-server", "vault", "wp", "xtrabackup", "xz", "zstd",
))
# fmt: on
_KNOWN_PATTERN = re.compile(
    r"(?:python|pypy|ghc-?|php|php-fpm|phpdbg)[0-9.]*"
    r"|(?:libpython|libpypy|libjulia|libruby|libphp|libav|libswresample|libkrb5|libQt)[^/]*\.so[^/]*"
    r"|libstd-[0-9a-f]{16}\.so"
)
_KNOWN_STARTS = ("python", "pypy", "ghc", "php", "lib")
_PROGRAM_SUFFIX = re.compile(r"\.(?:[0-9][^.]*|so|bin|out|elf|cgi|node|phar|smp|a)$")

Extent = tuple[int, int]

_WINDOW = 1024 * 1024
_HOLD = 8 * 1024  # bytes kept unscanned at the end of a window, so that no match is cut
_SMALL = 128 * 1024  # a known program up to this size is kept whole
_LEAST = 256 * 1024  # no Go or Rust program is smaller
_AROUND_PAIR = 64
_AROUND_TRIPLE = 1200  # syft's longest pattern looks a thousand bytes to either side of a version

_ELF = b"\x7fELF"
# Known names may also be scripts, PHP archives, PE, Mach-O or static libraries, nothing else.
_FOREIGN = (b"#!", b"<?php", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"!<arch>\n")
_GO_NOTE = b"Go\0\0"
_GO_MAGIC = b"\xff Go buildinf:"
_GO_INLINE = 2
_GO_ALIGN = 16
_GO_BYTES = 4 * 1024 * 1024
_NOTE_KINDS = (b"\x7e\x1a\xfe\xcaFDO\0", b"\xca\xfe\x1a\x7eFDO\0")  # type 0xcafe1a7e, owner
_AUDIT_BYTES = 1024 * 1024
_AUDIT_TEXT = 16 * 1024 * 1024
_SHARED = 3
# Patterns that begin with a literal byte: the regular expression engine then runs at the speed of
# memory (3 GB/s), where a pattern that begins with a class runs at a tenth of it.
_ZLIB_START = re.compile(rb"x[\x01^\x9c\xda]")
_FRACTION = re.compile(rb"\.[0-9]{1,6}(\.[0-9])?")


def _is_known_program(name: str) -> bool:
    """Return whether a file of this name may be one whose version strings syft knows."""
    if name in _KNOWN:
        return True
    return name.startswith(_KNOWN_STARTS) and _KNOWN_PATTERN.fullmatch(name) is not None


def may_be_program(name: str) -> bool:
    """Return whether a file of this name can be a program at all, by its suffix."""
    return "." not in name or ".so." in name or _PROGRAM_SUFFIX.search(name) is not None


def condense(file: File, name: str) -> bytes | None:
    """Return what stands in for a program called ``name``, empty when nothing in it is of use.

    None, with nothing consumed, for what its head shows to be no program or to hold nothing. A
    small program of a known name is kept whole; every other that counts is read to its end. Shared
    libraries, which make up most of a machine-learning image, are only read when they have the
    note in front that Go puts there. A stand-in is at most a little more than
    ``LIMITS.program_texts``.

    Raises:
        InputError: the source ended before the file did.
    """
    known = _is_known_program(name)
    magic = file.peek(8)
    if not magic.startswith(_ELF) and not (known and magic.startswith(_FOREIGN)):
        return None
    if known and file.size <= _SMALL:
        return file.read(file.size)
    head = file.peek(LIMITS.sniff_bytes)
    scan = _Scan(head, known=known)
    if known or _GO_NOTE in head or (file.size >= _LEAST and ".so" not in name):
        _read_through(file, scan)
        return scan.result() or b""
    return scan.result()


def _read_through(file: File, scan: _Scan) -> None:
    buffer = bytearray()
    while True:
        chunk = file.read(_WINDOW)
        buffer += chunk
        scan.window(buffer, last=not chunk)
        if not chunk:
            return


class _Scan:
    """What one pass over a program has found."""

    def __init__(self, head: bytes, *, known: bool) -> None:
        self._known = known
        self._head = head
        self._base = 0  # where the buffer starts in the file
        self._scanned = 0  # offset up to which matches have been looked for
        self._sections: dict[str, bytes] = {}
        self._texts: list[bytearray] = []
        self._text_end = 0  # offset up to which the last text reaches
        self._text_bytes = 0
        self._package_note()

    def window(self, buffer: bytearray, *, last: bool) -> None:
        """Look at what of ``buffer`` was not looked at before, and drop what is done with."""
        start = self._scanned - self._base
        stop = len(buffer) if last else len(buffer) - _HOLD
        if stop <= start:
            return
        if self._is_elf():
            stop = self._modules(buffer, start, stop, last=last)
        if self._known or _GO_NOTE in self._head or ".go.buildinfo" in self._sections:
            self._versions(buffer, start, stop)
        self._scanned = self._base + stop
        drop = max(0, stop - _HOLD)
        del buffer[:drop]
        self._base += drop

    def result(self) -> bytes | None:
        """Return the stand-in, or None when nothing was found."""
        if not self._sections and not (self._known and self._texts):
            return None
        if not self._is_elf():
            return SEPARATOR.join((self._head, *self._texts))
        order = ">" if self._head[5] == 2 else "<"
        kind, machine = struct.unpack_from(f"{order}HH", self._head, 16)
        return stand_in(machine, self._texts, self._sections, library=kind == _SHARED)

    def _is_elf(self) -> bool:
        return self._head.startswith(_ELF) and len(self._head) >= 64

    def _package_note(self) -> None:
        """Keep the note; its header (name size, content size, type) lies before its owner."""
        for order, kind in zip("<>", _NOTE_KINDS, strict=True):
            at = self._head.find(kind) if self._is_elf() else -1
            if at >= 8:
                (length,) = struct.unpack_from(f"{order}I", self._head, at - 4)
                self._sections[".note.package"] = self._head[at - 8 : at + len(kind) + length]

    def _modules(self, buffer: bytearray, start: int, stop: int, *, last: bool) -> int:
        """Keep module lists that begin in the window; return how far it has been looked at.

        One that reaches past the buffer stops the window short, until there is more.
        """
        finders = ((".go.buildinfo", self._go_information), (".dep-v0", _audit_data))
        for name, find in finders:
            if name in self._sections:
                continue
            for at, length in find(buffer, start, stop):
                if at + length > len(buffer) and not last:
                    stop = at
                    break
                content = bytes(buffer[at : at + length])
                self._sections[name] = content if name != ".dep-v0" else _whole_stream(content)
                break
        return stop

    def _go_information(self, buffer: bytearray, start: int, stop: int) -> Iterator[Extent]:
        for at in _matches(buffer, _GO_MAGIC, start, stop):
            length = _go_length(buffer, at)
            if length and (self._base + at) % _GO_ALIGN == 0:
                yield at, length

    def _versions(self, buffer: bytearray, start: int, stop: int) -> None:
        """Keep the surroundings of everything that looks like a version."""
        for found in _FRACTION.finditer(buffer, start, stop):
            at = found.start()
            if at and 48 <= buffer[at - 1] < 58:
                triple = found[1] is not None and self._known
                around = _AROUND_TRIPLE if triple else _AROUND_PAIR
                self._text(buffer, at - around, at + around)

    def _text(self, buffer: bytearray, start: int, stop: int) -> None:
        if self._text_bytes > LIMITS.program_texts:
            return
        fresh = max(start, self._text_end - self._base, 0)
        piece = buffer[fresh:stop]
        if not piece:
            return
        if self._texts and self._base + fresh == self._text_end:
            self._texts[-1] += piece
        else:
            self._texts.append(piece)
        self._text_end = self._base + fresh + len(piece)
        self._text_bytes += len(piece)


def _matches(buffer: bytearray, pattern: bytes, start: int, stop: int) -> Iterator[int]:
    at = buffer.find(pattern, start)
    while 0 <= at < stop:
        yield at
        at = buffer.find(pattern, at + 1)


def _go_length(buffer: bytearray, at: int) -> int:
    """Return the length of Go's build information at ``at``; 0 when it is none we can read.

    It is a header of 32 bytes, then the version and the module list, each after its length.
    """
    header = buffer[at : at + 64]
    if len(header) < 64 or not header[15] & _GO_INLINE:
        return 0
    length, version_at = _varint(header, 32)
    if not bytes(header[version_at:]).startswith((b"go", b"devel")) or length > 1024:
        return 0
    modules, modules_at = _varint(buffer, at + version_at + length)
    return min(modules_at + modules - at, _GO_BYTES)


def _varint(buffer: bytearray, at: int) -> tuple[int, int]:
    """Return a number in seven-bit groups, lowest first, and the offset behind it."""
    value = 0
    for count, byte in enumerate(buffer[at : at + 5]):
        value |= (byte & 0x7F) << (7 * count)
        if not byte & 0x80:
            return value, at + count + 1
    return 0, at


def _audit_data(buffer: bytearray, start: int, stop: int) -> Iterator[Extent]:
    for found in _ZLIB_START.finditer(buffer, start, stop):
        at = found.start()
        try:
            text = zlib.decompressobj().decompress(buffer[at : at + 256], 16)
        except zlib.error:
            continue
        if text.startswith(b'{"packages"'):
            yield at, _AUDIT_BYTES


def _whole_stream(content: bytes) -> bytes:
    """Return the zlib stream at the beginning of ``content``, without what follows it."""
    stream = zlib.decompressobj()
    try:
        stream.decompress(content, _AUDIT_TEXT)
    except zlib.error:
        return content
    return content[: len(content) - len(stream.unused_data)] if stream.eof else content
