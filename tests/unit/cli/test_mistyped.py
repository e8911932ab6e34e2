"""Names that are mistyped: a usage error that says what was meant, whatever the verb."""

from __future__ import annotations

import pytest

from lading.cli import main

WRONG = "ghcr.io//service:1"


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "--key", "lading.pub", WRONG],
        ["tree", WRONG],
        ["inspect", f"registry:{WRONG}"],
        ["bom", f"registry:{WRONG}"],
        ["download", WRONG],
        ["copy", WRONG, "oci-dir:here"],
    ],
    ids=lambda words: words[0],
)
def test_what_is_no_reference_is_a_usage_error(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert "not an image reference" in capsys.readouterr().err
