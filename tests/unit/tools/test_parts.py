"""A missing part is a skip with its reason, and a failure where the part is expected."""

from __future__ import annotations

import pytest

import parts


def test_a_missing_part_skips_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LADING_EXPECT_PARTS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not on PATH"):
        parts.require("no-such-program")


@pytest.mark.parametrize("promised", ["all", "crane, no-such-program"])
def test_a_missing_part_that_was_promised_fails(
    monkeypatch: pytest.MonkeyPatch, promised: str
) -> None:
    monkeypatch.setenv("LADING_EXPECT_PARTS", promised)
    with pytest.raises(pytest.fail.Exception, match="expected part missing"):
        parts.require("no-such-program")


def test_a_program_on_path_is_found() -> None:
    found = parts.find("sh")
    assert found is not None
    assert parts.require("sh") == found
