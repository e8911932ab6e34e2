"""An image in an engine: what it says of itself, and which way to its layers is gone."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest

from lading.engine.client import Engine
from lading.engine.context import Endpoint
from lading.errors import EngineError
from lading.image import docker_ways, open_image
from lading.image.docker import ARCHIVE, DIRECTORIES, SAVE, WAYS, DockerImage
from lading.image.interface import EntryKind
from lading.inventory import Platform
from lading_oci.digest import digest_of
from lading_oci.mediatypes import OCI_INDEX, OCI_MANIFEST
from support.image_engines import NAME, MemoryEngine
from support.image_stores import tar_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lading.image.interface import Entry

ONE, TWO = tar_of({"one": b"1"}), tar_of({"two": b"2"})
FAR = Endpoint("tcp://engine.example:2376", "test")


def opened(engine: MemoryEngine, name: str = NAME, **options: Any) -> DockerImage:
    return DockerImage(cast("Engine", engine), name, **options)


def paths(entries: Iterator[Entry]) -> list[str]:
    return [entry.path for entry in entries if entry.kind is not EntryKind.UNCERTAIN]


def scanned(engine: MemoryEngine, *ways: str) -> tuple[str | None, list[list[str]]]:
    """Return the way that was gone, and the names in each layer, lowest first."""
    with opened(engine, ways=ways or WAYS) as image:
        diff_ids = [layer.diff_id for layer in image.facts.layers]
        found = image.scan(paths, diff_ids)
        assert engine.containers == {}, "containers do not outlive the scan"
        return image.how, [found[diff_id] for diff_id in diff_ids]


# -- the ways ----------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    """Directories as overlay2 has them, one a layer, lowest first."""
    for layer, name in (("a", "one"), ("b", "two")):
        (tmp_path / layer).mkdir()
        (tmp_path / layer / name).write_bytes(b"1")
    return [str(tmp_path / layer) for layer in "ab"]


def test_directories_that_can_be_read_are(
    places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_ways, "_sees_everything", lambda: True)
    engine = MemoryEngine([ONE, TWO], directories=places)
    assert scanned(engine) == (DIRECTORIES, [["one"], ["two"]])
    assert not {"create", "save"} & set(engine.asked), "nothing is sent"


@pytest.mark.parametrize("endpoint", [FAR, Endpoint("unix:///run/engine.sock", "test")])
def test_the_engine_sends_directories_that_cannot_be_read(
    endpoint: Endpoint, places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another machine's engine, the same paths may be anybody's here."""
    monkeypatch.setattr(docker_ways, "_sees_everything", lambda: endpoint is FAR)
    engine = MemoryEngine([ONE, TWO], directories=places, endpoint=endpoint)
    assert scanned(engine) == (ARCHIVE, [["one"], ["two"]])


def test_two_layers_are_read_at_a_time_and_the_largest_is_sent_first(
    places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_ways, "_sees_everything", lambda: True)
    steps = [{"Size": 7}, {"Size": 0, "CreatedBy": "ENV"}, {"Size": 9}]  # newest first
    digests = [digest_of(ONE), digest_of(TWO)]
    engine = MemoryEngine([ONE, TWO], directories=places, steps=steps)
    told: list[str] = []
    with opened(engine, ways=[DIRECTORIES]) as image:
        image.scan(paths, digests, lambda diff_id, _: told.append(diff_id))
    assert sorted(told) == sorted(digests)
    told.clear()
    with opened(engine, ways=[ARCHIVE]) as image:
        image.scan(paths, digests, lambda diff_id, _: told.append(diff_id))
    assert sorted(told) == sorted(digests)
    assert next(one for one in engine.asked if "archive" in one) == "archive 0"


def test_directories_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_ways, "_sees_everything", lambda: True)
    engine = MemoryEngine([ONE, TWO], directories=["/nowhere/a", "/nowhere/b"])
    assert scanned(engine) == (ARCHIVE, [["one"], ["two"]])


def test_only_wanted_layers_are_asked_for() -> None:
    engine = MemoryEngine([ONE, TWO], endpoint=FAR)
    with opened(engine) as image:
        assert image.scan(paths, []) == {}
        assert image.scan(paths, [digest_of(b"another's")]) == {}
        assert image.how is None
        assert image.scan(paths, [digest_of(TWO)]) == {digest_of(TWO): ["two"]}
    assert [one for one in engine.asked if one.startswith("archive")] == ["archive 1"]


def test_an_archive_does_not_show_opaque_directories() -> None:
    """What it cannot show is said, so that the merged view is asked."""
    engine = MemoryEngine([ONE], endpoint=FAR)
    with opened(engine) as image:
        kinds = image.scan(lambda entries: [one.kind for one in entries], [digest_of(ONE)])
    assert kinds == {digest_of(ONE): [EntryKind.UNCERTAIN, EntryKind.FILE]}


