"""A desk with a delivery integration: what its windows ask of the daemon, and what they do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.flow import CircuitChange, Silence
from healthdesk.api.integrations import ChangedIntegration, Integration, IntegrationEdit
from healthdesk.api.jobs import Job
from healthdesk.api.keys import Key, KeyCreate, NewSecret, ReceiptSecret, ReceiptSecretCreate, SigningSecret
from healthdesk.api.ledger import Ledger, LedgerQuery
from healthdesk.api.records import AttemptDetail, Body
from healthdesk.api.samples import (
    Probe,
    Probed,
    Promote,
    Promotion,
    SampleOf,
    SamplePlan,
    SampleSend,
    SettingChange,
)
from healthdesk.api.sources import Source, SourceCreate, SourceEdit, SourceEnable
from healthdesk.domain.job_states import JobItemState, JobKind, JobStage, JobState
from healthdesk.domain.states import AttemptOutcome, Environment, IntegrationKind, IntegrationState, Trigger
from tests.tui.fake_client import FakeDesk
from tests.tui.fake_endpoint import WARNING, a_ledger, an_environment, some_sources
from tests.tui.fake_health import NOW


class DeliveryDesk(FakeDesk):
    """Has what the windows of integrations and sources ask for."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(0, **kwargs)
        self.environments = [an_environment(each) for each in Environment]
        self.sources = some_sources()
        self.probe_ok = True
        self.creates = False
        self.promotions = 0
        self.told_ledger = a_ledger()

    def change(self, which: Environment, **changes: Any) -> None:
        """Let an environment be otherwise."""
        self.environments = [
            each.model_copy(update=changes) if each.environment is which else each
            for each in self.environments
        ]

    def without(self, which: Environment) -> None:
        """Let an environment not be set up."""
        self.environments = [each for each in self.environments if each.environment is not which]

    def _integration(self) -> Integration:
        return Integration(
            id="int_crm", kind=IntegrationKind.DELIVERY, name="CRM endpoint", environments=self.environments,
            sources=[each.key for each in self.sources if "int_crm" in each.integrations],
            records_url="http://127.0.0.1:8085/v1/records/int_crm", created_at=NOW - timedelta(days=90), created_by="alice",
        )  # fmt: skip

    async def integration_edit(self, integration_id: str, changes: IntegrationEdit) -> ChangedIntegration:
        self.note("integration_edit", changes)
        new = []
        for which, edit in (
            (Environment.PRODUCTION, changes.production),
            (Environment.TESTING, changes.testing),
        ):
            if edit is None:
                continue
            if all(each.environment is not which for each in self.environments):
                self.environments.append(an_environment(which, totals={}))
                new.append(
                    NewSecret(id="sec_1", environment=which, secret="whsec_shown-this-once", hint="••••once")
                )
            self.change(which, **edit.model_dump(exclude_unset=True, exclude={"delivery"}))
            if edit.delivery is not None:
                self.change(which, delivery=edit.delivery)
        return ChangedIntegration(**self._integration().model_dump(), new_signing_secrets=new)

    async def integration_pause(
        self, integration_id: str, environment: Environment | None = None
    ) -> Integration:
        self.note("integration_pause", (integration_id, environment))
        for each in [environment] if environment else list(Environment):
            self.change(each, state=IntegrationState.PAUSED)
        return self._integration()

    async def integration_resume(
        self, integration_id: str, environment: Environment | None = None
    ) -> Integration:
        self.note("integration_resume", (integration_id, environment))
        for each in [environment] if environment else list(Environment):
            self.change(each, state=IntegrationState.ACTIVE)
        return self._integration()

    async def integration_keys(self, integration_id: str) -> list[Key]:
        self.note("integration_keys", integration_id)
        key = Key(
            id="key_1", environment=Environment.PRODUCTION, hint="••••k3y1", created_at=NOW, created_by="bob"
        )
        return [key]

    async def integration_signing_secrets(self, integration_id: str) -> list[SigningSecret]:
        self.note("integration_signing_secrets", integration_id)
        return []

    async def integration_receipt_secrets(self, integration_id: str) -> list[ReceiptSecret]:
        self.note("integration_receipt_secrets", integration_id)
        return []

    async def integration_receipt_secret_create(
        self, integration_id: str, new: ReceiptSecretCreate
    ) -> NewSecret:
        self.note("integration_receipt_secret_create", new)
        return NewSecret(
            id="rcs_1", environment=new.environment, secret="whsec_of-the-endpoint", hint="••••oint"
        )

    async def integration_key_create(self, integration_id: str, new: KeyCreate) -> NewSecret:
        self.note("integration_key_create", new)
        return NewSecret(
            id="key_2", environment=new.environment, secret="hdk_shown-this-once", hint="••••once"
        )

    async def integration_signing_secret_create(self, integration_id: str, new: KeyCreate) -> NewSecret:
        self.note("integration_signing_secret_create", new)
        return NewSecret(
            id="sec_2", environment=new.environment, secret="whsec_shown-this-once", hint="••••once"
        )

    async def integration_circuit(self, integration_id: str, change: CircuitChange) -> Integration:
        self.note("integration_circuit", change)
        return self._integration()

    # Trying

    async def integration_test(self, integration_id: str, probe: Probe) -> Probed:
        self.note("integration_test", probe)
        status = 200 if self.probe_ok else 401
        exchange = AttemptDetail(
            id="", record_id="", number=1, trigger=Trigger.OPERATOR, outcome=AttemptOutcome.DELIVERED if self.probe_ok else AttemptOutcome.REFUSED,
            started_at=NOW, finished_at=NOW, duration_ms=41, status=status, webhook_id="prb_1", method="POST", url="https://test.crm.acme.io/v2/hra",
            request_headers={"healthdesk-probe": "true", "authorization": "Bearer ••••"}, response_headers={"content-type": "application/json"},
            request_body=Body(text='{"healthdesk":"test"}', size=21, masked=False), response_body=Body(text='{"ok":true}', size=11, masked=False),
        )  # fmt: skip
        if self.probe_ok:
            return Probed(ok=True, sentence="The endpoint took the probe: 200 in 41 ms.", exchange=exchange)
        told = "The endpoint refused the credential (401 Unauthorized)."
        return Probed(
            ok=False,
            sentence=told,
            blame="credential",
            next_action="update the credentials",
            exchange=exchange,
        )

    async def integration_promotion(self, integration_id: str) -> Promotion:
        self.note("integration_promotion", integration_id)
        self.promotions += 1
        changes = [
            SettingChange(name="path", testing="/v3/hra", production="/v2/hra"),
            SettingChange(name="delivery.batch", testing={"size": 50}, production=None),
            SettingChange(name="connection", testing="CRM test", production="CRM", copied=False, why="each environment keeps its own connection"),
        ]  # fmt: skip
        return Promotion(changes=changes, copied=2, version=f"v{self.promotions}", creates=self.creates)

    async def integration_promote(self, integration_id: str, new: Promote) -> ChangedIntegration:
        self.note("integration_promote", new)
        return ChangedIntegration(**self._integration().model_dump())

    async def sample_plan(self, new: SampleSend) -> SamplePlan:
        self.note("sample_plan", new)
        item = next(each for each in self.environments if each.environment is new.environment)
        sources = []
        for each in self.sources:
            if new.sources and each.key not in new.sources:
                continue
            skipped = "" if "int_crm" in each.integrations else "not enabled for CRM endpoint"
            if item.state is IntegrationState.PAUSED:
                skipped = f"{new.environment.value} is paused"
            records = 0 if skipped else max(1, len(each.levels))
            sources.append(
                SampleOf(
                    source=each.key, name=each.name, levels=each.levels, records=records, skipped=skipped
                )
            )
        total = sum(each.records for each in sources)
        return SamplePlan(
            integration_id="int_crm", integration_name="CRM endpoint", environment=new.environment, endpoint=item.endpoint,
            total=total, sources=sources, warning=WARNING,
        )  # fmt: skip

    async def sample_send(self, new: SampleSend) -> Job:
        self.note("sample_send", new)
        self.jobs = [self._sample_job]
        return self._sample_job

    @property
    def _sample_job(self) -> Job:
        return Job(
            id="job_00000000000000000000000001", kind=JobKind.SAMPLE, state=JobState.RUNNING, stage=JobStage.REST, title="Samples to CRM endpoint · testing",
            integration_id="int_crm", integration_name="CRM endpoint", environment=Environment.TESTING, total=4,
            counts={JobItemState.DELIVERED: 1, JobItemState.SENT: 1, JobItemState.PENDING: 2}, created_at=NOW, created_by="alice",
        )  # fmt: skip

    async def ledger(self, chosen: LedgerQuery | None = None) -> Ledger:
        self.note("ledger", chosen)
        return self.told_ledger

    # Sources

    def _source(self, source: str) -> Source:
        return next(each for each in self.sources if source in (each.id, each.key))

    def _put(self, source: str, **changes: Any) -> Source:
        self.sources = [
            each.model_copy(update=changes) if source in (each.id, each.key) else each
            for each in self.sources
        ]
        return self._source(source)

    async def sources_list(self, *, after: str | None = None, limit: int = 50) -> Page[Source]:
        self.note("sources_list")
        return Page[Source](items=list(self.sources))

    async def source(self, source: str) -> Source:
        self.note("source", source)
        return self._source(source)

    async def source_create(self, new: SourceCreate) -> Source:
        self.note("source_create", new)
        made = Source(id=f"src_{new.key}", created_at=NOW, created_by="alice", **new.model_dump())
        self.sources.append(made)
        return made

    async def source_edit(self, source: str, changes: SourceEdit) -> Source:
        self.note("source_edit", (source, changes))
        return self._put(source, **{name: getattr(changes, name) for name in changes.model_fields_set})

    async def source_enable(self, source: str, choice: SourceEnable) -> Source:
        self.note("source_enable", (source, choice))
        return self._put(source, integrations=[choice.integration_id] if choice.enabled else [])

    async def source_silence(self, source: str, silence: Silence) -> Source:
        self.note("source_silence", (source, silence))
        return self._source(source)
