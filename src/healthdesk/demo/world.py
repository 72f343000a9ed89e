"""The demo world, a process of its own: `python -m healthdesk.demo.world`.

It listens on loopback (on the ports its argument names as JSON, where they are free), prints its ports as one JSON
line, waits for one JSON line with the desk's addresses, keys and secrets on standard input, then plays until standard
input ends: so it never outlives who started it.
`GET /stats` tells what it saw, `POST /control/repair` and `/control/break` change CRM, partner and apps,
`/control/pause` ends the stream of submissions and callbacks.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from healthdesk.demo.app_events import EventApp, Hook
from healthdesk.demo.apps import Apps
from healthdesk.demo.endpoints import Crm, Partner, Sandbox
from healthdesk.demo.export import Export
from healthdesk.demo.moods import live
from healthdesk.demo.sinks import Chat, Mailbox
from healthdesk.demo.submissions import Intake, Upstream

log = logging.getLogger("healthdesk.demo.world")

SYSTEMS = ("crm", "partner", "app")


class World:
    """Everything around the desk."""

    def __init__(self) -> None:
        self.crm = Crm()
        self.sandbox = Sandbox()
        self.partner = Partner()
        self.apps = Apps()
        self.chat = Chat()
        self.mailbox = Mailbox()
        self.upstream: Upstream | None = None
        self.events: EventApp | None = None
        self.export: Export | None = None
        self.operator_repaired = asyncio.Event()

    def app(self) -> web.Application:
        """Return the web application of everything that listens."""
        app = web.Application()
        app.add_routes(
            [
                *self.crm.routes(),
                *self.sandbox.routes(),
                *self.partner.routes(),
                *self.apps.routes(),
                *self.chat.routes(),
                web.get("/stats", self.stats),
                web.get("/received", self.received),
                web.post("/control/repair", self._control(self.repair)),
                web.post("/control/break", self._control(self.break_all)),
                web.post("/control/pause", self._control(self.pause)),
            ]
        )
        return app

    def repair(self) -> None:
        """Make the CRM take everything, the partner its old token, and the apps the tokens they revoked."""
        self.crm.mood.repair()
        self.partner.repair()
        self.apps.repair()
        self.operator_repaired.set()

    def break_all(self) -> None:
        """Have the CRM misbehave, and break every app that can break, at once."""
        self.crm.mood.break_again()
        self.apps.break_all()

    def break_again(self) -> None:
        """Have the CRM misbehave, and the apps break one after the other."""
        self.crm.mood.break_again()
        self.apps.begin()

    def pause(self) -> None:
        """Complete no further assessments and send no further callbacks."""
        for sender in (self.upstream, self.events):
            if sender is not None:
                sender.pause()

    def _control(self, act: Callable[[], None]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            act()
            return await self.stats(request)

        return handle

    async def stats(self, _request: web.Request) -> web.Response:
        """Tell what was seen so far."""
        return web.json_response(self.seen())

    def seen(self) -> dict[str, Any]:
        """Return what was seen so far."""
        upstream, events = self.upstream, self.events
        return {
            "accepted": len(upstream.posted.accepted) if upstream else 0,
            "duplicates": upstream.posted.duplicates if upstream else 0,
            "refused": upstream.posted.refused if upstream else {},
            "idle": upstream is not None and upstream.idle and events is not None and events.idle,
            "callbacks": len(events.accepted) if events else 0,
            "forged": events.forged if events else 0,
            "forged_taken": events.forged_taken if events else 0,
            "mails": self.mailbox.count,
            "mail_subjects": self.mailbox.subjects,
            "chats": self.chat.count,
            "chat_titles": self.chat.titles,
            "crm": len(self.crm.received.ids),
            "crm_again": self.crm.received.again,
            "crm_faults": {str(fault): count for fault, count in self.crm.mood.counts.items()},
            "crm_unsigned": self.crm.unsigned,
            "broken": self.crm.mood.broken,
            "samples": self.sandbox.samples,
            "partner": len(self.partner.received.ids),
            "partner_refused": self.partner.refused,
            "pings": self.export.pings if self.export else 0,
        }

    async def received(self, _request: web.Request) -> web.Response:
        """Tell every `webhook-id` that an endpoint took."""
        ids = sorted(self.crm.received.ids | self.partner.received.ids)
        posted = sorted(self.upstream.posted.accepted) if self.upstream else []
        return web.json_response({"webhook_ids": ids, "record_ids": posted})

    async def play(self, orders: dict[str, Any]) -> None:
        """Play until cancelled; `orders` is what the runner sent."""
        rng = random.Random(orders.get("seed"))
        self.crm.signing_secret = str(orders["signing_secret"])
        intakes = {name: Intake(**intake) for name, intake in orders["intakes"].items()}
        self.upstream = Upstream(intakes, rng, float(orders["rate_per_s"]))
        hooks = [Hook(**hook) for hook in orders["hooks"]]
        if self.apps.asana_hook is not None:
            hooks.append(self.apps.asana_hook)
        self.events = EventApp(hooks, rng, float(orders["callback_every_s"]))
        self.export = Export(str(orders["ping_url"]), self.apps)
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as http, asyncio.TaskGroup() as group:
            group.create_task(self.upstream.run(http))
            group.create_task(self.events.run(http))
            group.create_task(self.export.run(http))
            if orders.get("living"):
                self.apps.begin()
                group.create_task(live(self.break_again, self.operator_repaired))


async def serve(
    orders: asyncio.StreamReader, tell: Callable[[dict[str, Any]], None], wanted: Mapping[str, int]
) -> None:
    """Listen (on the ports `wanted`, where they are free), tell the ports, take the orders, play until they end."""
    world = World()
    runner = web.AppRunner(world.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    ports = await _listen(runner, wanted)
    smtp = await world.mailbox.listen(wanted.get("smtp", 0))
    playing: asyncio.Task[None] | None = None
    try:
        tell({**ports, "smtp": world.mailbox.port})
        while line := await orders.readline():
            if playing is None:
                playing = asyncio.create_task(world.play(json.loads(line)))
                playing.add_done_callback(_tell_death)
    finally:
        if playing is not None:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
        smtp.close()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, wanted: Mapping[str, int]) -> dict[str, int]:
    """Listen on a port for each system of the world, so that they look like the different hosts they stand for."""
    ports = {}
    for system in SYSTEMS:
        try:
            await web.TCPSite(runner, "127.0.0.1", wanted.get(system, 0)).start()
        except OSError:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports[system] = int(runner.addresses[-1][1])
    return ports


def _tell_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("the demo world stopped playing", exc_info=task.exception())


async def main() -> None:
    """Serve on this process's standard input and output."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    wanted = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    await serve(orders, lambda message: print(json.dumps(message), flush=True), wanted)


if __name__ == "__main__":
    asyncio.run(main())
