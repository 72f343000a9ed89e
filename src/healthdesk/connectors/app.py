"""An app the desk can connect to: its manifest, its folder, and the class that talks to it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
import zlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from types import ModuleType

from healthdesk.connectors.connector import Connector
from healthdesk.connectors.spec import Manifest
from healthdesk.errors import ConnectorError

CODE = "connector.py"


@dataclass(frozen=True)
class App:
    """One app. `connector` is `Connector`, or the class of that name in the folder's `connector.py`."""

    manifest: Manifest
    folder: Traversable
    connector: type[Connector] = Connector

    @property
    def id(self) -> str:
        """The id, such as `jira-cloud`."""
        return self.manifest.id

    @property
    def name(self) -> str:
        """What people call it."""
        return self.manifest.name

    @classmethod
    def load(cls, manifest: Manifest, folder: Traversable) -> App:
        """Return the app of a folder, its code imported; a ConnectorError names the file, the line and the reason."""
        if not (folder / CODE).is_file():
            return cls(manifest, folder)
        return cls(manifest, folder, _connector_of(folder))


def _connector_of(folder: Traversable) -> type[Connector]:
    where = f"{folder.name}/{CODE}"
    try:
        module = _imported(folder)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ConnectorError(
            f"{where}: {_line(error, folder)}{type(error).__name__}: {error}", fix="correct it"
        ) from error
    found = getattr(module, "Connector", None)
    if not (isinstance(found, type) and issubclass(found, Connector)):
        raise ConnectorError(
            f"{where} has no class Connector that is a subclass of healthdesk.connectors.connector.Connector",
            fix="name the class Connector and derive it",
        )
    return found


def _imported(folder: Traversable) -> ModuleType:
    """Import the folder's code: under its own name where it comes with healthdesk, else under one made of the folder's."""
    builtin = resources.files("healthdesk.connectors") / "builtin" / folder.name
    if str(builtin) == str(folder):
        return importlib.import_module(f"healthdesk.connectors.builtin.{folder.name}.connector")
    # two folders of one name are two modules
    name = f"healthdesk_connector_{folder.name}_{zlib.crc32(str(folder).encode()):08x}"
    with resources.as_file(folder) as place:
        spec = importlib.util.spec_from_file_location(
            name, place / CODE, submodule_search_locations=[str(place)]
        )
        if spec is None or spec.loader is None:
            raise ImportError("it cannot be imported")
        module = importlib.util.module_from_spec(spec)
        # while it is imported, `from . import other` looks for its own module there
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return module


def _line(error: BaseException, folder: Traversable) -> str:
    """Return `line 12: ` where the error came from the folder's code, else nothing."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: "
    code = str(folder / CODE)
    lines = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == code]
    return f"line {lines[-1]}: " if lines else ""
