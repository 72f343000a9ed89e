"""Where the checks put what they find."""

from __future__ import annotations

import re
from typing import Literal

from healthdesk.connectors.findings import Finding
from healthdesk.connectors.reader import Source, dotted
from healthdesk.connectors.toml_lines import Path


class Notes:
    """The findings on one manifest. `code` is the text of its `connector.py`, or nothing."""

    def __init__(self, source: Source, code: str) -> None:
        self.source = source
        self.manifest = source.manifest
        self.code = code
        self.findings: list[Finding] = []

    def error(self, path: Path, reason: str, fix: str) -> None:
        """Note what cannot work."""
        self._add(path, reason, fix, "error")

    def warn(self, path: Path, reason: str, fix: str) -> None:
        """Note what may be meant, and mostly is not."""
        self._add(path, reason, fix, "warning")

    def in_code(self, name: str) -> bool:
        """Tell whether the folder's code names it."""
        return re.search(rf"\b{name}\b", self.code) is not None

    def _add(self, path: Path, reason: str, fix: str, level: Literal["error", "warning"]) -> None:
        source = self.source
        self.findings.append(Finding(source.file, source.line(path), dotted(path), reason, fix, level))
