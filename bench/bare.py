"""Baselines, each in a process of its own: a handler that only reads the body, a forwarder, a client loop.

`python -m bench.bare handler|forwarder PORT` · `python -m bench.bare loop PORT COUNT` · `… checks PORT COUNT HOSTS`
"""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp
import uvloop
from aiohttp import web

IN_FLIGHT = 64
CHECKS_IN_FLIGHT = 32
BODY = b'{"participant": "p-1", "answers": "' + b"x" * 980 + b'"}'


async def handler(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response({"id": "rec_01JD0000000000000000000000"}, status=202)


async def serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def bare_handler() -> None:
    app = web.Application()
    app.router.add_post("/v1/records/{integration}", handler)
    await serve(app)


async def forwarder(port: int) -> None:
    """Read, answer 202, and post on from memory: what delivering costs when nothing is kept."""
    session = aiohttp.ClientSession()
    tasks: set[asyncio.Task[None]] = set()

    async def send(body: bytes) -> None:
        async with session.post(f"http://127.0.0.1:{port}/hra", data=body) as answer:
            await answer.read()

    async def forward(request: web.Request) -> web.Response:
        task = asyncio.create_task(send(await request.read()))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return web.json_response({"id": "none"}, status=202)

    app = web.Application()
    app.router.add_post("/v1/records/{integration}", forward)
    await serve(app)


async def client_loop(port: int, count: int) -> None:
    """Post `count` bodies with 64 in flight and print requests per second."""
    left = count
    url = f"http://127.0.0.1:{port}/hra"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def worker() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                async with session.post(
                    url, data=BODY, headers={"Content-Type": "application/json"}
                ) as answer:
                    await answer.read()

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    sys.stdout.write(f"{count / (time.perf_counter() - began)}\n")


async def check_loop(port: int, count: int, hosts: int) -> None:
    """Ask `count` times who we are, spread over loopback hosts, 32 in flight; print checks per second and ms of processor
    time for each.
    """
    left = count
    headers = {"Authorization": "Bearer token-of-a-connection", "Accept": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def worker() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                url = f"http://127.0.0.{left % hosts + 1}:{port}/user"
                async with session.get(url, headers=headers) as answer:
                    assert (await answer.json())["id"]

        began, busy_s = time.perf_counter(), time.process_time()
        await asyncio.gather(*(worker() for _ in range(CHECKS_IN_FLIGHT)))
        rate, busy_s = count / (time.perf_counter() - began), time.process_time() - busy_s
    sys.stdout.write(f"{rate} {busy_s / count * 1000}\n")


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    uvloop.run(
        {
            "handler": bare_handler,
            "forwarder": forwarder,
            "loop": client_loop,
            "checks": check_loop,
        }[what](*(int(arg) for arg in rest))
    )
