"""``docker-archive:``, what ``docker save -o FILE`` wrote (any engine, skopeo, crane, bazel)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

from lading.errors import InputError
from lading.image.archive import ArchiveFile
from lading.image.beside import for_two, two_at_once
from lading.image.documents import make_facts, parse_config
from lading.image.interface import nothing
from lading.image.layers import all_of, collected, scan_layer
from lading.image.platforms import choose
from lading.image.saved import MANIFEST, SavedManifest, saved_manifests
from lading.limits import LIMITS
from lading_oci.errors import ReferenceInvalid
from lading_oci.references import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from lading.image.interface import Done, Entry
    from lading.image.streams import Readable
    from lading.inventory import ImageFacts, Platform

__all__ = ["DockerArchive"]

T = TypeVar("T")


class DockerArchive:
    """An image in an archive; satisfies :class:`lading.image.interface.Image`.

    Every layer is verified against its diff ID while it is read.

    Args:
        path: the archive, gzip and zstd included.
        tag: which image, when the archive holds several.
        platform: what the image must be for, when given.

    Raises:
        InputError: it is no such archive, or which image is meant is not clear.
    """

    how = "docker-archive"

    def __init__(
        self, path: Path, tag: str | None = None, platform: Platform | None = None
    ) -> None:
        self._archive = ArchiveFile(path)
        try:
            self._open(tag)
            choose([(self._facts.platform, None)], platform, where=self._archive.where)
        except BaseException:
            self.close()
            raise

    def _open(self, tag: str | None) -> None:
        where = self._archive.where
        raw = self._archive.document(MANIFEST, LIMITS.image_manifest)
        if raw is None:
            raise InputError(
                "this is no docker archive",
                where=where,
                wanted=MANIFEST,
                hint="an OCI layout in a tar is opened with oci-archive:"
                if self._archive.has("index.json")
                else None,
            )
        image = _choose(saved_manifests(raw, where), tag, where)
        config = self._archive.document(image.config, LIMITS.image_config)
        if config is None:
            raise InputError("the archive lacks a file", where=where, wanted=image.config)
        parsed = parse_config(config, where)
        if len(parsed.diff_ids) != len(image.layers):
            raise InputError(
                "the archive's manifest and configuration do not fit each other",
                where=where,
                got=f"{len(image.layers)} layers",
                wanted=str(len(parsed.diff_ids)),
            )
        self._paths = dict(zip(parsed.diff_ids, image.layers, strict=True))
        self._facts = make_facts(
            _name(image, tag) or f"docker-archive:{where}",
            parsed,
            config_digest=f"sha256:{hashlib.sha256(config).hexdigest()}",
        )

    @property
    def facts(self) -> ImageFacts:
        """What the archive says about the image."""
        return self._facts

    def scan(
        self,
        scan: Callable[[Iterator[Entry]], T],
        diff_ids: Collection[str],
        done: Done[T] = nothing,
    ) -> Mapping[str, T]:
        """See :class:`lading.image.interface.Image`."""
        paths = {self._paths[diff_id]: diff_id for diff_id in diff_ids if diff_id in self._paths}

        def one(path: str, source: Readable) -> T:
            where = f"{self._archive.where}: {path}"
            return scan_layer(source, scan, where=where, diff_id=paths[path])

        found: Iterable[tuple[str, T]]
        if self._archive.apart:
            streams = dict(self._archive.streams(paths))
            found = two_at_once(
                lambda path, together: one(path, together.stream(streams[path])),
                for_two(streams, self._archive.size),
            )
        else:
            found = ((path, one(path, source)) for path, source in self._archive.streams(paths))
        named = ((paths[path], result) for path, result in found)
        return all_of(
            collected(named, done), self._paths.keys() & set(diff_ids), self._archive.where
        )

    def close(self) -> None:
        """See :class:`lading.image.interface.Image`."""
        self._archive.close()


def _is_called(image: SavedManifest, name: str) -> bool:
    """Say whether an image is meant by a name, as it is written there or as docker reads it."""
    return name in image.tags or _whole(name) in map(_whole, image.tags)


def _name(image: SavedManifest, asked: str | None) -> str | None:
    """Return what the archive calls the image, as an engine that loaded it would."""
    fitting = [name for name in image.tags if asked is None or _whole(name) == _whole(asked)]
    name = min(fitting or image.tags, default=None)
    try:
        return None if name is None else parse_reference(name).familiar()
    except ReferenceInvalid:
        return name


def _whole(name: str) -> str:
    try:
        reference = parse_reference(name)
    except ReferenceInvalid:
        return name
    return str(reference if reference.tag else reference.with_tag("latest"))


def _choose(images: list[SavedManifest], tag: str | None, where: str) -> SavedManifest:
    fitting = [image for image in images if tag is None or _is_called(image, tag)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(sorted(name for image in images for name in image.tags)) or "no names"
    raise InputError(
        "which image of the archive is meant is not clear" if fitting else "no such image here",
        where=where,
        got=f"{len(images)} images: {names[:500]}",
        wanted=tag or "one image",
        hint="name one: docker-archive:FILE:NAME:TAG",
    )
