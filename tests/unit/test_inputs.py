"""Files that the user names are read whole, or an error names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.errors import InputError, LimitError
from lading.inputs import read_input

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"rules")
    assert read_input(file, "the policy", 5) == read_input(str(file), "the policy", 6) == b"rules"
    with pytest.raises(LimitError, match="the policy is too large") as caught:
        read_input(file, "the policy", 4, hint="split it")
    error = caught.value
    assert (error.where, error.wanted, error.hint) == (str(file), "at most 4 bytes", "split it")


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    for path, got in ((tmp_path, "Is a directory"), (tmp_path / "x", "No such file or directory")):
        with pytest.raises(InputError, match="the policy cannot be read") as caught:
            read_input(path, "the policy", 9)
        assert (caught.value.where, caught.value.got) == (str(path), got)
