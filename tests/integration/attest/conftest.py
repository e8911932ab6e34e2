"""The local Sigstore that this directory's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_sigstore.services import running_sigstore
from support.attest_keyless import sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_sigstore.local import LocalSigstore


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSigstore]:
    with running_sigstore(tmp_path_factory.mktemp("sigstore")) as services:
        yield services


@pytest.fixture(scope="module")
def good(local: LocalSigstore) -> bytes:
    """A bundle that is signed keyless, and that nobody has touched."""
    return sign(local)
