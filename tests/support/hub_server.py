"""A server on loopback that speaks the Hugging Face Hub's API, for its real client.

What it knows: repositories with commits and branches, model and data-set info with LFS metadata
(``/api/models/ORG/NAME/revision/REV?blobs=true``), files by ``resolve`` with commit, ETag, linked
ETag and size, ranges, the redirect of LFS files to another host, the error codes of missing and
gated repositories, and pages of a tree. It remembers what was asked, and can lie on request.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from support.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Asked", "Hub", "HubRepository", "serve"]

_API = re.compile(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/revision/([^/]+))?")
_TREE = re.compile(r"/api/(models|datasets)/([^/]+/[^/]+)/tree/([^/]+)")
_RESOLVE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_PAGE = 2  # files of one page of a tree: pages are always asked for


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    host: str
    path: str
    authorization: str | None


@dataclass(slots=True)
class HubRepository:
    """A repository: commits (name → path → bytes), branches, and which suffixes are in LFS."""

    name: str
    is_dataset: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    lfs: tuple[str, ...] = (".safetensors", ".bin", ".parquet", ".onnx", ".gguf")
    gated: bool = False
    card: dict[str, Any] = field(default_factory=dict)
    away: bool = False  # every file is on the other host, as the Hub may do at any time
    lies: dict[str, bytes] = field(default_factory=dict)  # path → what is sent instead

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        """Add a commit and move a branch to it; return its name."""
        digest = hashlib.sha1(self.name.encode())
        for path in sorted(files):
            digest.update(path.encode() + b"\0" + hashlib.sha256(files[path]).digest())
        name = digest.hexdigest()
        self.commits[name] = dict(files)
        self.branches[branch] = name
        return name

    def resolve(self, revision: str) -> str | None:
        """Return the commit that a branch or commit is."""
        return self.branches.get(revision, revision if revision in self.commits else None)

    def is_lfs(self, path: str) -> bool:
        """Whether a path is in LFS."""
        return path.endswith(self.lfs)


@dataclass(slots=True)
class Hub:
    """A running server. ``cdn`` is the other host name under which LFS files are."""

    url: str
    cdn: str
    repositories: dict[tuple[bool, str], HubRepository] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def add(self, name: str, *, is_dataset: bool = False, **settings: Any) -> HubRepository:
        """Add an empty repository."""
        made = HubRepository(name, is_dataset, **settings)
        self.repositories[is_dataset, name] = made
        return made

    def fetched(self) -> list[str]:
        """Return the paths of files whose bytes were asked for, LFS files as their digest."""
        found = []
        for one in self.asked:
            match = _RESOLVE.fullmatch(one.path)
            if one.method == "GET" and (match or one.path.startswith("/cdn/")):
                found.append(match[4] if match else one.path.removeprefix("/cdn/"))
        return found


@contextlib.contextmanager
def serve() -> Iterator[Hub]:
    """Run a hub on a free port until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    port = server.server_address[1]
    hub = Hub(f"http://127.0.0.1:{port}", f"http://localhost:{port}")
    server.hub = hub  # type: ignore[attr-defined]
    with serving(server):
        yield hub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words: object) -> None:
        """Say nothing."""

    @property
    def _hub(self) -> Hub:
        return self.server.hub  # type: ignore[attr-defined,no-any-return]

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        self._hub.asked.append(
            Asked(self.command, self.headers["Host"], path, self.headers.get("Authorization"))
        )
        query = urllib.parse.parse_qs(url.query)
        if found := _TREE.fullmatch(path):
            self._tree(found, int(query.get("cursor", ["0"])[0]))
        elif found := _API.fullmatch(path):
            self._info(found, "true" in [one.lower() for one in query.get("blobs", [])])
        elif found := _RESOLVE.fullmatch(path):
            self._file(found)
        elif path.startswith("/cdn/"):
            self._large(path.removeprefix("/cdn/"))
        else:
            self._error(404, "EntryNotFound")

    def _known(self, name: str, revision: str, *, is_dataset: bool) -> tuple[HubRepository, str]:
        repository = self._hub.repositories.get((is_dataset, name))
        if repository is None:
            raise _Refused(401, "RepoNotFound")
        if repository.gated and self.headers.get("Authorization") != "Bearer hf_member":
            raise _Refused(403, "GatedRepo")
        commit = repository.resolve(urllib.parse.unquote(revision))
        if commit is None:
            raise _Refused(404, "RevisionNotFound")
        return repository, commit

    def _info(self, found: re.Match[str], blobs: bool) -> None:
        kind, name, revision = found.groups()
        try:
            repository, commit = self._known(
                name, revision or "main", is_dataset=kind == "datasets"
            )
        except _Refused as refused:
            self._error(refused.status, refused.code)
            return
        files = repository.commits[commit]
        self._json(
            {
                "id": name,
                "modelId": name,
                "sha": commit,
                "private": False,
                "gated": repository.gated,
                "disabled": False,
                "tags": [],
                "cardData": repository.card,
                "downloads": 0,
                "likes": 0,
                "siblings": [
                    _sibling(repository, path, content) if blobs else {"rfilename": path}
                    for path, content in sorted(files.items())
                ],
            }
        )

    def _tree(self, found: re.Match[str], cursor: int) -> None:
        kind, name, revision = found.groups()
        try:
            repository, commit = self._known(name, revision, is_dataset=kind == "datasets")
        except _Refused as refused:
            self._error(refused.status, refused.code)
            return
        paths = sorted(repository.commits[commit])
        page = paths[cursor : cursor + _PAGE]
        headers = {}
        if cursor + _PAGE < len(paths):
            following = f"{self._hub.url}{self.path.partition('?')[0]}?recursive=True"
            headers["Link"] = f'<{following}&cursor={cursor + _PAGE}>; rel="next"'
        entries = []
        for path in page:
            one = _sibling(repository, path, repository.commits[commit][path])
            entry = {"type": "file", "path": path, "size": one["size"], "oid": one["blobId"]}
            if "lfs" in one:
                lfs = one["lfs"]
                entry["lfs"] = {"oid": lfs["sha256"], "size": lfs["size"], "pointerSize": 134}
            entries.append(entry)
        self._json(entries, headers)

    def _file(self, found: re.Match[str]) -> None:
        dataset, name, revision, path = found.groups()
        try:
            repository, commit = self._known(name, revision, is_dataset=bool(dataset))
        except _Refused as refused:
            self._error(refused.status, refused.code)
            return
        content = repository.commits[commit].get(path)
        if content is None:
            self._error(404, "EntryNotFound", {"X-Repo-Commit": commit})
            return
        headers = {"X-Repo-Commit": commit}
        if repository.away or repository.is_lfs(path):
            sha256 = hashlib.sha256(content).hexdigest()
            headers |= {
                "X-Linked-Etag": f'"{sha256}"',
                "X-Linked-Size": str(len(content)),
                "Location": f"{self._hub.cdn}/cdn/{sha256}",
            }
            self._send(302, b"", headers)
            return
        headers["ETag"] = f'"{_blob(content)}"'
        self._ranged(repository.lies.get(path, content), headers)

    def _large(self, sha256: str) -> None:
        for repository in self._hub.repositories.values():
            for files in repository.commits.values():
                for content in files.values():
                    if hashlib.sha256(content).hexdigest() == sha256:
                        self._ranged(content, {"ETag": f'"{sha256}"'})
                        return
        self._error(404, "EntryNotFound")

    def _ranged(self, content: bytes, headers: dict[str, str]) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if asked is None:
            self._send(200, content, headers | {"Accept-Ranges": "bytes"})
            return
        start, end = int(asked[1]), int(asked[2] or len(content) - 1)
        piece = content[start : end + 1]
        within = f"bytes {start}-{start + len(piece) - 1}/{len(content)}"
        self._send(206, piece, headers | {"Content-Range": within})

    def _json(self, document: Any, headers: Mapping[str, str] | None = None) -> None:
        content = json.dumps(document).encode()
        self._send(200, content, {"Content-Type": "application/json", **(headers or {})})

    def _error(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        content = json.dumps({"error": code}).encode()
        self._send(status, content, {"X-Error-Code": code, **(headers or {})})

    def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


class _Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _sibling(repository: HubRepository, path: str, content: bytes) -> dict[str, Any]:
    if not repository.is_lfs(path):
        return {"rfilename": path, "size": len(content), "blobId": _blob(content)}
    sha256 = hashlib.sha256(content).hexdigest()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (
        sha256.encode(),
        len(content),
    )
    return {
        "rfilename": path,
        "size": len(content),
        "blobId": _blob(pointer),
        "lfs": {"sha256": sha256, "size": len(content), "pointerSize": len(pointer)},
    }
