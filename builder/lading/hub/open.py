"""A target opened as what it names."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from lading.hub.interface import IGNORED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.hub.interface import Source
    from lading.hub.targets import Target

__all__ = ["open_source"]


@contextlib.contextmanager
def open_source(
    target: Target, *, working_tree: bool = False, ignored: tuple[str, ...] = IGNORED
) -> Iterator[Source]:
    """List a source; its files can be read as long as this lasts.

    Args:
        target: what to open.
        working_tree: of a clone, the files that lie there instead of the commit's.
        ignored: paths of a directory that are none of the model.

    Raises:
        UsageError, InputError, LimitError, RegistryError: as the source's own module says.
    """
    if target.kind == "dir":
        from lading.hub.tree import list_directory

        yield list_directory(Path(target.place), ignored)
    elif target.kind == "file":
        from lading.hub.tree import list_file

        yield list_file(Path(target.place))
    elif target.kind == "git":
        from lading.hub.git import open_git, open_working_tree

        found = open_working_tree(target, ignored) if working_tree else None
        if found is not None:
            yield found
        else:
            with open_git(target) as source:
                yield source
    else:
        from lading.hub.huggingface import open_hub

        with open_hub(target) as source:
            yield source
