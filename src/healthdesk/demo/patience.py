"""The story's client: while the keeper starts a daemon that died again, its calls wait instead of failing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from healthdesk.client.client import Client
from healthdesk.client.transport import TIMEOUT_S, Query, Transport
from healthdesk.errors import DaemonUnreachable

PATIENCE_S = 60.0
AGAIN_S = 0.2


class PatientTransport(Transport):
    """Makes a call again until a daemon answers it. The story's actions may all be done twice."""

    def __init__(self, socket: Path, say: Callable[[str], None]) -> None:
        super().__init__((socket,))
        self._say = say
        self._lost = False

    async def raw(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: BaseModel | bytes | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> bytes:
        """Return the body of the answer; DaemonUnreachable when there is none for a minute."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = await super().raw(method, path, query=query, body=body, timeout_s=timeout_s)
            except DaemonUnreachable:
                if time.monotonic() > until:
                    raise
                self._tell(lost=True)
                await asyncio.sleep(AGAIN_S)
            else:
                self._tell(lost=False)
                return answer

    def _tell(self, *, lost: bool) -> None:
        if lost != self._lost:
            self._lost = lost
            self._say("the daemon died; its keeper starts it again" if lost else "the daemon is back")


class PatientClient(Client):
    """A client that outlives the deaths of the demo's daemon."""

    def __init__(self, socket: Path, say: Callable[[str], None]) -> None:
        super().__init__(socket)
        self._http = PatientTransport(socket, say)
