"""The Python API: refuse a model before it is loaded.

::

    import lading

    model = lading.verify_path("wtp-bert-tiny", key="approvals.pub")
    weights = safetensors.torch.load(model.read("model.safetensors"))
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lading.errors import UsageError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from lading.attest.interface import Verifier
    from lading.usecases.verify_source import SourceVerification

__all__ = ["VerifiedPath", "verify_path"]


@dataclass(frozen=True, slots=True)
class VerifiedPath:
    """A directory or file that a trusted signer attested.

    ``evidence`` says by whom and as what. ``files`` maps each verified path to its SHA-256.
    """

    path: Path
    evidence: SourceVerification

    @property
    def files(self) -> Mapping[str, str]:
        """Verified paths, relative to ``path``, and their SHA-256 in hexadecimal."""
        return self.evidence.files

    def read(self, name: str) -> bytes:
        """Return a verified file's bytes, hashed again as they are read.

        What is returned is what was attested, whatever happened to the file since.

        Raises:
            VerificationError: the file was not verified, or is another one by now.
        """
        wanted = self.files.get(name)
        if wanted is None:
            raise VerificationError("The file was not verified", code="content", where=name)
        file = self.path if self.path.is_file() else self.path / name
        try:
            content = file.read_bytes()
        except OSError as error:
            raise VerificationError(
                "The file is not there any more", code="content", where=name, got=error.strerror
            ) from error
        got = hashlib.sha256(content).hexdigest()
        if got != wanted:
            raise VerificationError(
                "The file changed after it was verified",
                code="content",
                where=name,
                got=got,
                wanted=wanted,
            )
        return content


def verify_path(
    path: str | os.PathLike[str],
    *,
    key: str | os.PathLike[str] | bytes | Iterable[str | os.PathLike[str] | bytes] = (),
    verifier: Verifier | None = None,
    files: Iterable[str] = (),
    expected: str | None = None,
    signature: str | os.PathLike[str] | None = None,
    evidence: str | None = None,
    max_age: timedelta | None = None,
) -> VerifiedPath:
    """Verify a directory or file against a signed list of files, or raise.

    Args:
        path: a directory (a clone, a snapshot of the Hub's cache) or one file.
        key: public keys that are trusted: paths of PEM files, or PEM as bytes.
        verifier: instead of keys, anything that satisfies ``lading.attest.interface.Verifier``.
        files: only these files of the directory, by their relative paths; default: all, and
            then files that the list does not have are refused too.
        expected: what it must be: the name, source or Hub repository that the list is of.
        signature: a file with the signed list, such as Model Signing's ``model.sig``; default:
            ``model.sig`` in the directory, and the evidence store.
        evidence: the store: a directory or ``registry/repository``; default: the user's own.
        max_age: refuse older lists.

    Raises:
        lading.errors.LadingError: with ``VerificationError`` (the content or signature does not
            hold) and ``NoAttestation`` below it.
    """
    from lading.usecases.evidence import open_evidence
    from lading.usecases.verify_local import verify_local
    from lading.usecases.verify_source import Wanted

    place = Path(path)
    kind = "file" if place.is_file() else "dir"
    found = verify_local(
        f"{kind}:{place}",
        wanted=Wanted(names=tuple(files), expected=expected, max_age=max_age),
        signature=None if signature is None else Path(signature),
        store=open_evidence(evidence),
        verifier=verifier or _keys(key),
    )
    return VerifiedPath(place, found)


def _keys(
    key: str | os.PathLike[str] | bytes | Iterable[str | os.PathLike[str] | bytes],
) -> Verifier:
    from lading.attest.keys import load_public
    from lading.attest.verifiers.key import KeyVerifier

    given = [key] if isinstance(key, str | bytes | os.PathLike) else list(key)
    if not given:
        raise UsageError("Nobody is trusted: there is no key to verify with", hint="Pass key=…")
    return KeyVerifier([load_public(one if isinstance(one, bytes) else Path(one)) for one in given])
