"""Models that packages of npm's and dpkg's brought know which."""

from __future__ import annotations

import pytest

from lading.inventory import Package, PackageFile
from lading.packages import shippers_of

DIGEST = b"0123456789abcdef0123456789abcdef"


def module(path: str, name: str) -> Package:
    return Package(f"pkg:npm/{name}@1.0", name, "1.0", "npm", path=f"{path}/package.json")


def debian(name: str, *paths: str, info: str = "") -> tuple[Package, PackageFile]:
    listed = b"".join(DIGEST + b"  " + path.encode() + b"\n" for path in paths)
    file = PackageFile(f"var/lib/dpkg/info/{info or name}.md5sums", listed)
    return Package(f"pkg:deb/debian/{name}@1", name, "1", "deb", path="var/lib/dpkg/status"), file


VAD = module("app/node_modules/@acme/vad", "vad")
INNER = module("app/node_modules/@acme/vad/node_modules/net", "net")
APP = module("app", "app")


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("app/node_modules/@acme/vad/dist/silero.onnx", VAD),
        ("app/node_modules/@acme/vad/node_modules/net/x.tflite", INNER),
        ("app/node_modules/@acme/other/x.onnx", None),
        ("app/models/x.onnx", None),
    ],
)
def test_a_module_of_npm_owns_what_lies_in_it(path: str, owner: Package | None) -> None:
    found = shippers_of([path], [VAD, INNER, APP], [])
    assert dict(found) == ({path: owner} if owner else {})


def test_a_package_of_debian_owns_what_it_lists() -> None:
    model = "usr/share/dlib/shape_predictor_68_face_landmarks.dat"
    dlib, first = debian("libdlib-data", model, "usr/share/doc/libdlib-data/copyright")
    other, second = debian("other", f"{model}.old", info="other:amd64")
    _, gone = debian("gone", "usr/share/gone.onnx")
    paths = [model, "usr/share/gone.onnx", "opt/x.onnx"]
    assert dict(shippers_of(paths, [dlib, other], [second, first, gone])) == {model: dlib}
    assert dict(shippers_of([f"{model}.old"], [other], [second])) == {f"{model}.old": other}
    assert dict(shippers_of(paths, [], [first])) == {}
