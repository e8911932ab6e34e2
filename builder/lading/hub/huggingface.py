"""A model or data set on a Hugging Face Hub, by the Hub's own client.

The list of one commit has the SHA-256 of every LFS file; those are taken from it, their bytes are
not fetched. All other files are small; they are fetched, hashed, and held against the git object
that the list names. The endpoint, token and offline switch are the client's own (``HF_ENDPOINT``,
``HF_TOKEN`` …); a token goes to the endpoint's host alone.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import re
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lading.errors import InputError, LadingError, LimitError, RegistryError
from lading.hub.interface import Listed, Source, is_ignored
from lading.hub.streams import open_regular
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lading.hub.targets import Target

__all__ = ["model_info", "open_hub"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_RELIABLE = 50_000  # files up to which the Hub's list is complete, says its client


@contextlib.contextmanager
def open_hub(target: Target) -> Iterator[Source]:
    """List one revision (default: the main branch); fetched files live as long as this lasts.

    Raises:
        InputError: no such repository, revision or folder, or it is gated.
        RegistryError: the Hub did not answer as needed.
        LimitError: more, or larger, files than ``LIMITS`` allow.
    """
    repository = _Repository(target.place, "dataset" if target.kind == "hf-dataset" else "model")
    with tempfile.TemporaryDirectory(prefix="lading-hub-") as scratch, _translated(target):
        commit, siblings = repository.listing(target.revision)
        prefix = f"{target.folder}/" if target.folder else ""
        siblings = [
            one
            for one in siblings
            if one.path.startswith(prefix) and not is_ignored(one.path.removeprefix(prefix))
        ]
        if prefix and not siblings:
            raise InputError("The revision has no such folder", where=str(target))
        files = repository.files(siblings, commit, Path(scratch), prefix)
        yield Source(
            name=(target.folder or target.place).rpartition("/")[2],
            uri=f"{target.kind}:{target.place}@{commit}"
            + (f"//{target.folder}" if target.folder else ""),
            files=tuple(sorted(files, key=lambda one: one.path)),
            repository=target.place,
            commit=commit,
            is_dataset=target.kind == "hf-dataset",
            links=True,  # the Hub's own cache keeps every file as a link
        )


def model_info(target: Target) -> Any:
    """Return what the Hub says of a model, without its files.

    Raises:
        InputError, RegistryError: as :func:`open_hub`.
    """
    from huggingface_hub import HfApi

    with _translated(target):
        api = HfApi(library_name="lading")
        return api.model_info(target.place, timeout=LIMITS.hub_seconds)


@dataclass(frozen=True, slots=True)
class _Sibling:
    path: str
    size: int
    blob: str  # git's object name
    sha256: str | None


class _Repository:
    def __init__(self, name: str, kind: str) -> None:
        from huggingface_hub import HfApi

        self._name, self._kind = name, kind
        self._api = HfApi(library_name="lading")

    def listing(self, revision: str | None) -> tuple[str, list[_Sibling]]:
        info: Any = self._api.repo_info(
            self._name,
            repo_type=self._kind,
            revision=revision,
            files_metadata=True,
            timeout=LIMITS.hub_seconds,
        )
        commit = str(info.sha)
        if not _COMMIT.fullmatch(commit):
            raise RegistryError("The Hub names no commit", where=self._name, got=commit[:80])
        siblings = info.siblings or []
        if len(siblings) > _RELIABLE:
            raise LimitError(
                "The Hub's list of so many files may not be complete",
                where=self._name,
                got=f"{len(siblings):,} files",
                wanted=f"at most {_RELIABLE:,}",
                hint="Clone it, and attest the clone with git:PATH",
            )
        return commit, [self._sibling(one) for one in siblings]

    def _sibling(self, one: Any) -> _Sibling:
        lfs = one.lfs
        size = lfs.size if lfs else one.size
        sha256 = lfs.sha256 if lfs else None
        parts = str(one.rfilename).split("/")
        if (
            not isinstance(size, int)
            or size < 0
            or (lfs and not _SHA256.fullmatch(str(sha256)))
            or {"", ".", ".."} & set(parts)
        ):
            raise RegistryError(
                "The Hub's list has a file without size, digest or plain name",
                where=self._name,
                got=ascii(one.rfilename)[:200],
            )
        return _Sibling(one.rfilename, size, str(one.blob_id), sha256)

    def files(
        self, siblings: Iterable[_Sibling], commit: str, scratch: Path, prefix: str
    ) -> list[Listed]:
        """Return what is listed; what is no LFS file is fetched first."""
        listed, fetched = [], []
        for one in siblings:
            path = one.path.removeprefix(prefix)
            if one.sha256 is not None:
                listed.append(Listed(path, one.size, one.sha256))
            else:
                fetched.append(one)
        total = sum(one.size for one in fetched)
        if total > LIMITS.hub_total:
            raise LimitError(
                "There is too much to fetch that is not in LFS",
                where=self._name,
                got=f"{total:,} bytes",
                wanted=f"at most {LIMITS.hub_total:,}",
                hint="Clone it, and attest the clone with git:PATH",
            )
        with concurrent.futures.ThreadPoolExecutor(LIMITS.source_workers, "hub") as pool:
            pending = [
                pool.submit(self._fetch, one, commit, scratch / str(number))
                for number, one in enumerate(fetched)
            ]
            try:
                done = [future.result() for future in pending]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        for one, file in zip(fetched, done, strict=True):
            path = one.path.removeprefix(prefix)
            opener = partial(open_regular, path, str(file), file.lstat())
            listed.append(Listed(path, one.size, open=opener))
        return listed

    def _fetch(self, one: _Sibling, commit: str, into: Path) -> Path:
        """Fetch a small file, bounded by its listed size, and check that it is the commit's."""
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import (  # type: ignore[attr-defined]
            build_hf_headers,
            get_session,
            hf_raise_for_status,
        )

        if one.size > LIMITS.hub_file:
            raise LimitError(
                "A file that is not in LFS is too large to be fetched",
                where=one.path,
                got=f"{one.size:,} bytes",
                wanted=f"at most {LIMITS.hub_file:,}",
            )
        url = hf_hub_url(
            self._name,
            one.path,
            repo_type=self._kind,
            revision=commit,
            endpoint=self._api.endpoint,
        )
        headers = build_hf_headers(library_name="lading") | {"accept-encoding": "identity"}
        blob = hashlib.sha1(b"blob %d\0" % one.size)  # noqa: S324 - git's name for it
        left = one.size
        with (
            get_session().stream(
                "GET", url, headers=headers, timeout=LIMITS.hub_seconds, follow_redirects=True
            ) as answer,
            into.open("xb") as file,
        ):
            hf_raise_for_status(answer)
            for piece in answer.iter_bytes():
                left -= len(piece)
                if left < 0:
                    break
                blob.update(piece)
                file.write(piece)
        if left != 0 or blob.hexdigest() != one.blob:
            raise RegistryError(
                "The Hub sent another file than its list names",
                where=f"{self._name}/{one.path}",
                wanted=f"git object {one.blob[:80]} of {one.size} bytes",
            )
        return into


