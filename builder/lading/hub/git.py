"""A git repository as a source: the files of one commit, with LFS pointers as what they stand for.

What is listed is the commit, never the working tree; where there is one, it is compared.
"""

from __future__ import annotations

import contextlib
import hashlib
import posixpath
import re
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lading.errors import InputError, LimitError, UsageError
from lading.hub.git_run import Git, fetch, public_url
from lading.hub.interface import IGNORED, Listed, Source, is_ignored
from lading.hub.lfs import POINTER_SIZE, Pointer, parse_pointer
from lading.hub.streams import CHUNK, open_regular
from lading.hub.tree import list_directory, text
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.hub.interface import Stream
    from lading.hub.targets import Target

__all__ = ["open_git", "open_working_tree"]

_LINK, _FILES = "120000", frozenset({"100644", "100755"})
_ENTRY = re.compile(rb"(\d{6}) (blob|commit) ([0-9a-f]{40,64}) +(\d+|-)\t(.+)", re.DOTALL)
_TRANSPORTS = {"https": ("https",), "ssh": ("ssh",), "file": ("file",), "http": ("http",)}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})


@contextlib.contextmanager
def open_git(target: Target) -> Iterator[Source]:
    """List a commit of a repository on this machine or at a URL; bytes live as long as this.

    Raises:
        UsageError: a transport that is not allowed.
        InputError: there is no such repository, commit or folder; git is missing or failed.
        RegistryError: the repository could not be fetched.
        LimitError: it is larger than ``LIMITS`` allow.
    """
    path = Path(target.place)
    if path.exists():
        git = Git(_git_directory(path))
        origin = _origin(git) or text(path.resolve().name, str(path))
        yield _read(git, target, target.revision or "HEAD", origin, path)
        return
    transports = _transports(target.place)
    with tempfile.TemporaryDirectory(prefix="lading-git-") as scratch:
        git = fetch(
            target.place,
            target.revision or "HEAD",
            Path(scratch) / "repository",
            transports=transports,
        )
        yield _read(git, target, "FETCH_HEAD", public_url(target.place), None)


def open_working_tree(target: Target, ignored: tuple[str, ...]) -> Source | None:
    """List the files of a clone as they lie there; None when ``target`` names no working tree."""
    path = Path(target.place)
    if target.revision is not None or not (path / ".git").exists():
        return None
    git = Git(_git_directory(path))
    commit = _commit(git, "HEAD")
    listed = list_directory(path / target.folder, ignored)
    origin = _origin(git) or listed.name
    return Source(
        name=_name(origin, target.folder),
        uri=_uri(origin, commit, target.folder),
        files=listed.files,
        odd=listed.odd,
        repository=_hub_name(origin),
        commit=commit,
        links=listed.links,
    )


