"""The typed client: one method for each route of the operator API.

    async with Client() as client:
        status = await client.status()

Errors are those of `healthdesk.errors`: DaemonUnreachable, IncompatibleDaemon, ApiRefused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from healthdesk.client.authorizations import AuthorizationCalls
from healthdesk.client.connections import ConnectionCalls
from healthdesk.client.desk import DeskCalls
from healthdesk.client.filters import FilterCalls
from healthdesk.client.fixes import FixCalls
from healthdesk.client.flow import FlowCalls
from healthdesk.client.instances import InstanceCalls
from healthdesk.client.integrations import IntegrationCalls
from healthdesk.client.jobs import JobCalls
from healthdesk.client.labels import LabelCalls
from healthdesk.client.outcomes import OutcomeCalls
from healthdesk.client.people import PeopleCalls
from healthdesk.client.pings import PingCalls
from healthdesk.client.problems import ProblemCalls
from healthdesk.client.proof import ProofCalls
from healthdesk.client.records import RecordCalls
from healthdesk.client.samples import SampleCalls
from healthdesk.client.setup import SetupCalls
from healthdesk.client.sockets import find_socket
from healthdesk.client.tasks import TaskCalls
from healthdesk.client.transport import Transport


class Client(
    DeskCalls,
    ConnectionCalls,
    AuthorizationCalls,
    PeopleCalls,
    PingCalls,
    LabelCalls,
    IntegrationCalls,
    InstanceCalls,
    TaskCalls,
    ProofCalls,
    RecordCalls,
    OutcomeCalls,
    JobCalls,
    FilterCalls,
    SampleCalls,
    FixCalls,
    FlowCalls,
    ProblemCalls,
    SetupCalls,
):
    """Speaks to the daemon on `socket`, or on the first of the usual sockets that answers.

    Connections open with the first call; a client outlives restarts of the daemon.
    """

    def __init__(self, socket: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> None:
        self.sockets = find_socket(socket, environ)
        self._http = Transport(self.sockets)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection to the daemon."""
        await self._http.close()
