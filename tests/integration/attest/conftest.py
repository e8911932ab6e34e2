"""The local Sigstore that this directory's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_sigstore.services import running_sigstore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_sigstore.local import LocalSigstore


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSigstore]:
    with running_sigstore(tmp_path_factory.mktemp("sigstore")) as services:
        yield services
