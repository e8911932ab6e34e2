#!/usr/bin/env python3
"""The main job on real input, with every command shown before it runs.

Builds ``Dockerfile.example`` with ``lading build``, pushes it to a registry on loopback, verifies
it, and then tries three frauds that must be refused: a changed model under the same tag, a
stranger's key, and an attestation moved from another image. Ends with exit status 0 only if every
command ended as it should. `make demo` sets up what it needs; what this starts, it stops.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import base_image
import engine
import registry

ROOT = Path(__file__).resolve().parent.parent
WORK = Path(".demo")  # relative to ROOT, so that the printed commands can be typed
MODEL = Path("examples/ml-service/models/ticket-router-tiny/model.safetensors")
KEPT = "lading-demo/ml-service:latest"  # holds the build's layers for the next run
OK, NOT_VERIFIED, NO_ATTESTATION = 0, 10, 11  # of lading's exit statuses


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


@dataclass(slots=True)
class Demo:
    """The commands that were run, and how each ended."""

    env: dict[str, str]
    results: list[tuple[str, int, float]] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print a line of our own."""
        print(text, flush=True)

    def run(self, why: str, command: list[str], *, expect: tuple[int, ...] = (OK,)) -> None:
        """Say why, show the command, run it, and insist on one of the expected exit statuses."""
        wanted = " or ".join(map(str, expect))
        self.say(f"\n# {why}\n$ {shlex.join(command)}")
        start = time.monotonic()
        status = subprocess.run(command, cwd=ROOT, env=self.env, check=False).returncode
        took = time.monotonic() - start
        self.say(f"# exit status {status}, {took:.1f} s")
        self.results.append((why, status, took))
        if status not in expect:
            raise DemoError(f"`{shlex.join(command)}` ended with {status} instead of {wanted}")

    def ask(self, *command: str) -> str:
        """Return what a command prints, without showing it."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


def show_the_main_job(demo: Demo, image: str, options: list[str]) -> None:
    """Build, inspect, BOM, sign, push, verify."""
    key, public = str(WORK / "lading.key"), str(WORK / "lading.pub")
    demo.run(
        "A key pair to sign with; keyless signing needs none.",
        ["lading", "keygen", "-o", str(WORK / "lading")],
    )
    demo.run(
        "Approve a model: sign the list of its files.",
        ["lading", "attest", f"dir:{MODEL.parent}", "--signing-key", key],
    )
    demo.run(
        "Where you typed `docker build`: build, look inside, write the BOM, sign it, push both.",
        [
            "lading",
            "build",
            "--signing-key",
            key,
            *options,
            "-f",
            "Dockerfile.example",
            "-t",
            image,
            "--push",
            ".",
        ],
    )
    demo.ask("docker", "tag", image, KEPT)
    demo.run("What is in the image.", ["lading", "inspect", image])
    demo.run(
        "The same as one CycloneDX document.",
        ["lading", "bom", image, "-o", str(WORK / "bom.json")],
    )
    demo.run(
        "What is attached to it in the registry, and who signed it.", ["lading", "tree", image]
    )
    demo.run(
        "Before it is used: is this the image that was signed?",
        ["lading", "verify", "--key", public, image],
    )


def show_the_frauds(demo: Demo, image: str, options: list[str]) -> None:
    """A stranger's key, a changed model, a moved attestation: each must be refused."""
    key, public = str(WORK / "stranger"), str(WORK / "lading.pub")
    demo.run("A key pair of somebody else.", ["lading", "keygen", "-o", key])
    demo.run(
        "Signed, but not by the one we trust.",
        ["lading", "verify", "--key", f"{key}.pub", image],
        expect=(NOT_VERIFIED,),
    )

    signed = pushed_digest(demo, image)
    context = tampered_context()
    demo.say(f"\n# One byte of {MODEL.name} is changed in a copy of the sources, {context}.")
    demo.run(
        "The image with the changed model, by plain docker…",
        [
            "docker",
            "build",
            "--quiet",
            *options,
            "-f",
            str(context / "Dockerfile.example"),
            "-t",
            image,
            str(context),
        ],
    )
    demo.run("…pushed under the same tag.", ["docker", "push", "--quiet", image])
    tampered = pushed_digest(demo, image)
    demo.run(
        "Same name, another model inside.",
        ["lading", "verify", "--key", public, image],
        expect=(NOT_VERIFIED, NO_ATTESTATION),
    )
    demo.run(
        "Who may push may also move the genuine attestation to the forged image…",
        ["tools/move_attestation.py", image.rpartition(":")[0], signed, tampered],
    )
    demo.run(
        "…but what was signed names another digest.",
        ["lading", "verify", "--key", public, image],
        expect=(NOT_VERIFIED,),
    )
    demo.run(
        "The signed image itself, by digest, is as good as before.",
        ["lading", "verify", "--key", public, f"{image.rpartition(':')[0]}@{signed}"],
    )


