"""Exporting what a run collected to a file that the operator names; nothing is overwritten without asking."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from healthdesk.api.proof import ProofSync
from healthdesk.client.files import whole_file
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.format import line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

FORMATS = (("csv", "CSV"), ("json", "JSON"))


async def export_proof(screen: DeskScreen, proof: ProofSync, run_id: str) -> str:
    """Ask for a file and a format, and write what the run collected."""
    day = screen.view().now.date().isoformat()
    begin = re.sub(r"[^a-z0-9]+", "-", proof.name.lower()).strip("-")[:60] or "proof"
    form = partial(
        Form,
        f"Export · {proof.name}",
        [
            Field("format", "Format", "csv", options=FORMATS),
            Field(
                "path",
                "File",
                hint=f"{begin}-{day}.csv",
                help=lambda values: (
                    f"On the host this screen runs on. Empty: {Path.cwd() / _named(values, begin, day)}",
                ),
            ),
        ],
        button="Export",
        doing="Exporting…",
    )

    async def send(values: Values) -> str:
        path = absolute(values["path"].strip() or _named(values, begin, day))
        overwrite = await may_write(screen, path)
        kind: Literal["csv", "json"] = "json" if values["format"] == "json" else "csv"
        data = await screen.client.proof_export(proof.id, run_id, kind)
        with written(path, overwrite=overwrite) as file:
            file.write(data)
        return f"Exported to {path}."

    return await ask_until_taken(screen, form, send) or ""


def _named(values: Values, begin: str, day: str) -> str:
    return f"{begin}-{day}.{values.get('format', 'csv')}"


def absolute(text: str) -> Path:
    """Return the file that a text names, from where the screen runs."""
    return Path(text).expanduser().absolute()


def _is_there(path: Path) -> bool:
    if path.is_dir():
        raise HealthdeskError(f"{path} is a folder", fix="Name a file in it.")
    return path.exists()


async def may_write(screen: DeskScreen, path: Path) -> bool:
    """Return whether a file is overwritten: asked where there is one; HealthdeskError where nothing may be written."""
    if not _is_there(path):
        return False
    if not isinstance(screen.app.screen, Form):  # a form that was left is no place to ask
        raise HealthdeskError(f"{path} exists already", fix="Name another file.")
    told = [line(f"{path} exists already. What it holds is lost.")]
    question = Question(
        "Overwrite the file", told, (("overwrite", "Overwrite"),), ascii_only=screen.ascii_only
    )
    if await screen.ask(question) is None:
        raise HealthdeskError("Nothing was written", fix="Name another file.")
    return True


@contextlib.contextmanager
def written(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """Give a file to write to, as `whole_file` does; HealthdeskError where it cannot be written."""
    try:
        with whole_file(path, overwrite=overwrite) as file:
            yield file
    except FileExistsError as error:
        raise HealthdeskError(f"{path} was written meanwhile", fix="Name another file.") from error
    except OSError as error:
        raise HealthdeskError(
            f"{path} cannot be written: {error.strerror}", fix="Name another file."
        ) from error
