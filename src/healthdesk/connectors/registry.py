"""Finds connector folders. Adding one edits no central file."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Self

from pydantic import ValidationError

from healthdesk.connectors.spec import CallbackManifest, Manifest
from healthdesk.errors import ConnectorError

MANIFEST = "manifest.toml"


class Registry:
    """The apps the desk can connect to, by id."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self._apps = {
            manifest.id: manifest for manifest in sorted(manifests, key=lambda each: each.name.lower())
        }

    @classmethod
    def builtin(cls) -> Self:
        """Read the folders that come with healthdesk."""
        return cls.from_folder(resources.files("healthdesk.connectors") / "builtin")

    @classmethod
    def from_folder(cls, folder: Traversable) -> Self:
        """Read every folder under `folder` that holds a manifest."""
        return cls(
            read_manifest(each) for each in folder.iterdir() if each.is_dir() and (each / MANIFEST).is_file()
        )

    def list(self) -> list[Manifest]:
        """Return every app, by name."""
        return list(self._apps.values())

    def get(self, app_id: str) -> Manifest:
        """Return one app; a ConnectorError suggests the nearest id."""
        manifest = self._apps.get(app_id)
        if manifest is None:
            near = difflib.get_close_matches(app_id, self._apps, n=1)
            fix = f"did you mean {near[0]}?" if near else "`healthdesk apps` lists those there are"
            raise ConnectorError(f"there is no app {app_id!r}", fix=fix, field="app")
        return manifest

    def callbacks_of(self, app_id: str) -> CallbackManifest | None:
        """Return what a connector says of callbacks; None where it says nothing, or where it was removed."""
        app = self._apps.get(app_id)
        return app.callbacks if app is not None else None

    def __contains__(self, app_id: object) -> bool:
        """Whether there is such an app."""
        return app_id in self._apps


def read_manifest(folder: Traversable) -> Manifest:
    """Read the manifest of one connector folder; a ConnectorError names the folder, the key and what is wrong."""
    where = f"{folder.name}/{MANIFEST}"
    try:
        manifest = Manifest.model_validate(tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ConnectorError(f"{where} is not TOML: {error}", fix="correct that line") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the manifest"
        raise ConnectorError(f"{where}: {key}: {first['msg'].lower()}", fix=f"correct {key}") from error
    if manifest.id.replace("-", "_") != folder.name:
        raise ConnectorError(
            f"{where}: the id {manifest.id} does not fit its folder",
            fix=f"name the folder {manifest.id.replace('-', '_')}",
        )
    return manifest