def pushed_digest(demo: Demo, image: str) -> str:
    """Return the manifest digest under which the engine pushed ``image``."""
    found = demo.ask("docker", "image", "inspect", "--format", '{{join .RepoDigests " "}}', image)
    repository = image.rpartition(":")[0]
    for digest in found.split():
        if digest.startswith(f"{repository}@"):
            return digest.rpartition("@")[2]
    raise DemoError(f"the engine knows no pushed digest of {image}")


def tidy(demo: Demo, image: str) -> None:
    """Take the names that point into the demo's registry out of the engine, keep the layers."""
    repository = image.rpartition(":")[0]
    listed = ["docker", "images", "--digests", "--format", "{{.Tag}} {{.Digest}}", repository]
    with contextlib.suppress(subprocess.CalledProcessError):
        for line in demo.ask(*listed).splitlines():
            tag, digest = line.split()
            if digest != "<none>":
                demo.ask("docker", "rmi", f"{repository}@{digest}")
            if tag != "<none>":
                demo.ask("docker", "rmi", f"{repository}:{tag}")


def tampered_context() -> Path:
    """Copy the build context and change one byte of the model's last weight."""
    context = ROOT / WORK / "tampered"
    shutil.copytree(ROOT / "examples", context / "examples")
    for name in ("Dockerfile.example", ".dockerignore"):
        shutil.copy2(ROOT / name, context / name)
    content = bytearray((context / MODEL).read_bytes())
    content[-1] ^= 0x40
    (context / MODEL).write_bytes(content)
    return WORK / "tampered"


def summarise(demo: Demo) -> None:
    """Print one line per command."""
    demo.say("\nIn short (exit status: 0 yes; 10 not verified; 11 no attestation):")
    for why, status, took in demo.results:
        demo.say(f"  {status:3}  {took:6.1f} s  {why}")


def build_options(base: str) -> list[str]:
    """Return docker's options for a base image of our own making, none for the usual one."""
    if base == base_image.PULLED:
        return []
    return ["--network", "host", "--build-arg", f"BASE_IMAGE={base}"]


def environment(found: engine.Engine) -> dict[str, str]:
    """Return the environment of every command: the engine, our programs, a key password."""
    if found.own:
        os.environ["DOCKER_HOST"] = found.host
    path = os.pathsep.join((str(ROOT / ".venv" / "bin"), os.environ["PATH"]))
    return {
        **os.environ,
        "PATH": path,
        "XDG_DATA_HOME": str(ROOT / WORK / "data"),  # what is attested here is nobody's evidence
        "LADING_KEY_PASSWORD": secrets.token_urlsafe(24),
    }


def main() -> int:
    """Run the demo; exit status 1 with the reason when anything ends other than it should."""
    started = time.monotonic()
    shutil.rmtree(ROOT / WORK, ignore_errors=True)
    (ROOT / WORK).mkdir()
    with contextlib.ExitStack() as stack:
        try:
            found = engine.up()
            if found.started:
                stack.callback(engine.down)
            demo = Demo(environment(found))
            options = build_options(base_image.base_image())
            host, what = stack.enter_context(registry.running(demo.env))
            demo.say(f"# engine: {found.host}\n# registry: {host} ({what})")
            demo.say("# LADING_KEY_PASSWORD is set to a password made for this run")
            image = f"{host}/ml-service:demo"
            stack.callback(tidy, demo, image)
            show_the_main_job(demo, image, options)
            show_the_frauds(demo, image, options)
        except (
            DemoError,
            engine.EngineError,
            base_image.BaseImageError,
            registry.RegistryError,
        ) as error:
            print(f"\ndemo: {error}", file=sys.stderr)
            return 1
    summarise(demo)
    demo.say(
        f"\nEverything ended as it should, in {time.monotonic() - started:.0f} s. "
        f"Keys and BOM are in {WORK}/."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
