"""Programs on PATH, and a place for what they write: as ``shutil`` and ``tempfile`` have it.

Importing those two takes as long as a tenth of what precedes ``docker build``, or of looking
whether an image is the same still.
"""

from __future__ import annotations

import contextlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["docker_config", "on_path", "private_directory"]


def docker_config() -> str:
    """Return the directory of the docker command's settings and plug-ins."""
    return os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")


def on_path(name: str, path: str | None = None) -> str | None:
    """Return the path of the program that a shell would run for ``name``, or None.

    ``path`` stands for the environment's PATH. A name with a directory is looked for there alone.
    """
    if sys.platform == "win32":  # where names have endings that nobody writes
        import shutil

        return shutil.which(name, path=path)
    if path is None:
        path = os.environ.get("PATH", os.defpath)
    directories = path.split(os.pathsep) if path else []
    for directory in [""] if os.path.dirname(name) else directories:
        found = os.path.join(directory, name)  # an empty directory is this one
        if os.path.isfile(found) and os.access(found, os.X_OK):
            return found
    return None


@contextlib.contextmanager
def private_directory(prefix: str) -> Iterator[str]:
    """Give an empty directory that nobody else may look into; at the end it is removed.

    Raises:
        OSError: none can be made anywhere.
    """
    path = f"{os.environ.get('TMPDIR') or '/tmp'}/{prefix}{os.urandom(8).hex()}"  # noqa: S108
    try:
        os.mkdir(path, 0o700)  # fails where something is: nobody's trap is taken
    except OSError:
        import tempfile  # which tries other places, too

        path = tempfile.mkdtemp(prefix=prefix)
    try:
        yield path
    finally:
        import shutil

        shutil.rmtree(path, ignore_errors=True)
