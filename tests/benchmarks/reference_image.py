#!/usr/bin/env python3
"""Build the image that the benchmarks measure, from PyPI and Debian packages.

    reference_image.py [--small] [--tag NAME]      build it (once) and print its name

The large one has 5 GB: some 100 distributions with their 60,000 files, 2 GiB of safetensors
in a Hugging Face cache, GGUF, ONNX, NumPy and pickles, in 10 layers. The small one has the same
layers with fewer and smaller files. Needs a Docker engine with BuildKit.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import parts  # noqa: E402 - a script beside the tests' modules

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CONTEXT", "build", "build_arguments", "buildkit", "reference_image", "use_engine"]

CONTEXT = HERE / "image"
TOOLS = HERE.parent.parent / "tools"
LARGE = "lading-bench/reference:large"
SMALL = "lading-bench/reference:small"
SMALL_ARGUMENTS = {"STACK": "small", "WEIGHTS_MIB": "64"}


def use_engine() -> None:
    """Have the docker CLI, and everything else that is started from here, use an engine.

    Raises:
        subprocess.CalledProcessError: there is none, and none can be started.
    """
    command = [sys.executable, str(TOOLS / "engine.py"), "up"]
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    os.environ["DOCKER_HOST"] = json.loads(found.stdout)["host"]


@contextlib.contextmanager
def buildkit() -> Iterator[dict[str, str]]:
    """Give an environment in which ``docker build`` is BuildKit's: with buildx, if it is here."""
    with tempfile.TemporaryDirectory(prefix="lading-bench-") as config:
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        program = parts.find("buildx")
        if program is not None:
            plugins = Path(config) / "cli-plugins"
            plugins.mkdir()
            (plugins / "docker-buildx").symlink_to(program)
            environment["DOCKER_CONFIG"] = config
        yield environment


def build_arguments(*, small: bool) -> list[str]:
    """Return the options that tell the image's size and base to ``docker build``."""
    base = subprocess.run(
        [sys.executable, str(TOOLS / "base_image.py")],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    arguments = {"BASE_IMAGE": base, **(SMALL_ARGUMENTS if small else {})}
    return [f"--build-arg={name}={value}" for name, value in arguments.items()]


def build(tag: str, *, small: bool) -> None:
    """Build the image under ``tag`` by plain ``docker build``.

    Raises:
        subprocess.CalledProcessError: the build failed; its output was shown.
    """
    settings = build_arguments(small=small)
    command = ["docker", "build", "--quiet", "--network=host", f"--tag={tag}", *settings]
    with buildkit() as environment:
        subprocess.run([*command, str(CONTEXT)], env=environment, stdout=sys.stderr, check=True)


def reference_image(*, small: bool, tag: str | None = None) -> str:
    """Return the name of the image; it is built when the engine does not have it."""
    name = tag or (SMALL if small else LARGE)
    inspected = subprocess.run(
        ["docker", "image", "inspect", name], capture_output=True, check=False
    )
    if inspected.returncode:
        build(name, small=small)
    return name


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--tag")
    options = parser.parse_args()
    try:
        use_engine()
        print(reference_image(small=options.small, tag=options.tag))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the image cannot be built: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
