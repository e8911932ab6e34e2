"""Use case: verify a source by its name, with the signed list that lies beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lading.attest.verify import Candidate
from lading.hub import open_source, parse_target
from lading.inputs import read_input
from lading.limits import LIMITS
from lading.usecases.verify_source import Wanted, verify_source

if TYPE_CHECKING:
    from lading.attest.interface import Verifier
    from lading.usecases.source_files import Progress
    from lading.usecases.verify_source import SourceVerification
    from lading_oci.interface import Repository

__all__ = ["SIGNATURE_NAME", "verify_local"]

SIGNATURE_NAME = "model.sig"
#: What is never read; the rest of what lists leave out is, in case a list has it.
_UNREAD = (".git", ".cache/huggingface", SIGNATURE_NAME)


def _quiet(_count: int) -> None:
    return


def verify_local(
    text: str,
    *,
    wanted: Wanted,
    signature: Path | None,
    store: Repository | None,
    verifier: Verifier,
    progress: Progress = _quiet,
) -> SourceVerification:
    """Open what ``text`` names, and verify it.

    ``signature`` is a file with a signed list, which alone counts then; without one, a
    ``model.sig`` in the directory counts, and what ``store`` has.

    Raises:
        UsageError: ``text`` names no source.
        InputError, FactsError: as :func:`lading.hub.open_source` and :func:`verify_source`.
    """
    target = parse_target(text)
    beside = [signature] if signature is not None else _beside(target.place, target.folder)
    with open_source(target, working_tree=True, ignored=_UNREAD) as source:
        return verify_source(
            source,
            target=str(target),
            wanted=wanted,
            beside=[_candidate(path) for path in beside],
            store=None if signature is not None else store,
            verifier=verifier,
            progress=progress,
        )


def _beside(place: str, folder: str) -> list[Path]:
    path = Path(place) / folder / SIGNATURE_NAME
    return [path] if path.is_file() else []


def _candidate(path: Path) -> Candidate:
    return Candidate(str(path), lambda: read_input(path, "the signature", LIMITS.signature_file))
