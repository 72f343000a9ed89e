"""Checks connector folders for `healthdesk connectors lint`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from healthdesk.connectors.findings import Finding
from healthdesk.connectors.lint import lint
from healthdesk.errors import ManifestRefused


@dataclass(frozen=True, slots=True)
class LintReport:
    """The findings on some folders. Warnings leave it `ok`."""

    findings: tuple[Finding, ...]
    folders: int

    @property
    def ok(self) -> bool:
        """Whether each folder can be used as it is."""
        return not any(finding.level == "error" for finding in self.findings)

    def as_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return {"ok": self.ok, "findings": [asdict(finding) for finding in self.findings]}


def check_folders(folders: list[Path]) -> LintReport:
    """Return everything that is wrong with the folders."""
    findings: list[Finding] = []
    for folder in folders:
        try:
            # `lint .` is of the folder we are in, whose name matters.
            findings += lint(folder if folder.name and folder.name != ".." else folder.resolve())
        except ManifestRefused as error:
            findings += [finding for finding in error.findings if isinstance(finding, Finding)]
    return LintReport(tuple(findings), len(folders))
