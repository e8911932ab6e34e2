"""Reading blobs from a registry: streams that continue where a connection broke."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lading_oci.errors import BrokenStream, IntegrityError, MalformedError
from lading_oci.exchange import Retries
from lading_oci.urls import redact

if TYPE_CHECKING:
    from lading_oci.auth import Scopes
    from lading_oci.connections import Opened
    from lading_oci.interface import Descriptor
    from lading_oci.transport import Transport

__all__ = ["BlobSource"]

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(?:\d{1,19}|\*)\Z")
_SKIP = 64 * 1024


class BlobSource:
    """The bytes of one blob, unverified; a :class:`lading_oci.content.Source`.

    A broken connection is reopened with ``Range`` (RFC 9110, 14.2) at the offset that was
    reached; a server that ignores it sends everything again and the beginning is skipped.
    """

    def __init__(
        self, transport: Transport, url: str, scopes: Scopes, descriptor: Descriptor
    ) -> None:
        self._transport = transport
        self._url = url
        self._scopes = scopes
        self._descriptor = descriptor
        self._offset = 0
        self._retries: Retries | None = None
        self._opened: Opened | None = self._open()

    def readinto(self, buffer: memoryview, /) -> int:
        """Read on, over broken connections.

        Raises:
            OciError: it cannot be continued.
        """
        while True:
            try:
                if self._opened is None:
                    self._opened = self._open()
                count = self._opened.readinto(buffer)
            except BrokenStream as error:
                self.close()
                if self._retries is None:
                    limits = self._transport.limits
                    self._retries = Retries(limits, limits.total_seconds)
                self._retries.pause(error)
                continue
            if count:
                self._offset += count
                self._retries = None  # progress: later breaks start counting anew
            return count

    def close(self) -> None:
        """Give the connection up, or back when everything was read."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _open(self) -> Opened:
        headers = {"Range": f"bytes={self._offset}-"} if self._offset else {}
        opened = self._transport.open(
            self._url,
            scopes=self._scopes,
            what="the registry does not give this blob",
            ok=(200, 206),
            headers=headers,
        )
        try:
            self._position(opened)
        except BaseException:
            opened.close()
            raise
        return opened

    def _position(self, opened: Opened) -> None:
        """Bring a new answer to the offset that is wanted, and check its length."""
        start = 0
        if opened.status == 206:
            match = _CONTENT_RANGE.match(opened.header("Content-Range").strip())
            start = int(match.group(1)) if match else -1
        left = self._descriptor.size - start
        if (
            opened.length is not None
            and opened.length != left
            and not opened.header("Content-Encoding")
        ):
            raise IntegrityError(
                "a blob has not the size that its descriptor says",
                where=redact(opened.url),
                got=f"{start + opened.length} bytes",
                wanted=f"{self._descriptor.size} bytes",
            )
        if not 0 <= start <= self._offset:
            raise MalformedError("a registry answers another range", where=redact(opened.url))
        skip = memoryview(bytearray(_SKIP))
        while start < self._offset:
            count = opened.readinto(skip[: self._offset - start])
            if not count:
                raise BrokenStream("an answer broke off", where=redact(opened.url))
            start += count
