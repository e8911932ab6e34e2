"""``--all-platforms`` of the verbs that look inside: each platform's answer, and its BOM."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lading.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lading.inventory import ImageFacts, Inspection

__all__ = ["bom_every", "file_names", "inspect_every"]

_UNSAFE = re.compile(r"[^a-z0-9_]")
_LONGEST = 32  # of a part of a file's name that an image chose


def inspect_every(
    target: str, platform: str | None, *, insecure: bool, all_layers: bool, json: bool
) -> None:
    """Print what ``lading inspect`` says of each platform (inspect-platforms.schema.json).

    Raises:
        FactsError: as ``lading inspect``; nothing was printed then.
    """
    from lading.cli.render import print_json, put
    from lading.cli.summary import inspection_json, inspection_text

    found = _inspections(target, platform, insecure=insecure, all_layers=all_layers)
    if not json:
        put("\n\n".join(inspection_text(one) for one in found) + "\n")
        return
    documents = [inspection_json(one) for one in found]
    print_json({"target": target, "digest": _digest(found), "platforms": documents})


def bom_every(
    target: str,
    platform: str | None,
    output: Path | None,
    form: str,
    make: Callable[[Inspection], bytes],
    *,
    insecure: bool,
    json: bool,
) -> None:
    """Write a BOM for each platform into a directory (bom-platforms.schema.json).

    Raises:
        FactsError: as ``lading bom``; nothing was written then.
    """
    from lading.cli.render import plain, print_json, put
    from lading_oci.digest import digest_of

    _only_one_question(platform)
    if output is None or str(output) == "-":
        raise UsageError(
            "--all-platforms makes several documents: it needs a directory to write them to",
            wanted="-o DIRECTORY",
        )
    found = _inspections(target, platform, insecure=insecure, all_layers=False)
    names = file_names([one.image for one in found], f".cdx.{form}")
    files = dict(zip(names, map(make, found), strict=True))
    _write(output, files)
    written = [
        {
            "platform": str(one.image.platform),
            "image": _own_digest(one.image),
            "path": str(output / name),
            "digest": digest_of(content),
            "size": len(content),
        }
        for one, (name, content) in zip(found, files.items(), strict=True)
    ]
    if json:
        print_json({"target": target, "digest": _digest(found), "files": written})
        return
    put("".join(plain(f"{file['platform']}  {file['path']}") + "\n" for file in written))


def file_names(images: Sequence[ImageFacts], suffix: str) -> list[str]:
    """Return a file's name for each image: ``linux-arm64-v8.cdx.json``.

    Platforms are text from the image: what is not a letter, digit or underscore becomes one.
    Where two images would have one name, both also get their digest, after an ``@`` that no
    platform can bring in.
    """
    plain = [_platform_name(one) for one in images]
    counted = Counter(plain)
    return [
        (name if counted[name] == 1 else f"{name}@{_hex(one)}") + suffix
        for name, one in zip(plain, images, strict=True)
    ]


def _platform_name(image: ImageFacts) -> str:
    platform = image.platform
    parts = [platform.os, platform.architecture, *([platform.variant] if platform.variant else [])]
    return "-".join(_UNSAFE.sub("_", part.lower())[:_LONGEST] or "_" for part in parts)


def _own_digest(image: ImageFacts) -> str:
    """Return the digest of this platform's image; an engine may know the index's alone."""
    return image.manifest_digest or image.config_digest or image.index_digest or ""


def _hex(image: ImageFacts) -> str:
    return _own_digest(image).removeprefix("sha256:")


def _inspections(
    target: str, platform: str | None, *, insecure: bool, all_layers: bool
) -> list[Inspection]:
    """Look inside every platform; where there is one, that one."""
    from lading.cli import wiring
    from lading.image import split_target

    _only_one_question(platform)
    prefix, _ = split_target(target)
    if prefix in ("oci-dir", "oci-archive"):
        return wiring.inspect_layout(target, all_layers=all_layers)
    if prefix in ("docker-archive", "dir"):
        return [wiring.inspect(target, insecure=insecure, all_layers=all_layers)]
    return wiring.inspect_all(target, insecure=insecure, all_layers=all_layers)


def _only_one_question(platform: str | None) -> None:
    if platform is not None:
        raise UsageError("--platform and --all-platforms ask for different things")


def _digest(found: Sequence[Inspection]) -> str | None:
    """Return the index's digest, or the only image's; None when nothing names them together."""
    facts = [one.image for one in found]
    digests = {one.index_digest or one.manifest_digest or one.config_digest for one in facts}
    return digests.pop() if len(digests) == 1 else None


def _write(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write all files beside their places, then put all in place; others are left alone."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in files:
            path = directory / name
            if path.is_dir() and not path.is_symlink():
                raise InputError("A directory is in the file's place", where=str(path))
        with TemporaryDirectory(prefix=".lading-", dir=directory) as beside:
            for name, content in files.items():
                (Path(beside) / name).write_bytes(content)
            for name in files:
                (Path(beside) / name).replace(directory / name)
    except OSError as error:
        raise InputError(
            "The files cannot be written", where=str(directory), got=error.strerror
        ) from error
