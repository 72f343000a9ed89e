"""Proof syncs: collects a dataset, and keeps it where it is not what was collected before."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from healthdesk.connectors.checking import broken, misconfigured
from healthdesk.connectors.results import Collected
from healthdesk.connectors.spec import DatasetManifest
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.instance_states import InstanceState, RunOutcome
from healthdesk.domain.proof import packed
from healthdesk.engine.context import Context
from healthdesk.engine.instance_work import Conn, Done, Work
from healthdesk.errors import ConnectorError, HealthdeskError
from healthdesk.store import proof, runs
from healthdesk.store.rows_instances import ProofSyncRow, RunRow

log = logging.getLogger(__name__)


class ProofRuns:
    """Runs proof syncs. Every run leaves a row, what it collected is stored once however often it is found."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def run(self, work: Work) -> Done:
        """Collect the dataset of a proof sync.

        A missing repository or lost access is a failure of this run alone. Rows that came before a failure are no proof:
        they are not kept.
        """
        sync = await self._ctx.store.read(proof.get, work.instance.id)
        run_id = await self._begin(work)
        try:
            collected = await work.connector.collect(sync.dataset, sync.fields)
            if collected.failure is None:
                return await self._collected(work, sync, run_id, collected)
        except ConnectorError as error:
            return _failed(run_id, misconfigured(error))
        except HealthdeskError:
            # the desk's own: the database that tokens are kept in is away
            raise
        except (
            Exception
        ) as error:  # code of a connector does what it likes, and its run must not stay under way
            log.exception("the connector of %s failed", work.connector.manifest.name)
            return _failed(run_id, broken(work.connector, f"failed: {type(error).__name__}"))
        return _failed(run_id, collected.failure, collected.exchange)

    async def _begin(self, work: Work) -> str:
        """Commit that a run is under way: a crash leaves it `interrupted`."""
        ctx = self._ctx
        run = RunRow(
            id=ctx.new_id("run"),
            instance_id=work.instance.id,
            outcome=RunOutcome.RUNNING,
            trigger=work.trigger,
            triggered_by=work.triggered_by,
            daemon_id=ctx.daemon_id,
            started_at=ctx.clock.now(),
        )
        await ctx.store.write(runs.begin, run)
        return run.id

    async def _collected(self, work: Work, sync: ProofSyncRow, run_id: str, collected: Collected) -> Done:
        dataset = next(each for each in work.connector.manifest.datasets if each.id == sync.dataset)
        keys = [each.key for each in dataset.columns]
        # Sorting and deflating a hundred thousand rows takes seconds.
        found = await asyncio.to_thread(packed, keys, collected.rows, dataset.id_column or "")
        now = self._ctx.clock.now()

        def keep(conn: Conn) -> None:
            columns = columns_of(dataset)
            proof.keep(conn, sync.id, work.connection.id, found, columns, run_id, now)

        same = found.content_hash == sync.last_hash
        return Done(
            outcome=RunOutcome.UNCHANGED if same else RunOutcome.COLLECTED,
            state=InstanceState.SUCCEEDED,
            exchange=collected.exchange,
            keep=keep,
            run_id=run_id,
            content_hash=found.content_hash,
            rows=found.rows,
            cut=collected.cut,
        )


def columns_of(dataset: DatasetManifest) -> list[dict[str, Any]]:
    """Return the columns of a dataset as they are kept beside what was collected."""
    return [
        {"key": each.key, "label": each.label, **({"id": True} if each.key == dataset.id_column else {})}
        for each in dataset.columns
    ]


def _failed(run_id: str, failure: Failure, exchange: Exchange | None = None) -> Done:
    return Done(RunOutcome.FAILED, InstanceState.FAILED, failure, exchange, run_id=run_id)
