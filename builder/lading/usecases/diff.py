"""Use case: what changed between two BOMs, or between what two targets have inside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lading import bom
from lading.errors import InputError
from lading.image import means_path
from lading.limits import LIMITS
from lading.usecases.attest import make_bom

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.inventory import Inspection

__all__ = ["compare"]


_HEAD = 512  # bytes of a file that tell an archive
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\3\4")
_PREFIX = "an image in a file needs its prefix: docker-archive: oci-archive:"
_ENDINGS = (".json", ".xml")  # of a file's name, whose absence is no question to a registry


def compare(before: str, after: str, inspect: Callable[[str], Inspection]) -> bom.Diff:
    """Compare two operands, each the path of a CycloneDX file or a TARGET.

    A file of that name comes before an image of that name. Targets are compared by the BOMs that
    ``lading bom`` would write.

    Raises:
        InputError: a file cannot be read, or is no CycloneDX.
        LimitError: a file is larger than ``LIMITS.bom_document``.
        EngineError, OciError: a target's source failed.
    """
    return bom.diff(_read(before, inspect), _read(after, inspect))


def _read(operand: str, inspect: Callable[[str], Inspection]) -> bom.Bom:
    path = Path(operand)
    if path.is_dir() or not path.exists():  # a pipe is a file, too: <(lading bom …)
        if not path.exists() and (means_path(operand) or operand.endswith(_ENDINGS)):
            raise InputError("There is no such file", where=operand)
        return bom.read(make_bom(inspect(operand)))
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            if head[257:262] == b"ustar" or head.startswith(_COMPRESSED):
                raise InputError("This is an archive, not a BOM", where=operand, hint=_PREFIX)
            content = head + file.read(LIMITS.bom_document + 1 - len(head))
    except OSError as error:
        raise InputError("The BOM cannot be read", where=operand, got=error.strerror) from error
    try:
        return bom.read(content)
    except InputError as error:
        raise InputError(
            error.what,
            where=f"{operand}: {error.where}" if error.where else operand,
            got=error.got,
            wanted=error.wanted,
            hint=error.hint,
        ) from error