@pytest.mark.parametrize(
    "changed",
    [
        {"GraphDriver": None},
        {"GraphDriver": {"Name": "overlay2"}},
        {"GraphDriver": {"Name": "btrfs", "Data": {"UpperDir": "/a"}}},
        {"GraphDriver": {"Name": "overlay2", "Data": {"UpperDir": 1}}},
        {"GraphDriver": {"Name": "overlay2", "Data": {"UpperDir": "/a", "LowerDir": None}}},
        {"GraphDriver": {"Name": "overlay2", "Data": {"UpperDir": "/a"}}},
        {"GraphDriver": {"Name": "overlay2", "Data": {"UpperDir": "/a", "LowerDir": "b"}}},
    ],
)
def test_other_stores_are_saved(changed: dict[str, Any]) -> None:
    engine = MemoryEngine([ONE, TWO], changed=changed)
    assert scanned(engine) == (SAVE, [["one"], ["two"]])


@pytest.mark.parametrize("status", [None, [], [["Native Overlay Diff", "false"]]])
def test_directories_of_references_are_not_read(status: object) -> None:
    assert scanned(MemoryEngine([ONE, TWO], status=status))[0] == SAVE


@pytest.mark.parametrize("refuses", ["create", "1"])
def test_an_engine_that_refuses_the_mounts_saves(refuses: str) -> None:
    engine = MemoryEngine([ONE, TWO], endpoint=FAR, refuses=(refuses,))
    assert scanned(engine) == (SAVE, [["one"], ["two"]])
    assert scanned(MemoryEngine([ONE, TWO]), SAVE) == (SAVE, [["one"], ["two"]])


def test_an_engine_that_breaks_off_is_not_asked_in_another_way() -> None:
    """A layer was scanned already: no second result of it."""
    engine = MemoryEngine([ONE, TWO], endpoint=FAR, refuses=("0",))
    with opened(engine) as image, pytest.raises(EngineError, match="does not send"):
        image.scan(paths, [digest_of(ONE), digest_of(TWO)])
    assert engine.containers == {}
    assert "save" not in engine.asked


def test_no_way_is_open() -> None:
    with opened(MemoryEngine([ONE], status=[]), ways=(DIRECTORIES, ARCHIVE)) as image:
        with pytest.raises(EngineError, match="cannot be read in the ways") as caught:
            image.scan(paths, [digest_of(ONE)])
        assert caught.value.got == "directories, archive"
        assert image.how is None


# -- who may read directories -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "capabilities", "mapped", "answer"),
    [
        (0, "000001ffffffffff", "0 0 4294967295", True),
        (1000, "000001ffffffffff", "0 0 4294967295", False),
        (0, "00000000a80425fb", "0 0 4294967295", False),  # a container's usual set
        (0, "000001ffffffffff", "0 1000 1", False),  # root of a user namespace
        (0, None, "0 0 4294967295", False),
    ],
)
def test_only_the_machines_root_sees_all_of_a_layer(
    user: int, capabilities: str | None, mapped: str, answer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "/proc/self/status": f"Name: x\nCapEff:\t{capabilities}\n" if capabilities else "Name: x\n",
        "/proc/self/uid_map": f"         {mapped}\n",
    }
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr(docker_ways.Path, "read_text", lambda path, **_: told[str(path)])
    assert docker_ways._sees_everything() is answer


def test_a_machine_without_proc_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: Path, **_: object) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(docker_ways.Path, "read_text", missing)
    assert docker_ways._sees_everything() is False


# -- facts --------------------------------------------------------------------------------------


def test_what_the_engine_says() -> None:
    steps = [
        {"CreatedBy": "COPY two", "Size": 10},
        {"CreatedBy": "ENV a=b", "Size": 0},
        {"CreatedBy": "COPY one", "Size": 10},
    ]
    engine = MemoryEngine([ONE, TWO], steps=steps)
    facts = opened(engine).facts
    assert (facts.name, facts.config_digest) == ("svc:1", engine.image_id)
    assert facts.manifest_digest == f"sha256:{'d' * 64}"
    assert facts.platform == Platform("linux", "amd64")
    assert [layer.created_by for layer in facts.layers] == ["COPY one", "COPY two"]


@pytest.mark.parametrize(
    "command",
    [
        "/bin/sh -c rm /srv/one",
        "RUN /bin/sh -c rm /srv/one # buildkit",
        "|1 WHAT=one /bin/sh -c rm /srv/$WHAT",
        "/bin/sh -c #(nop) COPY dir:0 in /srv ",
    ],
)
def test_a_command_that_takes_away_has_a_layer_without_bytes(command: str) -> None:
    steps = [
        {"CreatedBy": "/bin/sh -c #(nop)  CMD ['x']", "Size": 0},
        {"CreatedBy": command, "Size": 0},
        {"CreatedBy": "WORKDIR /srv", "Size": 0},
        {"CreatedBy": "COPY one", "Size": 10},
    ]
    facts = opened(MemoryEngine([ONE, TWO], steps=steps)).facts
    assert [layer.created_by for layer in facts.layers] == ["COPY one", command]
    facts = opened(MemoryEngine([ONE, TWO], steps=[steps[1], *steps[:3]])).facts
    assert [layer.created_by for layer in facts.layers] == [command, command]
    three = opened(MemoryEngine([ONE, TWO, b""], steps=steps)).facts
    assert [layer.created_by for layer in three.layers] == ["COPY one", "WORKDIR /srv", command]


