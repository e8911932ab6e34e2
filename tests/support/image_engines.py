"""An engine in memory, with what :class:`lading.image.docker.DockerImage` asks of a real one."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lading.engine.context import Endpoint
from lading.errors import EngineError
from lading_oci.digest import digest_of
from support.image_stores import config_of, docker_archive

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NAME", "MemoryEngine"]

NAME = "svc:1"


@dataclass
class MemoryEngine:
    """One image of an engine with overlay2; its layers are tars, lowest first.

    ``changed`` replaces keys of what the engine says of the image, ``status`` of itself;
    ``directories`` are where its layers lie, in the order of ``layers``; of what is in
    ``refuses`` it answers with an error: ``create``, or the number of an archive.
    """

    layers: list[bytes]
    changed: Mapping[str, Any] = field(default_factory=dict)
    status: object = field(default_factory=lambda: [["Native Overlay Diff", "true"]])
    directories: list[str] | None = None
    refuses: tuple[str, ...] = ()
    endpoint: Endpoint = field(default_factory=lambda: Endpoint("unix:///run/engine.sock", "test"))
    steps: list[dict[str, Any]] = field(default_factory=list)
    containers: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    closed: int = 0

    @property
    def image_id(self) -> str:
        """The digest of the image's configuration."""
        return digest_of(config_of(self.layers))

    def places(self) -> list[str]:
        """Return the layers' directories, lowest first."""
        return self.directories or [f"/var/lib/docker/{at}/diff" for at in range(len(self.layers))]

    def inspect_image(self, name: str) -> dict[str, Any]:
        """Return what ``GET /images/NAME/json`` holds."""
        self.asked.append(f"inspect {name}")
        upper, *lower = reversed(self.places())
        data = {"UpperDir": upper, **({"LowerDir": ":".join(lower)} if lower else {})}
        return {
            "Id": self.image_id,
            "Os": "linux",
            "Architecture": "amd64",
            "RepoDigests": [f"svc@sha256:{'d' * 64}"],
            "RootFS": {"Type": "layers", "Layers": [digest_of(layer) for layer in self.layers]},
            "GraphDriver": {"Name": "overlay2", "Data": data},
            **self.changed,
        }

    def history(self, name: str) -> list[dict[str, Any]]:
        """Return the steps, newest first."""
        self.asked.append(f"history {name}")
        return self.steps

    def info(self) -> dict[str, Any]:
        """Return what the engine says of itself."""
        return {"DriverStatus": self.status}

    def create_container(self, image_id: str, binds: Mapping[str, str] | None = None) -> str:
        """Make a container, with directories mounted."""
        assert image_id == self.image_id
        if "create" in self.refuses:
            raise EngineError("the engine cannot create a container of the image")
        name = f"container-{len(self.asked)}"
        self.asked.append("create")
        self.containers[name] = {place: source for source, place in (binds or {}).items()}
        return name

    def remove_container(self, container: str) -> None:
        """Forget a container."""
        del self.containers[container]

    def archive(self, container: str, path: str) -> io.BytesIO:
        """Return the tar of a directory that is mounted."""
        source = self.containers[container][path.removesuffix("/.")]
        number = self.places().index(source)
        self.asked.append(f"archive {number}")
        if str(number) in self.refuses:
            raise EngineError("the engine does not send its bytes")
        return io.BytesIO(self.layers[number])

    def exists(self, container: str, path: str) -> bool:
        """Say whether the merged view has a path: only ``/etc`` here."""
        assert container in self.containers
        self.asked.append(f"exists {path}")
        return path == "/etc"

    def save(self, image_id: str) -> io.BytesIO:
        """Return what ``docker save`` writes."""
        assert image_id == self.image_id
        self.asked.append("save")
        return io.BytesIO(docker_archive(self.layers))

    def close(self) -> None:
        """Count."""
        self.closed += 1
