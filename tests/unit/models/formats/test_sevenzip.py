"""7z archives: nothing of a model's in one passes in silence. 7-Zip 25.01 wrote these."""

from __future__ import annotations

import base64
import random
import struct

import pytest

from lading.inventory import Verdict
from lading.models import vocabulary as v
from support.models_streams import facts_of, look, seen

ARCHIVES = {
    "compressed": """
N3q8ryccAARH9RQ+dAAAAAAAAAAgAAAAAAAAAA0mh1kBAAVoZWxsb3gAAACBMweuD85vVl76Dfokg9wXd2LyF6CdJoBlWVlx
taaRNJ3NYqkVtR6WAhTDkHfkXaLAKYggoczGI4VRJljbvNzK9QR2k73lmuuseZeSTjzLa4gnHPIb5eCQR54HB1XQlljeMDyM
AAAAABcGCgEJagAHCwEAASMDAQEFXQAQAAAMfgoBkXxJRQAA""",
    "plain": """
N3q8ryccAASLo/ZZCQAAAAAAAABaAAAAAAAAAOGz+IoBAARoZWxsbwABBAYAAQkJAAcLAQABISEBAAwFAAgKAYamEDYAAAUB
GQwAAAAAAAAAAAAAAAAREwBtAG8AZABlAGwALgBwAHQAAAAZABQKAQDnUcX+iX7dARUGAQAggKSBAAA=""",
    "not in Latin letters": """
N3q8ryccAAQJUF5frwAAAAAAAAAiAAAAAAAAAMbhjwIBABAxCjIKMwo0CjUKNgpoZWxsbwAAAIEzB64Pz0tvjAfIQ39Bsfr9
5GF56ZS4XSx3+abThF+GpV5URh7L/+bYWdTilr+k5D5dFxJJYR9+ut1DXlSkRPm/bGdNthECDFIq/VqGEBZjSvRT9Mq4zRFI
uNkDOMFzMnjzyMMhPlupfoxlgYFbFhKilIXikqpq5zETvf97DRM9wd1T1gGq7PxHhXGW4TZQbcREHZXb6gAAFwYVAQmAmgAH
CwEAASMDAQEFXQAQAAAMgUoKAd31zNcAAA==""",
    "encrypted": """
N3q8ryccAASpRSpFgAAAAAAAAAAuAAAAAAAAANuZozUu/KiBGbDswKdAdMxEUWkZFAxAk3tcMW4G29/EqnOfDkdQOrGpArfg
4LCnysRD6Jng5SvBELAt8SI9Opp4kHi+LxhgAPF61ctUQSuhD/ZYoSDJvR/KA8FQb+2xvNozz/uypNFY/nA6B87PP65tiQzy
PjcOJUlKdpAVXSwKV4csyxcGEAEJcAAHCwEAASQG8QcBElMPjDavOI6jYqkXLJsRRKsHswxqCgHxx2PQAAA=""",
    "notes": """
N3q8ryccAASL3+A+BQAAAAAAAABaAAAAAAAAALdX8TgBAAB4AAEEBgABCQUABwsBAAEhIQEADAEACAoBgxbcjAAABQEZDAAA
AAAAAAAAAAAAABEVAG4AbwB0AGUAcwAuAHQAeAB0AAAAFAoBAOdRxf6Jft0BFQYBACCApIEAAA==""",
    "a directory": """
N3q8ryccAAR2VontAAAAAAAAAAAyAAAAAAAAAK9b07gBBQEOAYAZBQAAAAAAEQ0AZQBtAHAAdAB5AAAAFAoBAAyeWP+Jft0B
FQYBABCA7UEAAA==""",
}
FILES = {name: base64.b64decode(text) for name, text in ARCHIVES.items()}
EMPTY = b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(24)


@pytest.mark.parametrize(
    ("name", "member"),
    [("compressed", "model.pt"), ("plain", "model.pt"), ("not in Latin letters", ".pkl")],
)
def test_a_listing_that_names_a_model_is_told(name: str, member: str) -> None:
    found = seen("opt/x.7z", FILES[name])
    assert (found.format, found.safety.verdict) == ("7z", Verdict.UNSCANNABLE)
    assert facts_of(found)[v.MEMBERS] == [member]
    assert f"with {member} in it" in found.safety.findings[0].message


def test_a_listing_that_nobody_can_read_may_name_a_model() -> None:
    (finding,) = seen("opt/x.7z", FILES["encrypted"]).safety.findings
    assert "is encrypted" in finding.message


@pytest.mark.parametrize("name", ["notes", "a directory"])
def test_an_archive_of_something_else_is_none_unless_its_name_is_a_models(name: str) -> None:
    assert look("opt/x.7z", FILES[name]) is None
    for path in ("m/pytorch_model.bin", "m/model.pt", "m/model.safetensors"):
        (finding,) = seen(path, FILES[name]).safety.findings
        assert finding.message == "a 7z archive under a model's name is not looked into"


def test_an_empty_archive() -> None:
    assert look("x.7z", EMPTY) is None
    assert seen("m.pkl", EMPTY).safety.verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize("name", FILES)
def test_an_archive_that_is_cut_is_told(name: str) -> None:
    for size in range(33, len(FILES[name])):
        assert seen("x.7z", FILES[name][:size]).safety.verdict is Verdict.UNSCANNABLE


def test_sizes_that_lie_are_told() -> None:
    start, rest = FILES["plain"][:12], FILES["plain"][32:]
    for offset, size in ((9, 1 << 62), (1 << 62, 90), (0, 17 << 20)):
        data = start + struct.pack("<QQI", offset, size, 0) + rest
        assert seen("x.7z", data).safety.verdict is Verdict.UNSCANNABLE
    far = bytearray(FILES["compressed"])
    far[-31] = 200  # where the listing lies
    assert seen("x.7z", bytes(far)).safety.verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize("name", FILES)
def test_wrong_bytes_never_raise(name: str) -> None:
    choices = random.Random(5)
    for _ in range(400):
        data = bytearray(FILES[name])
        for _ in range(3):
            data[choices.randrange(8, len(data))] = choices.randrange(256)
        look("x.7z", bytes(data))
