"""`healthdesk daemon`: both listeners over one engine, stopped in phases."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path

from aiohttp import web

from healthdesk.config import Config, load_config
from healthdesk.daemon.build import built_engine
from healthdesk.daemon.logs import start_logging
from healthdesk.daemon.sdnotify import ServiceManager
from healthdesk.engine.context import Context
from healthdesk.engine.engine import Engine
from healthdesk.errors import HealthdeskError, HostError
from healthdesk.host.files import raise_open_files
from healthdesk.host.lock import DaemonLock, bind_operator_socket, lock_database
from healthdesk.http.operator import build_operator_app
from healthdesk.http.public import build_public_app
from healthdesk.http.server import make_runner
from healthdesk.store import daemons

log = logging.getLogger("healthdesk")

GRACE_S = 25.0
"""How long attempts under way may take to finish after SIGTERM; the rest is interrupted and sent again."""

END_TIMEOUT_S = 5.0
"""How long the process may take to end once everything is stopped: what did not end by then is not waited for."""

BACKLOG = 1024


def run(config: Path | None = None) -> int:
    """Run the daemon until SIGTERM or SIGINT. Returns the exit code: 0 stopped, 1 could not start."""
    start_logging(os.environ.get("HEALTHDESK_LOG", "INFO").upper())
    raise_open_files()
    try:
        settings = load_config(config, os.environ)
        _settle_memory()
        with DaemonLock(settings.storage.data_dir) as lock, lock_database(settings.storage.database_url):
            end_for_certain(serve(settings, lock=lock))
    except HealthdeskError as error:
        sys.stderr.write(f"healthdesk daemon: {error}\n" + (f"fix: {error.fix}\n" if error.fix else ""))
        return 1
    return 0


def _settle_memory() -> None:
    """What is loaded by now stays: the collector need not look through it again, and looks at the rest less often.

    With the interpreter's own settings the collector took a tenth of the time of a delivery.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def end_for_certain(main: Coroutine[None, None, None], *, end: Callable[[int], object] = os._exit) -> None:
    """Run `main` to its end, and `end` the process where the loop does not close within END_TIMEOUT_S after it.

    The loop closes only when every task and every thread of its pool has ended, and one that hangs never does.
    """

    def end_now() -> None:
        log.error(
            "a task or a thread did not end within %g s: the process ends without it, as after a kill; what was "
            "answered is stored, and what was under way is taken up again at the next start",
            END_TIMEOUT_S,
        )
        end(1)

    last = threading.Timer(END_TIMEOUT_S, end_now)
    last.daemon = True

    async def then_watched() -> None:
        try:
            await main
        finally:
            last.start()

    try:
        _run_loop(then_watched())
    finally:
        last.cancel()


def _run_loop(main: Coroutine[None, None, None]) -> None:
    """Run `main` on uvloop where it is installed, else on asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def serve(
    config: Config,
    *,
    lock: DaemonLock | None = None,
    ready: asyncio.Event | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set or a signal comes; `ready` is set once both listeners accept.

    What the daemon that held the `lock` before left behind is taken up at once where that one is surely dead.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError):  # only the main thread may set handlers; tests run elsewhere
            loop.add_signal_handler(number, stop.set)
    manager = ServiceManager(os.environ)
    async with built_engine(config) as engine:
        if lock is not None:
            await _succeed(lock, engine.ctx)
        await engine.start()
        try:
            await _listen(config, engine, manager, ready, stop)
        finally:
            await engine.stop(GRACE_S)
    log.info("stopped")


async def _succeed(lock: DaemonLock, ctx: Context) -> None:
    """End the lease of the daemon that held the lock before, where it is surely dead, and leave word for the next one."""
    if gone := lock.predecessor():
        was_held = await ctx.store.write(daemons.leave, gone, ctx.clock.now())
        if was_held:
            log.info(
                "the daemon that ran here before did not give its lease up; what it had under way is taken up now"
            )
    try:
        lock.leave_word(ctx.daemon_id)
    except OSError as error:
        log.warning("after a kill the next daemon waits until the lease of this one is over: %s", error)


async def _listen(
    config: Config,
    engine: Engine,
    manager: ServiceManager,
    ready: asyncio.Event | None,
    stop: asyncio.Event,
) -> None:
    """Accept on both listeners until `stop`, then close the public one first and finish what is under way."""
    host, port = config.server.address
    public = make_runner(build_public_app(engine), shutdown_timeout_s=10.0)
    operator = make_runner(build_operator_app(engine), shutdown_timeout_s=2.0)
    watchdog = asyncio.create_task(manager.keep_watchdog(engine.ctx.clock))
    try:
        await public.setup()
        await operator.setup()
        with bind_operator_socket(config.operator.socket, group=config.operator.group) as sock:
            await web.SockSite(operator, sock).start()
            try:
                await web.TCPSite(public, host, port, backlog=BACKLOG, reuse_address=True).start()
            except OSError as error:
                raise HostError(
                    f"cannot listen on {config.server.listen}: {error.strerror or error}",
                    fix="stop what uses the address, or set [server] listen to a free one",
                ) from error
            bound = public.addresses[0]
            log.info(
                "public API on http://%s:%s · operator API on %s", bound[0], bound[1], config.operator.socket
            )
            manager.tell("READY=1")
            if ready is not None:
                ready.set()
            await stop.wait()
            log.info("stopping: no new requests; attempts under way may finish for %d s", int(GRACE_S))
            manager.tell("STOPPING=1")
            await public.cleanup()
            await operator.cleanup()
    finally:
        watchdog.cancel()
        await public.cleanup()
        await operator.cleanup()
