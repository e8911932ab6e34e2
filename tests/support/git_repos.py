"""Repositories made by the real git, and a server on loopback that git and git-lfs talk to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from support.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["commit", "git", "pointer", "served"]

_LFS = "application/vnd.git-lfs+json"
_IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=no")


def git(directory: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    """Run git with no settings but the repository's; return what it prints."""
    plain = {"PATH": os.environ["PATH"], "HOME": str(directory), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *_IDENTITY, "-C", str(directory), *words],
        env=plain | dict(env or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def pointer(content: bytes) -> bytes:
    """Return the LFS pointer of ``content``."""
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (
        hashlib.sha256(content).hexdigest().encode(),
        len(content),
    )


def commit(repository: Path, message: str = "change") -> str:
    """Commit everything; return the commit's name."""
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", message)
    return git(repository, "rev-parse", "HEAD")


class _Backend(BaseHTTPRequestHandler):
    """git's own http-backend, as a web server runs it; and LFS's batch API with basic transfers.

    https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
    """

    def log_message(self, *_words: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path.startswith("/lfs/"):
            self._answer(
                self._objects.get(self.path.rpartition("/")[2]), "application/octet-stream"
            )
        else:
            self._run(b"")

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/lfs/objects/batch":
            self._answer(json.dumps(self._batch(json.loads(body))).encode(), _LFS)
        else:
            self._run(body)

    def do_PUT(self) -> None:
        content = self._body()
        oid = hashlib.sha256(content).hexdigest()
        assert self.path == f"/lfs/{oid}"
        self._objects[oid] = content
        self._answer(b"", "text/plain")

    @property
    def _objects(self) -> dict[str, bytes]:
        return self.server.objects  # type: ignore[attr-defined,no-any-return]

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _batch(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Say where each object goes to or comes from."""
        action = asked["operation"]
        answers = []
        for one in asked["objects"]:
            answer = {"oid": one["oid"], "size": one["size"]}
            if action == "upload" or one["oid"] in self._objects:
                href = f"http://{self.headers['Host']}/lfs/{one['oid']}"
                answer["actions"] = {action: {"href": href}}
            else:
                answer["error"] = {"code": 404, "message": "no such object"}
            answers.append(answer)
        return {"transfer": "basic", "objects": answers}

    def _answer(self, content: bytes | None, kind: str) -> None:
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def _run(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": self.server.root,  # type: ignore[attr-defined]
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], env=env, input=body, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200 OK").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def served(root: Path) -> Iterator[str]:
    """Serve the repositories below ``root``, and one store of LFS objects at ``URL/lfs``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Backend)
    server.objects = {}  # type: ignore[attr-defined]
    server.root = str(root)  # type: ignore[attr-defined]
    with serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}"
