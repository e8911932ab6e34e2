"""Programs on PATH, and a place for what they write: as ``shutil`` and ``tempfile`` have it.

Importing those two takes as long as a tenth of what precedes ``docker build``.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["on_path", "private_directory"]


def on_path(name: str) -> str | None:
    """Return the path of the program that a shell would run for ``name``, or None."""
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(directory, name)  # noqa: PTH118 - an empty directory is this one
        if os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
            return path
    return None


@contextlib.contextmanager
def private_directory(prefix: str) -> Iterator[str]:
    """Give an empty directory that nobody else may look into; at the end it is removed.

    Raises:
        OSError: none can be made anywhere.
    """
    path = f"{os.environ.get('TMPDIR') or '/tmp'}/{prefix}{os.urandom(8).hex()}"  # noqa: S108
    try:
        os.mkdir(path, 0o700)  # noqa: PTH102 - fails where something is: nobody's trap is taken
    except OSError:
        import tempfile  # which tries other places, too

        path = tempfile.mkdtemp(prefix=prefix)
    try:
        yield path
    finally:
        import shutil

        shutil.rmtree(path, ignore_errors=True)
