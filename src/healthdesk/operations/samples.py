"""Sample data: one submission for each level of each source that the integration is active for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from healthdesk.api import MAX_PAGE
from healthdesk.api.jobs import Job
from healthdesk.api.samples import SampleOf, SamplePlan, SampleSend
from healthdesk.connectors.spec.base import strings
from healthdesk.domain.activity import Verb
from healthdesk.domain.job_states import JobKind
from healthdesk.domain.rawjson import split_record
from healthdesk.domain.samples import SampleField, sample_data
from healthdesk.domain.states import Environment, HoldReason, IntegrationKind, IntegrationState
from healthdesk.domain.templating import template
from healthdesk.errors import Conflict, Malformed, NotFound
from healthdesk.operations import jobs
from healthdesk.operations.accepting import KnownSource, known_source, new_record
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.integration_views import environment_view
from healthdesk.store import accept, job_making
from healthdesk.store import integrations as integration_queries
from healthdesk.store import sources as source_queries
from healthdesk.store.rows import EnvironmentRow, IntegrationRow, NewRecord, SourceRow
from healthdesk.store.rows_jobs import NewJob

WARNING = "Samples use sample values: question answers and calculated outputs may not match real participants' submissions."
MOST_RECORDS = 2000
_HOLDS = {
    HoldReason.PAUSED: "it is paused",
    HoldReason.CONNECTION: "its connection is failing",
    HoldReason.CIRCUIT: "its circuit is open",
    HoldReason.ORDER: "its records wait for an earlier one",
}


@dataclass(frozen=True, slots=True)
class _Chosen:
    integration: IntegrationRow
    environment: EnvironmentRow
    sources: list[SourceRow]


async def plan(desk: Desk, choice: SampleSend) -> SamplePlan:
    """Return what would be sent, and what would not and why."""
    desk.require("samples.send")
    chosen = await desk.read(_chosen, choice)
    return _plan(desk, chosen)


async def send(desk: Desk, choice: SampleSend) -> Job:
    """Send samples as a job, which tells what becomes of each.

    Raises Malformed where production is not confirmed by the integration's name, Conflict where there is nothing to send.
    """
    desk.require("samples.send")
    now = desk.now()
    chosen = await desk.read(_chosen, choice)
    integration, environment = chosen.integration, chosen.environment.environment
    if environment is Environment.PRODUCTION and choice.confirm != integration.name:
        raise Malformed(
            "samples for production are confirmed by the integration's name",
            field="confirm",
            fix=f"give {integration.name} to confirm, or send them to testing",
        )
    planned = _plan(desk, chosen)
    if planned.total == 0:
        why = "; ".join(f"{each.source}: {each.skipped}" for each in planned.sources if each.skipped)
        raise Conflict("there is nothing to send" + (f": {why}" if why else ""))
    if planned.total > MOST_RECORDS:
        raise Malformed(
            f"{planned.total:,} samples are more than {MOST_RECORDS:,}",
            field="sources",
            fix="choose some sources",
        )
    ready = {each.source for each in planned.sources if each.records}
    made: list[NewRecord] = []
    for source in chosen.sources:
        if source.key in ready:
            known = await known_source(desk.ctx, source)
            made += [_record(desk, chosen, source, known, level) for level in _levels(source)]
    job_id = desk.ctx.ids.new("job", now)

    def change(conn: Conn) -> None:
        accept.accept_many(conn, made)
        job = NewJob(
            id=job_id,
            kind=JobKind.SAMPLE,
            title=f"Samples to {integration.name} · {environment.shown}",
            now=now,
            by=desk.operator.user,
            integration_id=integration.id,
            environment=environment,
        )
        job_making.create(conn, job, [record.id for record in made])
        detail = {"environment": environment.value, "sources": sorted(ready), "records": len(made)}
        desk.note(conn, Verb.SENT_SAMPLES, "integration", integration.id, integration.name, detail)

    await desk.write(change, ("job", job_id), ("record", ""))
    desk.ctx.metrics.records_accepted.inc(len(made))
    desk.engine.wake(integration.id, environment)
    desk.engine.wake_jobs()
    return await jobs.show(desk, job_id)


def _chosen(conn: Conn, choice: SampleSend) -> _Chosen:
    row = integration_queries.get(conn, choice.integration_id)
    if row.kind is not IntegrationKind.DELIVERY:
        raise Malformed(f"{row.name} delivers nothing", field="integration_id")
    environment = next((each for each in row.environments if each.environment is choice.environment), None)
    if environment is None:
        raise NotFound(
            f"{row.name} has no environment {choice.environment.value}",
            fix=f"`healthdesk integrations edit {row.id} --environment {choice.environment.value} --connection …` makes one",
        )
    wanted = [_named(conn, key) for key in dict.fromkeys(choice.sources)] if choice.sources else _all(conn)
    return _Chosen(row, environment, wanted)


def _named(conn: Conn, key: str) -> SourceRow:
    try:
        found = source_queries.get(conn, key)
    except NotFound:
        found = None
    if found is None or found.key != key:
        raise Malformed(
            f"there is no source {key}", field="sources", fix="`healthdesk sources list` names them"
        )
    return found


def _all(conn: Conn) -> list[SourceRow]:
    found: list[SourceRow] = []
    after: str | None = None
    while True:
        page = source_queries.page(conn, after=after, limit=MAX_PAGE)
        found += page.items
        after = page.next
        if after is None:
            return found


def _plan(desk: Desk, chosen: _Chosen) -> SamplePlan:
    integration, environment = chosen.integration, chosen.environment
    hold = desk.engine.hold_state(integration.id, environment.environment)
    sources = [_of(chosen, source, hold) for source in chosen.sources]
    return SamplePlan(
        integration_id=integration.id,
        integration_name=integration.name,
        environment=environment.environment,
        endpoint=environment_view(desk, environment).endpoint,
        total=sum(each.records for each in sources),
        sources=sources,
        warning=WARNING + _unmarked(desk, environment),
    )


def _unmarked(desk: Desk, environment: EnvironmentRow) -> str:
    """Return what is to be known where an app keeps nothing that tells samples from real records; else nothing."""
    target = desk.engine.targets.get(environment.integration_id, environment.environment)
    app = None if target is None else target.proof.app
    if target is None or app is None:
        return ""
    delivery = target.delivery
    told = [
        *(text for step in delivery.mapping for _, text in strings(step.value)),
        *delivery.inputs.values(),
    ]
    if any(("sample",) in template(text).named for text in told):
        return ""
    return f" Nothing at {app.client.app.name} marks them: a field that the mapping sets to {{sample}} can."


def _of(chosen: _Chosen, source: SourceRow, hold: HoldReason | None) -> SampleOf:
    """Return what is sent of a source. Nothing is while the environment delivers nothing: samples would only be held."""
    skipped = ""
    if source.key not in chosen.integration.sources:
        skipped = f"not enabled for {chosen.integration.name}"
    elif chosen.environment.state is IntegrationState.PAUSED:
        skipped = f"{chosen.environment.environment.value} is paused"
    elif hold is not None:
        skipped = f"{chosen.environment.environment.value} delivers nothing now: {_HOLDS[hold]}"
    records = 0 if skipped else max(1, len(source.levels))
    return SampleOf(
        source=source.key, name=source.name, levels=source.levels, records=records, skipped=skipped
    )


def _levels(source: SourceRow) -> Sequence[str | None]:
    return source.levels or (None,)


def _record(
    desk: Desk, chosen: _Chosen, source: SourceRow, known: KnownSource, level: str | None
) -> NewRecord:
    """Return a sample as an upstream system would have posted it."""
    now = desk.now()
    fields = [
        SampleField(each["name"], each.get("type", "any"), each.get("example", "")) for each in source.fields
    ]
    posted = {
        "source": source.key,
        **({"level": level} if level is not None else {}),
        "completed_at": now.isoformat().replace("+00:00", "Z"),
        "data": sample_data(source.key, level, source.levels, fields, now),
    }
    body = json.dumps(posted, ensure_ascii=False).encode()
    parsed = split_record(body)
    record = new_record(
        desk.ctx.ids.new("rec", now),
        now,
        parsed,
        body,
        integration_id=chosen.integration.id,
        environment=chosen.environment.environment,
        source_id=source.id,
        hold=desk.engine.hold_state(chosen.integration.id, chosen.environment.environment),
        idempotency_key=None,
        order_key=desk.engine.order_key(chosen.integration.id, chosen.environment.environment, parsed.data),
        lookups=known.lookups(parsed.data),
    )
    record.sample = True
    return record