def _transports(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    scheme = parts.scheme.lower() if "://" in url else ("ssh" if re.match(r"[\w.-]+@", url) else "")
    if scheme == "http" and (parts.hostname or "") not in _LOOPBACK:
        scheme = ""
    if scheme not in _TRANSPORTS or url.startswith("-"):
        raise UsageError(
            "There is no such repository, or it is not to be fetched this way",
            got=public_url(url)[:300],
            wanted="a directory, or a URL with https:// or ssh://",
        )
    return _TRANSPORTS[scheme]


def _git_directory(path: Path) -> Path:
    for found in (path / ".git", path):
        if found.is_file():  # a worktree's or submodule's: it says where
            line = found.read_bytes()[:4096].decode("utf-8", "replace").strip()
            found = path / line.removeprefix("gitdir: ")
        if ((found / "HEAD").is_file() and (found / "objects").exists()) or (
            found / "commondir"
        ).is_file():
            return found.resolve()
    raise InputError(
        "This is no git repository", where=str(path), hint="A plain directory is dir:PATH"
    )


def _origin(git: Git) -> str | None:
    """Return where a clone is from, without credentials; a path says nothing to others."""
    try:
        url = git.text("config", "--local", "--get", "remote.origin.url")
    except InputError:
        return None
    public = public_url(url)
    known = urlsplit(public).scheme in ("https", "ssh", "http") or re.match(r"[\w.-]+@", url)
    return public if known and public.isprintable() else None


def _commit(git: Git, revision: str) -> str:
    try:
        return git.text("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except InputError as error:
        raise InputError(
            "The repository has no such commit", where=str(git.directory), got=revision
        ) from error


def _read(git: Git, target: Target, revision: str, origin: str, worktree: Path | None) -> Source:
    commit = _commit(git, revision)
    at = f"{commit}:{target.folder}" if target.folder else f"{commit}^{{tree}}"
    try:
        tree = git.text("rev-parse", "--verify", "--quiet", at)
        output = git.output("ls-tree", "-r", "-z", "--long", tree, limit=LIMITS.git_listing)
    except LimitError:
        raise
    except InputError as error:
        raise InputError(
            "The commit has no such folder", where=str(target), got=target.folder
        ) from error
    entries = [one for one in _entries(output, str(target)) if not is_ignored(one.path)]
    files, odd = _listed(git, entries)
    asked = target.revision is None and worktree is not None and (worktree / ".git").exists()
    hub = _hub_name(origin)
    return Source(
        name=_name(origin, target.folder),
        uri=_uri(origin, commit, target.folder),
        files=tuple(sorted(files, key=lambda one: one.path)),
        odd=odd,
        repository=hub,
        commit=commit,
        tree=tree,
        changed=_changed(entries, files, worktree / target.folder) if asked and worktree else (),
        is_dataset=_is_dataset(origin),
        links=any(one.mode == _LINK for one in entries),
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    oid: str
    size: int
    path: str


def _entries(output: bytes, where: str) -> list[_Entry]:
    entries = []
    for line in output.split(b"\0")[:-1]:
        found = _ENTRY.fullmatch(line)
        if found is None:
            raise InputError("git listed what is no tree entry", where=where, got=ascii(line[:200]))
        mode, _, oid, size = (part.decode() for part in found.groups()[:4])
        path = text(found[5].decode("utf-8", "surrogateescape"), where)
        if {"", ".", ".."} & set(path.split("/")):
            raise InputError("A path leads out of the repository", where=where, got=ascii(path))
        entries.append(_Entry(mode, oid, -1 if size == "-" else int(size), path))
    if len(entries) > LIMITS.source_files:
        raise LimitError(
            "There are too many files in one source",
            where=where,
            wanted=f"at most {LIMITS.source_files:,}",
        )
    return entries


def _listed(git: Git, entries: list[_Entry]) -> tuple[list[Listed], dict[str, str]]:
    small = _small(git, [one for one in entries if 0 <= one.size < POINTER_SIZE])
    files: dict[str, Listed] = {}
    odd: dict[str, str] = {}
    for entry in entries:
        if entry.mode in _FILES:
            files[entry.path] = _file(git, entry, parse_pointer(small.get(entry.oid, b"")))
        elif entry.mode != _LINK:
            odd[entry.path] = "another repository (a submodule)"
    links = {one.path: small.get(one.oid, b"") for one in entries if one.mode == _LINK}
    for path in links:
        found = files.get(_follow(path, links))
        if found is None:
            odd[path] = "a link that leads to no file of the repository"
        else:
            files[path] = Listed(path, found.size, found.sha256, found.open)
    return list(files.values()), odd


def _file(git: Git, entry: _Entry, pointer: Pointer | None) -> Listed:
    if pointer is None:
        return Listed(
            entry.path, entry.size, open=partial(git.blob, entry.oid, entry.path, entry.size)
        )
    oid = pointer.sha256
    kept = git.directory / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
    try:
        status = kept.lstat()
    except OSError:
        return Listed(entry.path, pointer.size, oid)
    return Listed(
        entry.path, pointer.size, oid, partial(open_regular, entry.path, str(kept), status)
    )


def _follow(path: str, links: dict[str, bytes]) -> str:
    for _ in range(LIMITS.layout_links):
        if path not in links:
            return path
        target = links[path].decode("utf-8", "surrogateescape")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return ""


def _small(git: Git, entries: list[_Entry]) -> dict[str, bytes]:
    """Return the content of small blobs: pointers and links are among them."""
    if not entries:
        return {}
    oids = dict.fromkeys(one.oid for one in entries)
    output = git.output(
        "cat-file",
        "--batch",
        limit=len(oids) * (POINTER_SIZE + 256),
        stdin="".join(f"{oid}\n" for oid in oids).encode(),
    )
    found: dict[str, bytes] = {}
    at = 0
    while at < len(output):
        end = output.index(b"\n", at)
        oid, _, size = output[at:end].decode().rpartition(" ")
        if not size.isdigit():
            raise InputError("The repository lacks an object", got=output[at:end].decode())
        found[oid.partition(" ")[0]] = output[end + 1 : end + 1 + int(size)]
        at = end + 2 + int(size)
    return found


def _changed(entries: list[_Entry], files: list[Listed], worktree: Path) -> tuple[str, ...]:
    """Return what differs between the commit and the working tree, untracked files included."""
    there = list_directory(worktree, IGNORED)
    wanted = {one.path: one for one in files}
    objects = {one.path: one for one in entries}
    found = {one.path for one in there.files} ^ wanted.keys()
    for one in there.files:
        listed, entry = wanted.get(one.path), objects.get(one.path)
        if listed is None or entry is None or entry.mode == _LINK or one.open is None:
            continue
        same = one.size in (listed.size, entry.size)
        if same:
            with one.open() as stream:
                same = _is_same(stream, listed, entry)
        if not same:
            found.add(one.path)
    return tuple(sorted(found | there.odd.keys()))


def _is_same(stream: Stream, listed: Listed, entry: _Entry) -> bool:
    """Whether a file of a working tree is the commit's: the blob, or what its pointer stands for.

    A pointer that was not yet replaced by its file is the commit's too.
    """
    plain = hashlib.sha256()
    algorithm = hashlib.sha1 if len(entry.oid) == 40 else hashlib.sha256
    blob = algorithm(b"blob %d\0" % stream.size)  # git's name for it, not ours to choose
    while piece := stream.read(CHUNK):
        plain.update(piece)
        blob.update(piece)
    return plain.hexdigest() == listed.sha256 or blob.hexdigest() == entry.oid


def _name(origin: str, folder: str) -> str:
    last = (folder or origin).rstrip("/").replace(":", "/").rpartition("/")[2]
    return last.removesuffix(".git") or "repository"


def _uri(origin: str, commit: str, folder: str) -> str:
    return f"git:{origin}@{commit}" + (f"//{folder}" if folder else "")


def _hub_path(origin: str) -> str | None:
    parts = urlsplit(origin)
    if parts.hostname in _HUB_HOSTS:
        return parts.path.strip("/").removesuffix(".git")
    found = re.fullmatch(r"git@(?:hf\.co|huggingface\.co):(.+?)(?:\.git)?", origin)
    return found[1] if found else None


def _hub_name(origin: str) -> str | None:
    path = _hub_path(origin)
    return path.removeprefix("datasets/") if path else None


def _is_dataset(origin: str) -> bool | None:
    path = _hub_path(origin)
    return path.startswith("datasets/") if path else None
