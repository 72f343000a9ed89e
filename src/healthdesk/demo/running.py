"""A running demo: world, desk and setup together, and the way to find one from another terminal."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp

from healthdesk.client.client import Client
from healthdesk.demo.children import child, first_line, order
from healthdesk.demo.desk import PREFIX, prepare, running_daemon
from healthdesk.demo.setup import DemoSetup, Ports, set_up
from healthdesk.domain.states import CallbackState, RecordState

STATE_FILE = "demo.json"


class WorldLink:
    """Asks the world what it saw, and changes it."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def stats(self) -> dict[str, Any]:
        """Return what the world saw so far."""
        return await self._json("GET", "/stats")

    async def received(self) -> dict[str, Any]:
        """Return the ids of what its endpoints took and its upstream was told is accepted."""
        return await self._json("GET", "/received")

    async def control(self, what: str) -> dict[str, Any]:
        """`repair`, `break` or `pause`."""
        return await self._json("POST", f"/control/{what}")

    async def _json(self, method: str, path: str) -> dict[str, Any]:
        async with self._http.request(method, self._url + path, raise_for_status=True) as answer:
            found: dict[str, Any] = await answer.json()
            return found


@dataclass(frozen=True, slots=True)
class Before:
    """What an earlier demo left in the desk; the numbers of this one come on top."""

    accepted: int
    delivered: int
    callbacks: int


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """What a story acts upon."""

    folder: Path
    socket: Path
    client: Client
    world: WorldLink
    setup: DemoSetup
    before: Before


@dataclass(frozen=True, slots=True)
class FoundDemo:
    """A demo that runs, as another terminal finds it: its folder, its world's address, and the others that run."""

    folder: Path
    world: str
    others: tuple[Path, ...]


@contextlib.asynccontextmanager
async def running_demo(
    folder: Path, *, rate_per_s: float, callback_every_s: float, living: bool
) -> AsyncIterator[RunningDemo]:
    """Start the world and the desk, set it up, and let the world play for the length of the block."""
    config = prepare(folder)
    world_log = folder / "world.log"
    before = ports_before(folder / STATE_FILE)
    wanted = json.dumps(asdict(before) if before else {})
    async with contextlib.AsyncExitStack() as stack:
        world = await stack.enter_async_context(child("healthdesk.demo.world", wanted, log=world_log))
        told = await first_line(world, "the demo world", world_log)
        ports = Ports(**told)
        await stack.enter_async_context(running_daemon(folder, config))
        client = await stack.enter_async_context(Client(config.operator.socket))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        setup = await set_up(client, ports, before)
        earlier = await look_before(client)
        state = {
            "world": ports.world,
            "socket": str(config.operator.socket),
            "pid": os.getpid(),
            "ports": asdict(ports),
        }
        (folder / STATE_FILE).write_text(json.dumps(state), encoding="utf-8")
        await order(
            world,
            setup.orders(rate_per_s=rate_per_s, callback_every_s=callback_every_s, living=living),
        )
        yield RunningDemo(
            folder, config.operator.socket, client, WorldLink(ports.world, http), setup, earlier
        )


def ports_before(file: Path) -> Ports | None:
    """Return where the world of the last demo in this folder listened, or None."""
    try:
        return Ports(
            **{
                name: int(port)
                for name, port in json.loads(file.read_text(encoding="utf-8"))["ports"].items()
            }
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


async def look_before(client: Client) -> Before:
    """Count what is in the desk already."""
    rows = (await client.ledger()).rows
    return Before(
        accepted=sum(row.accepted for row in rows),
        delivered=sum(row.states.get(RecordState.DELIVERED, 0) for row in rows),
        callbacks=await callbacks_taken(client) or 0,
    )


async def callbacks_taken(client: Client) -> int | None:
    """Return how many callbacks the desk took, or None while some wait to be processed.

    One that names no delivery (Asana's) and came again after a crash is two rows: told apart by what it is about.
    """
    taken: set[tuple[str, str]] = set()
    after = None
    while True:
        page = await client.callbacks_list(after=after, limit=500)
        if any(one.state is CallbackState.ACCEPTED for one in page.items):
            return None
        taken |= {
            (one.connection_id, one.delivery_id or " ".join(one.instances) or one.id)
            for one in page.items
            if one.state is CallbackState.PROCESSED
        }
        if page.next is None:
            return len(taken)
        after = page.next


def find_demo(directory: Path | None) -> FoundDemo | None:
    """Return the demo in `directory`, or this user's newest one that runs; None when there is none."""
    if directory is not None:
        places = [directory]
    else:
        found = Path(tempfile.gettempdir()).glob(f"{PREFIX}*")
        places = sorted((one for one in found if one.stat().st_uid == os.getuid()), key=_age, reverse=True)
    running = [(place, state) for place in places if (state := _state(place / STATE_FILE)) is not None]
    if not running:
        return None
    folder, state = running[0]
    return FoundDemo(folder, str(state["world"]), tuple(place for place, _ in running[1:]))


def _age(place: Path) -> float:
    return place.stat().st_mtime


def _state(file: Path) -> dict[str, Any] | None:
    """Return what a state file says, if the demo that wrote it still runs."""
    try:
        state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        os.kill(int(state["pid"]), 0)
    except (OSError, ValueError, KeyError):
        return None
    return state
