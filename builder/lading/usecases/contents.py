"""What one view of an image's layers has inside: models, data sets, packages, findings."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lading import models, packages
from lading.inventory import Fact, Origin
from lading.models.vocabulary import LICENSE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lading.inventory import Dataset, Finding, Model, Package, PackageFile, Platform, Tool
    from lading.packages import PythonResult, Syft
    from lading.packages.others import SyftResult
    from lading.usecases.views import View

__all__ = ["Contents", "ViewReader"]


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that readers make of one view."""

    view: View
    models: tuple[Model, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    packages: tuple[Package, ...] = ()
    findings: tuple[Finding, ...] = ()
    tools: tuple[Tool, ...] = ()


class ViewReader:
    """Reads views of an image for ``platform``; a context, at whose end nothing runs any more."""

    def __init__(self, platform: Platform, find_syft: Callable[[], Syft]) -> None:
        self.platform = platform
        self.find_syft = find_syft
        self._ahead: threading.Thread | None = None
        self._stopped = threading.Event()

    def foresee(self, view: View) -> None:
        """Have syft look at a view that may be the last one as far as syft sees it; once at most.

        What it finds is known by the files' digests: when the guess was right, :meth:`read` waits
        for the rest of that run instead of one of its own. A failure is left to :meth:`read`.
        """

        def run() -> None:
            with contextlib.suppress(Exception):
                self._others(view)

        self._ahead = threading.Thread(target=run, name="syft-ahead")
        self._ahead.start()

    def __enter__(self) -> ViewReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._stopped.set()
        if self._ahead is not None:
            self._ahead.join()

    def _others(self, view: View) -> SyftResult:
        return packages.os_packages(
            view.package_files, syft=self.find_syft, links=view.links, stopped=self._stopped
        )

    def read(self, view: View) -> Contents:
        """Return what ``view`` has inside; syft runs beside our own readers.

        Raises:
            InputError: syft failed, or is missing where it is needed.
        """
        # what a container sees is settled once, and not by two threads at the same time
        _ = view.package_files, view.links, view.model_files, view.changes
        with concurrent.futures.ThreadPoolExecutor(1, "syft") as pool:
            try:
                pending = pool.submit(self._others, view)
                python = packages.python_distributions(
                    view.package_files,
                    owned=(file.path for file in view.model_files),
                    changes=view.changes,
                    machine=self.platform.architecture,
                    system=self.platform.os,
                )
                grouped = models.group(view.model_files, view.links, shipped=python.owners)
                others = pending.result()
            except BaseException:
                self._stopped.set()  # else leaving the pool would wait for syft's end
                raise
        merged = packages.merge_packages(python, others, view.package_files, view.links)
        return Contents(
            view,
            _shipped(grouped.models, python, merged, view.package_files),
            grouped.datasets,
            merged,
            (*grouped.findings, *python.findings, *others.findings),
            (others.tool,) if others.tool else (),
        )


def _shipped(
    found: Sequence[Model],
    python: PythonResult,
    merged: Sequence[Package],
    files: Sequence[PackageFile],
) -> tuple[Model, ...]:
    """Say which package ships each model; without a licence of its own a model has that one's.

    That is a Python distribution, else one of npm's or dpkg's: the owner of the model's first
    file that has one.
    """
    purls = {package.purl: package for package in python.packages}
    owners = {path: purls[purl] for path, purl in python.owners.items() if purl in purls}
    bare = [one for one in found if not any(file.path in owners for file in one.files)]
    paths = {file.path for one in bare for file in one.files}
    owners |= packages.shippers_of(paths, merged, files) if paths else {}
    return tuple(_with_owner(one, owners) for one in found)


def _with_owner(model: Model, owners: Mapping[str, Package]) -> Model:
    owner = next((owners[file.path] for file in model.files if file.path in owners), None)
    if owner is None:
        return model
    facts = dict(model.facts)
    if owner.licenses and LICENSE not in facts:
        licence = " AND ".join(owner.licenses)
        facts[LICENSE] = Fact(licence, Origin.DECLARED, f"{owner.purl}: its own metadata")
    return dataclasses.replace(model, distribution=owner.purl, facts=facts)