@contextlib.contextmanager
def _translated(target: Target) -> Iterator[None]:
    """Turn the client's errors, which have no one root, into ours; never with a token in them."""
    from huggingface_hub import errors

    try:
        yield
    except LadingError:
        raise
    except errors.GatedRepoError as error:
        raise InputError(
            "The repository is gated",
            where=str(target),
            hint="Accept its terms on the Hub, and set HF_TOKEN to a token that may read it",
        ) from error
    except (errors.RepositoryNotFoundError, errors.DisabledRepoError) as error:
        raise InputError(
            "The Hub has no such repository, or shows it to members only",
            where=str(target),
            hint="A data set is hf-dataset:ORG/NAME; a private one needs HF_TOKEN",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise InputError("The repository has no such revision", where=str(target)) from error
    except errors.OfflineModeIsEnabled as error:
        raise RegistryError(
            "The Hub's client is offline", where=str(target), hint="Unset HF_HUB_OFFLINE"
        ) from error
    except (errors.HfHubHTTPError, errors.HFValidationError, OSError, ValueError) as error:
        raise RegistryError(
            "The Hub did not answer as needed",
            where=str(target),
            got=" ".join(str(error).split())[:300] or type(error).__name__,
        ) from error
    except Exception as error:  # the HTTP library's own, whose name changes with the client
        if type(error).__module__.partition(".")[0] not in {"httpx", "httpx2", "httpcore"}:
            raise
        raise RegistryError(
            "The Hub could not be reached",
            where=str(target),
            got=" ".join(str(error).split())[:300] or type(error).__name__,
        ) from error
