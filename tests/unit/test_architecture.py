"""The cut between the rooms, held: who may import whom, and what the fast path must not load."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {
    "lading": ROOT / "builder" / "lading",
    "lading_oci": ROOT / "oci" / "lading_oci",
    "lading_templates": ROOT / "templates" / "lading_templates",
}

#: Modules at the top of ``lading`` that every room may use.
COMMON = {
    "caching",
    "errors",
    "exit_codes",
    "limits",
    "records",
    "programs",
    "inputs",
    "inventory",
    "root_digest",
    "spliced",
    "zstd_frames",
    "",
}

#: Room → rooms of ``lading`` it may import besides itself and COMMON. ``lading_oci`` is open to
#: those in OCI_USERS.
ALLOWED: dict[str, set[str]] = {
    "engine": set(),
    "image": {"engine"},
    "models": set(),
    "packages": set(),
    "bom": {"models"},
    "attest": set(),
    "reports": {"attest", "bom"},
    "policy": {"attest", "bom", "reports"},
    "trust": {"attest", "config"},
    "hub": set(),
    "usecases": {
        "engine",
        "image",
        "models",
        "packages",
        "bom",
        "attest",
        "policy",
        "reports",
        "hub",
    },
    "config": set(),
}
OCI_USERS = {"image", "usecases", "cli", "attest", "errors", "records"}

#: Slow to import: only inside the functions that need them.
HEAVY = {
    "docker", "oras", "sigstore", "huggingface_hub", "rich", "requests", "numpy",
    "jsonschema_rs", "securesystemslib", "yaml", "zstandard", "cyclonedx",
}  # fmt: skip

#: Built upon a slow library, and therefore imported like one.
DEFERRED = {"lading.attest.sessions"}

#: The only modules that run programs or open sockets.
SUBPROCESS_USERS = {
    "lading.engine.builder",
    "lading.engine.git",
    "lading.hub.git_run",
    "lading.packages.syft_run",
    "lading.packages.syft_find",
    "lading.policy.opa",
    "lading_oci.helpers",
}


def _modules() -> list[tuple[str, Path]]:
    found = []
    for package, directory in SOURCES.items():
        for path in sorted(directory.rglob("*.py")):
            parts = [package, *path.relative_to(directory).with_suffix("").parts]
            found.append((".".join(parts).removesuffix(".__init__"), path))
    return found


MODULES = _modules()


def _imports(path: Path, *, top_level_only: bool = False, for_types: bool = False) -> set[str]:
    """Return what a module imports; ``if TYPE_CHECKING`` blocks only ``for_types``."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif not for_types and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
        elif top_level_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        else:
            waiting += ast.iter_child_nodes(node)
    return found


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_arrows_between_rooms_run_one_way(module: str, path: Path) -> None:
    package, room = module.split(".")[0], _room(module)
    for imported in _imports(path):
        other_package, other_room = imported.split(".")[0], _room(imported)
        if package != "lading":
            assert other_package != "lading", f"{module} imports {imported}"
        elif other_package == "lading_oci":
            assert room in OCI_USERS, f"{module} imports {imported}"
        elif other_package == "lading" and room in ALLOWED:
            allowed = ALLOWED[room] | COMMON | {room, "__version__"}
            assert other_room in allowed, f"{module} imports {imported}"


def test_no_module_of_the_client_imports_itself_by_a_detour() -> None:
    """Imports for types and inside functions count too."""
    client = {
        name: _imports(path, for_types=True)
        for name, path in MODULES
        if name.startswith("lading_oci.")
    }
    arrows = {
        name: {other for other in client if other in imported or _has(imported, other)}
        for name, imported in client.items()
    }
    while leaves := [name for name, others in arrows.items() if not others & arrows.keys()]:
        for name in leaves:
            del arrows[name]
    assert arrows == {}, "what is left here is in a circle, or leads to one"


def _has(imported: set[str], module: str) -> bool:
    return any(one.startswith(f"{module}.") for one in imported)


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_slow_libraries_are_imported_where_they_are_needed(module: str, path: Path) -> None:
    imports = _imports(path, top_level_only=True)
    loaded = {imported.split(".")[0] for imported in imports}

    assert module in DEFERRED or not loaded & HEAVY
    assert not {imported.rpartition(".")[0] for imported in imports} & DEFERRED


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_every_exported_name_exists(module: str, path: Path) -> None:
    loaded = importlib.import_module(module)

    for name in getattr(loaded, "__all__", ()):
        assert getattr(loaded, name) is not None


def test_programs_are_run_in_few_places() -> None:
    users = {name for name, path in MODULES if "subprocess" in _imports(path)}

    assert users <= SUBPROCESS_USERS


def test_nothing_of_an_image_is_unpickled_or_evaluated() -> None:
    for name, path in MODULES:
        imported = {module.split(".")[0] for module in _imports(path)}
        assert not imported & {"pickle", "marshal", "shelve", "dill", "joblib", "torch"}, name
        tree = ast.parse(path.read_text())
        calls = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"eval", "exec", "__import__"}, name


def test_the_key_signed_verifying_path_loads_no_slow_library() -> None:
    code = (
        "import json, sys; sys.argv = ['lading'];"
        "from lading.cli import main;"
        "status = main(['verify', '--key', '/nonexistent.pub', 'registry:127.0.0.1:1/x:1']);"
        "import lading.usecases.verify, lading.attest.verifiers.key, lading_oci.registry;"
        "print(json.dumps([status, sorted({name.split('.')[0] for name in sys.modules})]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    status, loaded = json.loads(ran.stdout.splitlines()[-1])

    assert status == 22
    others = {"urllib3", "asyncio", "jsonschema", "email_validator", "typer", "pydantic"}
    costly = {"dataclasses", "inspect", "logging", "tempfile", "tomllib", "subprocess"}
    assert not set(loaded) & (HEAVY | others | costly)


def test_docker_starts_building_before_anything_slow_is_loaded(tmp_path: Path) -> None:
    from lading.attest.keys import generate

    key = tmp_path / "lading.key"
    key.write_bytes(generate("p256").private_pem)
    code = (
        "import json, sys; from lading.cli import build;"
        "from lading.engine.argv import parse_build;"
        "from lading.engine.sources import read_sources;"
        f"build._Settings({{'signing-key': {str(key)!r}}}).check();"
        f"read_sources(parse_build([{str(tmp_path)!r}]));"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    others = {"typer", "dataclasses", "inspect", "logging", "tomllib", "concurrent", "email"}
    assert not set(json.loads(ran.stdout)) & (HEAVY | others)


def test_source_files_stay_small() -> None:
    long = {name: count for name, path in MODULES if (count := _lines(path)) > 400}

    assert long == {}


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())
