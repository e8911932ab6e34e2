"""A proxy on loopback that connects names of the world to ports of this machine (HTTP CONNECT).

With it, a client that knows its service's name only speaks to a server of a test's own, and does
everything else, TLS above all, as ever. Other names than the given ones lead nowhere.
"""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from support.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["proxy_to"]


@contextmanager
def proxy_to(ports: Mapping[str, int]) -> Iterator[str]:
    """Run a proxy from ``host:443`` to a loopback port for each host; yield the proxy's URL."""
    server = _Proxy(("127.0.0.1", 0), _Tunnel)
    server.ports = dict(ports)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}"


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False  # clients keep their connections for as long as they live
    ports: dict[str, int]


class _Tunnel(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self._tunnel()

    def _tunnel(self) -> None:
        words = self.rfile.readline(4096).decode("latin-1").split()
        while self.rfile.readline(4096).strip():
            pass
        target = words[1] if words[:1] == ["CONNECT"] and len(words) > 1 else ""
        host, _, port = target.rpartition(":")
        known = cast("_Proxy", self.server).ports
        if port != "443" or host not in known:
            self.wfile.write(b"HTTP/1.1 502 Nobody here has this name\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", known[host])) as server:
            self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            ways = {self.connection: server, server: self.connection}
            while True:
                for source in select.select(list(ways), [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    ways[source].sendall(data)
