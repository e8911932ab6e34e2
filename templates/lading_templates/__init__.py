"""Files that ``lading init`` writes into a user's project: package data under ``files/``.

:data:`TEMPLATES` says which there are, and where in a project each belongs.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Final

__all__ = ["DEFAULT", "TEMPLATES", "File", "Template"]


@dataclass(frozen=True, slots=True)
class File:
    """One file: its source under ``files/`` and its place in a project."""

    source: str
    path: str
    executable: bool = False

    def content(self) -> bytes:
        """Return its bytes."""
        return (resources.files(__name__) / "files" / self.source).read_bytes()


@dataclass(frozen=True, slots=True)
class Template:
    """Files that belong together, and what they are for in one line."""

    summary: str
    files: tuple[File, ...]


_SCHEMA: Final = File("policy/policy.schema.json", "policy/policy.schema.json")


def _policy(*names: str) -> tuple[File, ...]:
    return (*(File(f"policy/{name}", f"policy/{name}") for name in names), _SCHEMA)


TEMPLATES: Final[dict[str, Template]] = {
    "policy-permissive": Template(
        "refuse what is dangerous, report the rest", _policy("permissive.yaml")
    ),
    "policy-research": Template(
        "safe to load, licensed, with a known source", _policy("research.yaml")
    ),
    "policy-production": Template(
        "attested models, clean scans, no drift", _policy("production.yaml")
    ),
    "policy-license": Template("only models under the MIT licence", _policy("license.yaml")),
    "policy-license-rego": Template(
        "the same, decided in Rego", _policy("license-rego.yaml", "license.rego")
    ),
    "github-actions": Template(
        "a release workflow that signs keyless",
        (File("github/lading.yml", ".github/workflows/lading.yml"),),
    ),
    "gitlab-ci": Template(
        "the same for GitLab", (File("gitlab/lading.gitlab-ci.yml", "lading.gitlab-ci.yml"),)
    ),
    "jenkins": Template(
        "the same for Jenkins, with a key", (File("jenkins/Jenkinsfile", "Jenkinsfile"),)
    ),
    "deploy-script": Template(
        "verify, then docker run by the verified digest",
        (File("deploy/verify-and-run.sh", "deploy/verify-and-run.sh", executable=True),),
    ),
    "kubernetes": Template(
        "a Job and an init container that verify",
        (
            File("kubernetes/Dockerfile", "deploy/lading/Dockerfile"),
            File("kubernetes/verify-job.yaml", "deploy/lading/verify-job.yaml"),
            File("kubernetes/init-container.yaml", "deploy/lading/init-container.yaml"),
        ),
    ),
    "kyverno": Template(
        "a cluster policy that wants the seal",
        (File("kubernetes/kyverno.yaml", "deploy/lading/kyverno.yaml"),),
    ),
    "policy-controller": Template(
        "the same for Sigstore's policy-controller",
        (File("kubernetes/policy-controller.yaml", "deploy/lading/policy-controller.yaml"),),
    ),
}

#: What ``lading init`` writes when nothing is named.
DEFAULT: Final = ("policy-permissive", "policy-research", "policy-production")
