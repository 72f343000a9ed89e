"""A delivery integration in trouble: two environments, an open circuit, every delivery method, sources, a silent one, a ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from healthdesk.api.delivery import BatchSettings, DeliveryMethod, MappingStep, OrderSettings, ReceiptSettings
from healthdesk.api.flow import Circuit, SourcePulse
from healthdesk.api.integrations import EnvironmentView
from healthdesk.api.ledger import Ledger, LedgerLine, LedgerRow
from healthdesk.api.sources import Source, SourceField
from healthdesk.domain.states import (
    CircuitState,
    Environment,
    IntegrationState,
    MappingVerb,
    OnUnknown,
    RecordState,
)
from tests.tui.fake_health import NOW

WARNING = "Samples use sample values: question answers and calculated outputs may not match real submissions."


def an_environment(which: Environment, **changes: Any) -> EnvironmentView:
    production = which is Environment.PRODUCTION
    host = "crm.acme.io" if production else "test.crm.acme.io"
    return EnvironmentView(
        environment=which, connection_id="con_crm" if production else "con_test", connection_name="CRM" if production else "CRM test",
        endpoint=f"https://{host}/v2/hra", path="/v2/hra", concurrency=16, rate_per_s=20 if production else None, timeout_s=30,
        on_unknown=OnUnknown.RESEND, state=IntegrationState.ACTIVE, key_hint="••••k3y1" if production else "", key_created_at=NOW - timedelta(days=20),
        signing_secret_hint="••••s1gn", totals={"delivered": 3988, "failed": 131, "retrying": 2, "held": 3} if production else {"delivered": 7},
    ).model_copy(update=changes)  # fmt: skip


def an_open_circuit() -> Circuit:
    return Circuit(
        state=CircuitState.OPEN,
        since=NOW - timedelta(minutes=12),
        next_probe_at=NOW + timedelta(minutes=3),
        reason="9 of 10 attempts were answered 503.",
    )


def all_methods() -> DeliveryMethod:
    return DeliveryMethod(
        body="json",
        mapping=[
            MappingStep(do=MappingVerb.RENAME, path="score", to="result.score"),
            MappingStep(do=MappingVerb.SET, path="tier", value="{level}"),
            MappingStep(do=MappingVerb.REMOVE, path="notes"),
        ],
        batch=BatchSettings(size=50, results="results"),
        order=OrderSettings(key="participant.id"),
        receipt=ReceiptSettings(deadline_s=900),
    )


def some_sources() -> list[Source]:
    def field(name: str, **more: Any) -> SourceField:
        return SourceField(name=name, **more)

    def source(key: str, name: str, levels: list[str], **more: Any) -> Source:
        return Source(
            id=f"src_{key}", key=key, name=name, levels=levels, created_at=NOW - timedelta(days=90), created_by="alice", **{"fields": [], **more}
        )  # fmt: skip

    heart = SourcePulse(
        source="heart-health", integration_id="int_crm", integration_name="CRM endpoint", environment=Environment.PRODUCTION,
        last_at=NOW - timedelta(minutes=3), usual_s=600, after_s=1800,
    )  # fmt: skip
    sleep = heart.model_copy(
        update={"source": "sleep", "last_at": NOW - timedelta(hours=9), "usual_s": 3600, "after_s": 7200, "set_s": 7200.0, "silent": True}
    )  # fmt: skip
    return [
        source(
            "heart-health", "Heart health", ["low", "moderate", "high"], integrations=["int_crm"], pulses=[heart],
            fields=[
                field("participant_id", type="string", required=True, example="p-1001", lookup=True),
                field("score", type="integer", required=True, example="71"),
                field("region", type="string", sensitive=False, example="north"),
            ],
        ),
        source("diabetes-risk", "Diabetes risk", ["low", "high"]),
        source("sleep", "Sleep", [], integrations=["int_crm"], pulses=[sleep]),
    ]  # fmt: skip


def a_ledger(*, balanced: bool = True) -> Ledger:
    def counted(state: RecordState, count: int, reason: str = "", **more: Any) -> LedgerLine:
        known = {"integration_id": "int_crm", "environment": Environment.PRODUCTION}
        return LedgerLine(**{**known, "state": state, "reason": reason, "count": count, **more})

    row = LedgerRow(
        integration_id="int_crm", integration_name="CRM endpoint", environment=Environment.PRODUCTION, accepted=4124 if balanced else 4130,
        states={"delivered": 3988, "failed": 131, "retrying": 2, "held": 3}, balanced=balanced,
    )  # fmt: skip
    testing = row.model_copy(
        update={
            "environment": Environment.TESTING,
            "accepted": 7,
            "samples": 4,
            "states": {"delivered": 7},
            "balanced": True,
        }
    )
    return Ledger(
        rows=[row, testing],
        balanced=balanced,
        arrived_from=NOW - timedelta(days=7),
        lines=[
            counted(RecordState.DELIVERED, 3980),
            counted(RecordState.DELIVERED, 8, "receipt"),
            counted(RecordState.FAILED, 127, "missing_field"),
            counted(RecordState.FAILED, 4, "server_error"),
            counted(RecordState.RETRYING, 2, "timeout"),
            counted(RecordState.HELD, 3, "circuit"),
            counted(RecordState.DELIVERED, 3, environment=Environment.TESTING),
            counted(RecordState.DELIVERED, 4, environment=Environment.TESTING, sample=True),
        ],
    )
