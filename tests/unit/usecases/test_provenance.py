"""The provenance predicate: what is stated about a build, and what is left open and said so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lading.attest.predicates import SLSA_PROVENANCE_V1
from lading.attest.provenance import LOCAL_BUILDER, builder_identity
from lading.attest.statement import Subject, build_statement, parse_statement
from lading.attest.times import claimed_time
from lading.engine.argv import parse_build
from lading.engine.builder import Builder
from lading.engine.dockerfile import BaseImage
from lading.engine.git import Commit
from lading.engine.probe import EngineImage
from lading.engine.sources import BuildSources
from lading.inventory import ImageFacts, LayerFacts, Platform
from lading.usecases.build import BuildRecord
from lading.usecases.buildkit import Material, materials
from lading.usecases.provenance import make_provenance

A, B, C = ("sha256:" + letter * 64 for letter in "abc")
STARTED = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
FINISHED = datetime(2026, 1, 2, 3, 5, 6, tzinfo=UTC)
IMAGE = ImageFacts("svc:1", Platform("linux", "amd64"), C, (LayerFacts(A, 1), LayerFacts(B, 1)))
CLASSIC = Builder(buildx=False)


def _predicate(
    *bases: BaseImage,
    engine: dict[str, EngineImage] | None = None,
    builder: Builder = CLASSIC,
    materials: tuple[Material, ...] = (),
    sources: BuildSources | None = None,
    words: tuple[str, ...] = ("-t", "svc:1", "."),
) -> dict[str, Any]:
    record = BuildRecord(
        parse_build(words),
        builder,
        sources or BuildSources("directory", bases=bases),
        STARTED,
        FINISHED,
        materials,
    )
    return make_provenance(record, [IMAGE], engine=(engine or {}).get, engine_version="28.2.2")


def _base(predicate: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [
        one for one in predicate["buildDefinition"]["resolvedDependencies"] if one["name"] == name
    ]
    return dict(found)


def test_the_predicate_is_a_statement_whose_time_is_the_builds_end() -> None:
    statement = parse_statement(
        build_statement([Subject("svc", {"sha256": C[7:]})], SLSA_PROVENANCE_V1, _predicate())
    )

    assert claimed_time(statement) == FINISHED
    metadata = statement.predicate["runDetails"]["metadata"]
    assert metadata["startedOn"] == "2026-01-02T03:04:05Z"


def test_command_and_builder() -> None:
    predicate = _predicate(words=("--build-arg", "TOKEN=hunter2", "-t", "svc:1", "."))

    definition = predicate["buildDefinition"]
    assert definition["externalParameters"]["command"] == [
        *("docker", "build", "--build-arg", "TOKEN=<redacted>", "--tag", "svc:1", "."),
    ]
    assert definition["internalParameters"] == {"builder": "classic", "engine": "28.2.2"}
    assert "hunter2" not in repr(predicate)


@pytest.mark.parametrize(
    ("changed", "ignored", "annotations"),
    [
        (0, 0, {"dirty": False, "changed": 0, "ignored": 0, "path": "app"}),
        (2, 1, {"dirty": True, "changed": 2, "ignored": 1, "path": "app"}),
        (None, None, {"dirty": "unknown", "path": "app"}),
    ],
)
def test_the_context_is_a_commit_and_its_state(
    changed: int | None, ignored: int | None, annotations: dict[str, Any]
) -> None:
    commit = Commit("1" * 40, "app", "https://example.org/a.git", changed, ignored)

    found = _base(_predicate(sources=BuildSources("directory", commit)), "context")

    assert found == {
        "name": "context",
        "uri": f"git+https://example.org/a.git@{'1' * 40}",
        "digest": {"gitCommit": "1" * 40},
        "annotations": annotations,
    }


def test_a_context_without_a_commit_says_so() -> None:
    stdin = _predicate(sources=BuildSources("stdin", unread="standard input"), words=("-",))
    url = _predicate(sources=BuildSources("url"), words=("https://me:hunter2@example.org/a.git",))

    assert "unresolved" in _base(stdin, "context")["annotations"]
    assert _base(stdin, "Dockerfile")["annotations"] == {"unresolved": "standard input"}
    assert _base(url, "context")["uri"] == "https://example.org/a.git"
    assert "digest" not in _base(url, "context")


def test_the_dockerfile_is_named_by_its_digest() -> None:
    sources = BuildSources("directory", None, "docker/Dockerfile", "f" * 64)

    found = _base(_predicate(sources=sources), "docker/Dockerfile")

    assert found["digest"] == {"sha256": "f" * 64}


def test_a_pinned_base_is_resolved_by_the_dockerfile() -> None:
    found = _base(_predicate(BaseImage("x", f"example.org/base:1@{A}")), f"example.org/base:1@{A}")

    assert found["digest"] == {"sha256": "a" * 64}
    assert found["annotations"] == {"resolved-by": "the Dockerfile"}
    assert found["uri"] == (
        f"pkg:oci/base@sha256%3A{'a' * 64}?repository_url=example.org/base&tag=1"
    )


def test_a_base_below_the_image_is_resolved_by_the_engine() -> None:
    engine = {"debian:12": EngineImage(B, (f"debian@{C}", f"other.example/debian@{B}"), (A,))}

    found = _base(
        _predicate(BaseImage("debian:12", "debian:12", final=True), engine=engine), "debian:12"
    )

    assert found["digest"] == {"sha256": "c" * 64}
    assert found["annotations"]["resolved-by"].startswith("the engine")


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (EngineImage(B, (f"debian@{C}",), (B,)), "not below"),
        (EngineImage(B, (), (A,)), "no one digest"),
        (EngineImage(B, (f"debian@{C}", f"debian@{A}"), (A,)), "no one digest"),
        (EngineImage(B, (f"other.example/debian@{C}",), (A,)), "no one digest"),
        (None, "did not tell"),
    ],
)
def test_a_base_that_nobody_knows_for_certain_is_a_name_only(
    image: EngineImage | None, why: str
) -> None:
    engine = {"debian:12": image} if image else {}

    found = _base(
        _predicate(BaseImage("debian:12", "debian:12", final=True), engine=engine), "debian:12"
    )

    assert "digest" not in found
    assert why in found["annotations"]["unresolved"]


def test_a_base_with_an_open_variable_is_told_as_written() -> None:
    found = _base(_predicate(BaseImage("debian-$TARGETARCH", None)), "debian-$TARGETARCH")

    assert "variable" in found["annotations"]["unresolved"]


def test_a_builder_with_its_own_cache_takes_nothing_from_the_engine() -> None:
    engine = {"debian:12": EngineImage(B, (f"debian@{C}",), (A,))}
    remote = Builder(buildx=True, driver="docker-container")

    found = _base(
        _predicate(BaseImage("debian:12", "debian:12"), engine=engine, builder=remote),
        "debian:12",
    )

    assert "digest" not in found


@pytest.mark.parametrize(
    ("base", "uri"),
    [
        ("debian:12", "pkg:docker/debian@12?platform=linux%2Famd64"),
        ("debian", "pkg:docker/debian@latest"),
        ("example.org:5000/a/b:1", "pkg:docker/example.org:5000/a/b@1?platform=linux%2Famd64"),
    ],
)
def test_buildkit_knows_what_it_resolved(base: str, uri: str) -> None:
    provenance = {"materials": [{"uri": uri, "digest": {"sha256": "d" * 64}}]}
    found = _base(_predicate(BaseImage(base, base), materials=materials(provenance)), base)

    assert found["digest"] == {"sha256": "d" * 64}
    assert found["annotations"] == {"resolved-by": "BuildKit"}


@pytest.mark.parametrize(
    "odd", [None, 7, [], {}, {"materials": 7}, {"materials": [7, {"uri": 7}, {"digest": {}}]}]
)
def test_materials_of_another_shape_are_none(odd: object) -> None:
    assert materials(odd) == ()


def test_materials_of_provenance_v1_are_read_too() -> None:
    listed = [{"uri": "pkg:docker/debian@12", "digest": {"sha256": "d" * 64}}]

    found = materials({"buildDefinition": {"resolvedDependencies": listed}})

    assert found == (Material("pkg:docker/debian@12", {"sha256": "d" * 64}),)


def test_ci_services_are_builders_by_their_own_names() -> None:
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/svc",
        "GITHUB_WORKFLOW_REF": "acme/svc/.github/workflows/release.yml@refs/tags/v1",
        "GITHUB_RUN_ID": "7",
    }
    gitlab = {
        "GITLAB_CI": "true",
        "CI_PROJECT_URL": "https://gitlab.com/acme/svc",
        "CI_RUNNER_ID": "9",
        "CI_JOB_URL": "https://gitlab.com/acme/svc/-/jobs/3",
    }

    assert builder_identity(github) == (
        "https://github.com/acme/svc/.github/workflows/release.yml@refs/tags/v1",
        "https://github.com/acme/svc/actions/runs/7/attempts/1",
    )
    assert builder_identity(gitlab) == (
        "https://gitlab.com/acme/svc/-/runners/9",
        "https://gitlab.com/acme/svc/-/jobs/3",
    )
    assert builder_identity({}) == (LOCAL_BUILDER, None)


def test_paths_that_are_not_utf_8_are_escaped_and_others_whole_in_any_locale() -> None:
    """The build of such a context must not fail where docker's does not."""
    context = "caf\udce9/\udcc3\udcbc"  # café in Latin-1, ü in UTF-8, in the locale C
    sources = BuildSources("directory", dockerfile="\udcff.df", dockerfile_sha256="a" * 64)
    predicate = _predicate(sources=sources, words=("--label", "a=\udcff", context))

    data = build_statement([Subject("svc", {"sha256": C[7:]})], SLSA_PROVENANCE_V1, predicate)
    command = predicate["buildDefinition"]["externalParameters"]["command"]
    assert command[-1] == "caf\\xe9/ü"
    assert command[-2].endswith("\\xff")
    assert b"udc" not in data