@pytest.mark.parametrize("workdir", ["WORKDIR /srv", "/bin/sh -c #(nop) WORKDIR /srv"])
def test_a_layer_without_bytes_is_a_workdirs(workdir: str) -> None:
    steps = [
        {"CreatedBy": "COPY two", "Size": 10},
        {"CreatedBy": workdir, "Size": 0},
        {"CreatedBy": "ENV a=b WORKDIR c", "Size": 0},
    ]
    facts = opened(MemoryEngine([ONE, TWO], steps=steps)).facts
    assert [layer.created_by for layer in facts.layers] == [workdir, "COPY two"]
    facts = opened(MemoryEngine([ONE, TWO], steps=[*steps, steps[1]])).facts
    assert [layer.created_by for layer in facts.layers] == [None, None], "which is it?"


def test_a_name_gets_its_tag_and_an_id_none() -> None:
    engine = MemoryEngine([ONE])
    assert opened(engine, "svc").facts.name == "svc:latest"
    for name in (engine.image_id, engine.image_id[7:19]):
        facts = opened(engine, name).facts
        assert facts.name == engine.image_id
        assert facts.manifest_digest is None, "an ID is nobody's name"
    assert opened(engine, "Not A Name").facts.name == "Not A Name"


@pytest.mark.parametrize("listed", [None, [], [7], [f"other@sha256:{'e' * 64}"]])
def test_digests_of_other_repositories_are_not_this_images(listed: object) -> None:
    engine = MemoryEngine([ONE], changed={"RepoDigests": listed})
    assert opened(engine).facts.manifest_digest is None


@pytest.mark.parametrize(("kind", "index"), [(OCI_INDEX, True), (OCI_MANIFEST, False)])
def test_the_containerd_store_names_images_by_manifest_or_index(kind: str, index: bool) -> None:
    plain = MemoryEngine([ONE])
    described = {"digest": plain.image_id, "mediaType": kind}
    facts = opened(MemoryEngine([ONE], changed={"Descriptor": described})).facts
    told = plain.image_id
    assert facts.config_digest == ""
    assert (facts.manifest_digest, facts.index_digest) == ((None, told) if index else (told, None))


def test_another_platform_is_refused() -> None:
    engine = MemoryEngine([ONE])
    assert opened(engine, platform=Platform("linux", "amd64")).facts.platform.os == "linux"
    with pytest.raises(EngineError, match="another platform") as caught:
        opened(engine, platform=Platform("linux", "arm64"))
    assert (caught.value.got, caught.value.wanted) == ("linux/amd64", "linux/arm64")


@pytest.mark.parametrize("rootfs", [None, 7, {"Layers": ["not a digest"]}])
def test_an_engine_that_talks_nonsense(rootfs: object) -> None:
    engine = MemoryEngine([ONE], changed={"RootFS": rootfs, "Id": "nonsense"})
    with pytest.raises(Exception, match=r"digest|diff ID|ID"):
        opened(engine)


# -- the merged view, and the end --------------------------------------------------------------


def test_one_container_answers_every_question() -> None:
    engine = MemoryEngine([ONE])
    with opened(engine, close_engine=True) as image:
        assert [image.exists("etc"), image.exists("nothing")] == [True, False]
        assert list(engine.containers.values()) == [{}], "nothing is mounted"
    assert engine.containers == {}
    image.close()
    assert engine.asked.count("create") == 1
    assert engine.closed == 2


def test_who_asks_at_the_same_time_shares_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two that were created, one would never be removed."""
    engine = MemoryEngine([ONE])
    create = engine.create_container

    def slowly(*arguments: Any) -> str:
        time.sleep(0.05)
        return create(*arguments)

    monkeypatch.setattr(engine, "create_container", slowly)
    with opened(engine) as image, ThreadPoolExecutor(4) as pool:
        assert list(pool.map(image.exists, ["etc"] * 4)) == [True] * 4
    assert engine.asked.count("create") == 1
    assert engine.containers == {}


def test_an_engine_of_somebody_elses_stays_open() -> None:
    engine = MemoryEngine([ONE])
    image = open_image(f"docker:{NAME}", engine=cast("Engine", engine))
    image.close()
    assert engine.closed == 0


@pytest.mark.parametrize("platform", [None, "linux/arm64"])
def test_an_engine_of_our_own_is_closed(
    platform: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = MemoryEngine([ONE])
    monkeypatch.setattr(Engine, "connect", lambda: engine)
    if platform:
        with pytest.raises(EngineError, match="another platform"):
            open_image(f"docker:{NAME}", platform=platform)
    else:
        open_image(f"docker:{NAME}").close()
    assert engine.closed == 1
