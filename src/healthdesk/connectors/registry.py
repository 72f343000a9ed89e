"""Finds connector folders: those that come with healthdesk, those of installed packages, and those the config names.

Adding one edits no central file. A folder that cannot be used is left out and told, and the desk goes on.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Self

from healthdesk.connectors.app import App
from healthdesk.connectors.reader import MANIFEST, read_folder
from healthdesk.connectors.spec import CallbackManifest
from healthdesk.errors import ConnectorError

ENTRY_POINTS = "healthdesk.connectors"
"""The group of entry points. Each names a package whose folder is a connector."""


class Registry:
    """The apps the desk can connect to, by id. `refused` are the folders that cannot be used, each with its reason."""

    def __init__(self, apps: Iterable[App] = ()) -> None:
        self._apps: dict[str, App] = {}
        self.refused: list[ConnectorError] = []
        for app in apps:
            self._add(app)

    @classmethod
    def builtin(cls) -> Self:
        """Return the apps that come with healthdesk, read once in a process: they do not change while it runs."""
        read = _builtin()
        registry = cls(read.list())
        registry.refused += read.refused
        return registry

    @classmethod
    def from_folder(cls, folder: Traversable) -> Self:
        """Read every folder under `folder` that holds a manifest."""
        registry = cls()
        registry._add_each(_folders_in(folder))
        return registry

    @classmethod
    def everything(
        cls, folders: Iterable[Path] = (), packages: Iterable[metadata.EntryPoint] | None = None
    ) -> Self:
        """Read what comes with healthdesk, then installed packages, then `folders` of the config.

        The first to have an id keeps it. Each of `folders` is a connector or holds connectors.
        """
        registry = cls.builtin()
        for package in metadata.entry_points(group=ENTRY_POINTS) if packages is None else packages:
            registry.add_package(package)
        for folder in folders:
            registry.add_folder(folder)
        return registry

    def list(self) -> list[App]:
        """Return every app, by name."""
        return sorted(self._apps.values(), key=lambda app: app.name.lower())

    def get(self, app_id: str) -> App:
        """Return one app; a ConnectorError suggests the nearest id."""
        app = self._apps.get(app_id)
        if app is None:
            near = difflib.get_close_matches(app_id, self._apps, n=1)
            fix = f"did you mean {near[0]}?" if near else "`healthdesk apps` lists those there are"
            raise ConnectorError(f"there is no app {app_id!r}", fix=fix, field="app")
        return app

    def callbacks_of(self, app_id: str) -> CallbackManifest | None:
        """Return what a connector says of callbacks; None where it says nothing, or where it was removed."""
        app = self._apps.get(app_id)
        return app.manifest.callbacks if app is not None else None

    def __contains__(self, app_id: object) -> bool:
        """Whether there is such an app."""
        return app_id in self._apps

    def _add(self, app: App) -> None:
        there = self._apps.get(app.id)
        if there is None:
            self._apps[app.id] = app
            return
        self.refused.append(
            ConnectorError(
                f"{app.folder / MANIFEST}: the id {app.id} is taken by {there.folder}",
                fix="give the app another id, and its folder the same name",
                field="id",
            )
        )

    def _add_each(self, folders: Iterable[Traversable]) -> None:
        for folder in folders:
            try:
                self._add(App.load(read_folder(folder).manifest, folder))
            except ConnectorError as error:
                self.refused.append(error)

    def add_folder(self, folder: Path) -> None:
        """Take up a folder of the config: a connector, or a folder of connectors."""
        try:
            found = [folder] if (folder / MANIFEST).is_file() else list(_folders_in(folder))
        except OSError as error:
            self.refused.append(
                ConnectorError(
                    f"{folder}: the folder cannot be read: {error.strerror}",
                    fix="correct [connectors] folders in config.toml",
                )
            )
            return
        if not found:
            self.refused.append(
                ConnectorError(
                    f"{folder}: there is no {MANIFEST} in it, nor in the folders in it",
                    fix="correct [connectors] folders in config.toml",
                )
            )
        self._add_each(found)

    def add_package(self, package: metadata.EntryPoint) -> None:
        """Take up the package an entry point names; it is imported for that."""
        try:
            folder = resources.files(package.module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - it imports somebody else's package, which may raise anything
            self.refused.append(
                ConnectorError(
                    f"the package {package.value} (entry point {package.name}) cannot be imported: "
                    f"{type(error).__name__}: {error}",
                    fix="correct the package, or uninstall it",
                )
            )
            return
        if (folder / MANIFEST).is_file():
            self._add_each([folder])
            return
        self.refused.append(
            ConnectorError(
                f"the package {package.value} (entry point {package.name}) has no {MANIFEST}",
                fix=f"have the package include its {MANIFEST}",
            )
        )


def _folders_in(folder: Traversable) -> Iterator[Traversable]:
    """List the folders in a folder that hold a manifest, by name."""
    for each in sorted(folder.iterdir(), key=lambda found: found.name):
        if each.is_dir() and (each / MANIFEST).is_file():
            yield each


@cache
def _builtin() -> Registry:
    return Registry.from_folder(resources.files("healthdesk.connectors") / "builtin")
