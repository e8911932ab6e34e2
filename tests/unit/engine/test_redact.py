"""What of a build's command line may be published."""

from __future__ import annotations

import pytest

from lading.engine.argv import parse_build
from lading.engine.redact import public_command, public_url


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--build-arg", "TOKEN=hunter2", "."], ["--build-arg", "TOKEN=<redacted>", "."]),
        (["--build-arg=VERSION=3.11", "."], ["--build-arg", "VERSION=<redacted>", "."]),
        (["--build-arg", "HTTP_PROXY", "."], ["--build-arg", "HTTP_PROXY", "."]),
        (
            ["--secret", "id=pip,src=/home/me/.netrc", "."],
            ["--secret", "id=pip,<redacted>", "."],
        ),
        (["--secret", "src=/home/me/.netrc", "."], ["--secret", "<redacted>", "."]),
        (["--ssh", "default=/home/me/key", "."], ["--ssh", "default=<redacted>", "."]),
        (
            ["--cache-to", "type=s3,region=eu,bucket=b,secret_access_key=hunter2", "."],
            ["--cache-to", "type=s3,region=eu,bucket=b,secret_access_key=<redacted>", "."],
        ),
        (
            ["https://user:hunter2@example.org/app.git#main"],
            ["https://example.org/app.git#main"],
        ),
        (
            ["--build-context", "lib=https://user:hunter2@example.org/lib.git", "."],
            ["--build-context", "lib=https://example.org/lib.git", "."],
        ),
        (["--newer-than-lading=hunter2", "."], ["--newer-than-lading=<redacted>", "."]),
        (["-xy", "."], ["-<redacted>", "-<redacted>", "."]),
        (["-qt", "a:1", "-f", "x/D", "."], ["--quiet", "--tag", "a:1", "--file", "x/D", "."]),
        (["--push=false", "--pull", "."], ["--push=false", "--pull", "."]),
        (["--label", "a=b", "--", "."], ["--label", "a=b", "."]),
    ],
)  # fmt: skip
def test_secrets_are_left_out(words: list[str], shown: list[str]) -> None:
    assert public_command(parse_build(words)) == ["docker", "build", *shown]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/a.git?token=hunter2", "https://example.org/a.git?<redacted>"),
        ("https://[broken/a", "<redacted>"),
        ("./context", "./context"),
    ],
)
def test_urls_lose_what_can_be_a_credential(url: str, shown: str) -> None:
    assert public_url(url) == shown
