"""Reads a manifest. Whatever is wrong with it is told with file, line, reason and fix."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import ValidationError

from healthdesk.connectors.findings import Finding, refusal
from healthdesk.connectors.spec import Manifest
from healthdesk.connectors.toml_lines import Path, line_of, lines_of
from healthdesk.connectors.wording import word

MANIFEST = "manifest.toml"
MOST_BYTES = 1_048_576
"""No manifest comes near it: what is larger is another file."""

_TOML_FIX = 'text needs quotes: key = "value"; a table starts with [name]'
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


@dataclass(frozen=True)
class Source:
    """A manifest, and where each part of it stands: looked for only when somebody asks, as few manifests are wrong."""

    manifest: Manifest
    file: str
    text: str

    @cached_property
    def lines(self) -> Mapping[Path, int]:
        """Return the line of every key, table and element."""
        return lines_of(self.text)

    def line(self, path: Path) -> int:
        """Return the line of a part, or of what is nearest around it."""
        return line_of(self.lines, path)


def read_folder(folder: Traversable) -> Source:
    """Read the manifest of a connector folder; ManifestRefused names file, line and reason."""
    place = folder / MANIFEST
    try:
        with place.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        fix = "`healthdesk connectors new` begins one"
        raise refusal([Finding(str(place), 1, "", "there is no such file", fix)]) from None
    except OSError as error:
        raise refusal(
            [Finding(str(place), 1, "", f"it cannot be read: {error.strerror or error}", "make it readable")]
        ) from None
    source = read_text(raw, str(place))
    wanted = source.manifest.id.replace("-", "_")
    if folder.name != wanted:
        finding = Finding(
            source.file,
            source.line(("id",)),
            "id",
            f"{source.manifest.id} does not fit its folder {folder.name}",
            f"name the folder {wanted}",
        )
        raise refusal([finding])
    return source


def read_text(raw: bytes, file: str) -> Source:
    """Read the bytes of a manifest; ManifestRefused names `file`, line and reason."""
    text = _decoded(raw, file)
    tree = _parsed(text, file)
    try:
        try:
            return Source(Manifest.model_validate(tree), file, text)
        except ValidationError as error:
            lines = lines_of(text)
            findings = []
            for each in error.errors():
                path, reason, fix = word(each)
                findings.append(Finding(file, line_of(lines, path), dotted(path), reason, fix))
    except RecursionError:
        raise refusal([Finding(file, 1, "", "it is nested too deep", "make it flatter")]) from None
    raise refusal(sorted(findings, key=lambda finding: finding.line))


def dotted(path: Path) -> str:
    """Return a path as people write it: `auth[0].fields`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _decoded(raw: bytes, file: str) -> str:
    if len(raw) > MOST_BYTES:
        raise refusal([Finding(file, 1, "", "it is longer than 1 MiB", "is it a manifest?")])
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise refusal([Finding(file, line, "", "it is not UTF-8 text", "save it as UTF-8")]) from None


def _parsed(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise refusal([Finding(file, 1, "", "it is nested too deep", "make it flatter")]) from None
    except ValueError as error:
        # Mostly a TOMLDecodeError; a number of more digits than Python reads is a plain ValueError.
        reason = str(error)
        place = _AT_LINE.search(reason)
        end = reason.removesuffix(" (at end of document)")
        line = int(place[1]) if place else text.count("\n") + 1 if end != reason else 1
        reason = end if place is None else reason[: place.start()]
        twice = reason.startswith("Cannot")
        fix = "it is there twice: remove one" if twice else _TOML_FIX
        raise refusal([Finding(file, line, "", f"it is not TOML: {reason}", fix)]) from None
