"""Every dataset of every app is collected, kept once while it stays the same, and compared when it changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from tests.connectors.apps.fake import FakeApp, Fault, Handler
from tests.connectors.apps.test_apps import FAKES
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.proof_desk import add_sync, collect, rows_of

from healthdesk.testing import FakeClock

EVERY = [
    pytest.param(each, name, id=f"{each.app_id}-{each.auth}-{name}")
    for each in FAKES
    for name in each.datasets
]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock()) as made:
        yield made


class Edited:
    """Lets a fake answer with one text in the place of another, as if somebody had edited it in the app."""

    def __init__(self, fake: FakeApp) -> None:
        self.was = self.now = ""
        self.told = ""
        self._through = fake._middleware
        fake._middleware = self._answer  # type: ignore[method-assign]

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await self._through(request, handler)
        if isinstance(answer, web.Response) and answer.text:
            self.told += answer.text
            if self.was:
                answer.text = self._quoted(answer.text.replace)
        return answer

    def _quoted(self, replace: Callable[[str, str], str]) -> str:
        begin, end = ("<", ">") if f">{self.was}<" in self.told else ('"', '"')
        begin, end = (end, begin) if begin == "<" else (begin, end)
        return replace(f"{begin}{self.was}{end}", f"{begin}{self.now}{end}")

    def edit(self, rows: list[dict[str, str]], id_column: str) -> None:
        """Change a text that the app told as it is, of those that are in the fewest rows."""
        cells = Counter(
            cell
            for row in rows
            for key, cells in row.items()
            for cell in cells.split(", ")
            if key != id_column and (f'"{cell}"' in self.told or f">{cell}<" in self.told)
        )
        self.was = min(cells, key=lambda cell: (cells[cell], -len(cell), cell))
        self.now = f"{self.was}x"


def test_there_are_at_least_twelve_datasets() -> None:
    assert len({(each.app_id, name) for each in FAKES for name in each.datasets}) >= 12


@pytest.mark.parametrize(("kind", "dataset"), EVERY)
async def test_a_dataset_is_collected_kept_once_and_compared(
    desk: HttpDesk, kind: type[FakeApp], dataset: str
) -> None:
    fake = kind()
    edited = Edited(fake)
    async with fake:
        made = await add_sync(desk, fake, dataset)
        assert (made["state"], made["name"]) == ("pending", made["generated_name"])
        first = await collect(desk, made["id"])
        assert (first["state_word"], first["error"]) == ("Succeeded", "")
        assert first["rows"] == fake.rows[dataset]
        rows = await rows_of(desk, made["id"], first["last_run_id"])
        assert len(rows) == fake.rows[dataset]

        again = await collect(desk, made["id"])
        assert (again["content_hash"], again["rows"]) == (first["content_hash"], first["rows"])
        assert again["last_run_id"] != first["last_run_id"]

        manifest = desk.engine.ctx.apps.get(fake.app_id).manifest
        id_column = next(each.id_column for each in manifest.datasets if each.id == dataset) or ""
        edited.edit(rows, id_column)
        later = await collect(desk, made["id"])
        assert later["content_hash"] != first["content_hash"], edited.was
        now = await rows_of(desk, made["id"], later["last_run_id"])
        said = await desk.ok("GET", f"/v1/instances/{made['id']}/runs/{later['last_run_id']}/difference")
        assert said["before_run_id"] == again["last_run_id"]
        differing = [row for row in now if row not in rows]
        assert differing
        assert said["unchanged"] == len(now) - len(differing)
        if id_column:
            assert (said["added"], said["removed"]) == ([], [])
            assert sorted(each["id"] for each in said["changed"]) == sorted(
                row[id_column] for row in differing
            )
        runs = await desk.ok("GET", f"/v1/instances/{made['id']}/runs")
        outcomes = [each["outcome"] for each in runs["items"]]
        assert outcomes == ["collected", "unchanged", "collected"]


@pytest.mark.parametrize(
    ("kind", "dataset"),
    # what AWS is asked for as proof is what its heartbeat asks: who answers the one answers the other
    [each for each in EVERY if not str(each.id).startswith("aws")],
)
async def test_lost_access_is_told_and_the_connection_stays_connected(
    desk: HttpDesk, kind: type[FakeApp], dataset: str
) -> None:
    async with kind() as fake:
        made = await add_sync(desk, fake, dataset)
        await collect(desk, made["id"])
        through = fake._middleware
        beats: set[tuple[str, bytes]] = set()
        checking = True

        async def refusing(request: web.Request, handler: Handler) -> web.StreamResponse:
            asked = (request.path_qs, await request.read())
            if checking:
                beats.add(asked)
            well = asked in beats or fake.open_route(request)
            fake.fault = Fault.NONE if well else Fault.MISSING_PERMISSION
            return await through(request, handler)

        fake._middleware = refusing  # type: ignore[method-assign]
        await desk.ok("POST", f"/v1/connections/{made['connection_id']}/check")
        checking = False
        failed = await collect(desk, made["id"])
        assert failed["state_word"] == "Failed", failed
        assert failed["blame"] == "permission", failed["error"]
        connection = await desk.ok("GET", f"/v1/connections/{made['connection_id']}")
        assert connection["state"] == "connected"
