"""SLSA provenance v1 of a ``docker build`` (https://slsa.dev/spec/v1.0/provenance).

``docs/formats/provenance.md`` says what each field means. The predicate is the builder's own
account of itself: whoever signs it vouches for it, nothing else does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

__all__ = ["BUILD_TYPE", "LOCAL_BUILDER", "Dependency", "build_provenance", "builder_identity"]

BUILD_TYPE: Final = "https://lading.dev/build/docker/v1"
LOCAL_BUILDER: Final = "https://lading.dev/builder/local/v1"


@dataclass(frozen=True, slots=True)
class Dependency:
    """An in-toto ResourceDescriptor; without ``digest`` only its name is known."""

    name: str
    uri: str | None = None
    digest: Mapping[str, str] = field(default_factory=dict)
    media_type: str | None = None
    annotations: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor, absent fields left out."""
        fields = {
            "name": self.name,
            "uri": self.uri,
            "digest": dict(self.digest),
            "mediaType": self.media_type,
            "annotations": dict(self.annotations),
        }
        return {name: value for name, value in fields.items() if value}


def builder_identity(environ: Mapping[str, str]) -> tuple[str, str | None]:
    """Return ``builder.id`` and the invocation's URL, as a CI service tells them in its variables.

    Outside of one, the builder is :data:`LOCAL_BUILDER`: somebody's machine, not named.
    """
    if environ.get("GITHUB_ACTIONS") == "true" and environ.get("GITHUB_WORKFLOW_REF"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        run = environ.get("GITHUB_RUN_ID")
        attempt = environ.get("GITHUB_RUN_ATTEMPT", "1")
        where = f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"
        return (
            f"{server}/{environ['GITHUB_WORKFLOW_REF']}",
            f"{where}/attempts/{attempt}" if run else None,
        )
    if environ.get("GITLAB_CI") == "true" and environ.get("CI_PROJECT_URL"):
        runner = environ.get("CI_RUNNER_ID", "")
        return f"{environ['CI_PROJECT_URL']}/-/runners/{runner}", environ.get("CI_JOB_URL")
    return LOCAL_BUILDER, None


def build_provenance(
    *,
    parameters: Mapping[str, Any],
    internal: Mapping[str, Any],
    dependencies: Sequence[Dependency],
    builder: str,
    versions: Mapping[str, str],
    invocation: str | None,
    started: datetime,
    finished: datetime,
    byproducts: Sequence[Dependency] = (),
) -> dict[str, Any]:
    """Return the predicate; ``started`` and ``finished`` have a time zone, UTC."""
    metadata = {
        "invocationId": invocation,
        "startedOn": _time(started),
        "finishedOn": _time(finished),
    }
    details: dict[str, Any] = {
        "builder": {"id": builder, "version": dict(versions)},
        "metadata": {name: value for name, value in metadata.items() if value},
    }
    if byproducts:
        details["byproducts"] = [one.to_json() for one in byproducts]
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": dict(parameters),
            "internalParameters": dict(internal),
            "resolvedDependencies": [one.to_json() for one in dependencies],
        },
        "runDetails": details,
    }


def _time(when: datetime) -> str:
    return when.replace(microsecond=0).isoformat().replace("+00:00", "Z")
