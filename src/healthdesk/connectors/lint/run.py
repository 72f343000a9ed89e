"""Runs every check over one connector folder."""

from __future__ import annotations

import re
from importlib.resources.abc import Traversable

from healthdesk.connectors.app import CODE, App
from healthdesk.connectors.findings import Finding
from healthdesk.connectors.lint.expressions import check_expressions
from healthdesk.connectors.lint.fields import check_fields
from healthdesk.connectors.lint.names import check_names
from healthdesk.connectors.lint.notes import Notes
from healthdesk.connectors.lint.requests import check_requests
from healthdesk.connectors.lint.rules import check_rules
from healthdesk.connectors.lint.structure import check_structure
from healthdesk.connectors.reader import Source, read_folder
from healthdesk.errors import ConnectorError

CHECKS = (check_names, check_expressions, check_rules, check_requests, check_fields, check_structure)

_LINE = re.compile(r": line (\d+): ")


def lint(folder: Traversable) -> list[Finding]:
    """Return what is wrong with a folder, by line. Raises ManifestRefused for a manifest that cannot be read."""
    source = read_folder(folder)
    place = folder / CODE
    code = place.read_bytes().decode(errors="replace") if place.is_file() else ""
    found = set(findings_of(source, code))
    try:
        App.load(source.manifest, folder)
    except ConnectorError as error:
        line = _LINE.search(error.what)
        found.add(Finding(str(place), int(line[1]) if line else 1, "", error.what, error.fix))
    return sorted(found)


def findings_of(source: Source, code: str = "") -> list[Finding]:
    """Return what is wrong with a manifest, by line. `code` is the text of the folder's `connector.py`."""
    notes = Notes(source, code)
    for check in CHECKS:
        check(notes)
    return sorted(set(notes.findings))
