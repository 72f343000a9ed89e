"""The engine as the http layer and the operations see it: start, stop, wake, and the actions on demand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import Environment, HoldReason, Trigger
from healthdesk.engine.blocking import Blocking
from healthdesk.engine.callbacks import CallbackProcessor
from healthdesk.engine.channel_url import CheckedChannel
from healthdesk.engine.circuits import Circuits
from healthdesk.engine.context import Context
from healthdesk.engine.deliver import Deliverer
from healthdesk.engine.expiry import Expiry
from healthdesk.engine.heartbeats import Heartbeats
from healthdesk.engine.holds import Holds
from healthdesk.engine.instance_work import Worker
from healthdesk.engine.instances import Instances
from healthdesk.engine.janitor import SHARED_AFTER_S, Janitor
from healthdesk.engine.jobs import Jobs
from healthdesk.engine.look_ups import LookUps
from healthdesk.engine.notify import ChannelTestResult, Notifier
from healthdesk.engine.outcomes import Outcomes
from healthdesk.engine.pings import Pings
from healthdesk.engine.proof import ProofRuns
from healthdesk.engine.relay import Relay
from healthdesk.engine.share import share_of
from healthdesk.engine.silence import Silence
from healthdesk.engine.supervisor import Supervisor
from healthdesk.engine.targets import Targets
from healthdesk.engine.task_sync import TaskSync
from healthdesk.engine.templates import Templates
from healthdesk.errors import StoreUnavailable

log = logging.getLogger(__name__)

TURNS_WITHIN_S = 10.0
"""A delivery loop that did not complete a turn for this long, though it looks every second, does not deliver."""

LEAVE_GRACE_S = 5.0
"""How long giving the lease up may take, once nothing is under way any more."""


class Engine:
    """All loops of one daemon over one Context."""

    def __init__(self, ctx: Context, workers: Mapping[InstanceKind, Worker] | None = None) -> None:
        """`workers` do the work of instances instead of those of tasks and proof syncs."""
        self.ctx = ctx
        self.targets = Targets(ctx)
        self.heartbeats = Heartbeats(ctx)
        self.expiry = Expiry(ctx)
        self.circuits = Circuits(ctx, self.targets)
        self.deliverer = Deliverer(ctx, self.targets, self.heartbeats, self.circuits)
        self.holds = Holds(ctx, self.targets, self.deliverer)
        self.silence = Silence(ctx, lambda: self.heartbeats.sentinels.offline_since is not None)
        self.outcomes = Outcomes(ctx, self.targets, self.deliverer, self.heartbeats)
        self.look_ups = LookUps(ctx, self.targets, self.outcomes)
        self.instances = Instances(
            ctx,
            self.heartbeats,
            workers or {InstanceKind.TASK: TaskSync(ctx), InstanceKind.PROOF: ProofRuns(ctx)},
        )
        self.jobs = Jobs(ctx, self.targets, self.deliverer.wake)
        self.blocking = Blocking(ctx, self.instances.wake)
        self.templates = Templates(ctx, self.instances.wake)
        self.callbacks = CallbackProcessor(ctx)
        self.callbacks.on_instances = self.instances.wake
        self.pings = Pings(ctx)
        self.notifier = Notifier(ctx)
        self.janitor = Janitor(
            ctx, self.wake_alerts, self.wake_all, self._divide, self.deliverer.look_over, self.delivers
        )
        self.relay = Relay(ctx, self.targets, self.deliverer, self.holds, self.notifier)
        self.janitor.on_lease = self.deliverer.leased
        self.deliverer.renew_lease = self.janitor.renew
        self.deliverer.on_alerts = self.wake_alerts
        self.outcomes.on_alerts = self.wake_alerts
        self.circuits.on_change = self.holds.wake
        self.circuits.on_probe = self.deliverer.wake
        self.heartbeats.on_change = self._health_changed
        self.heartbeats.on_alerts = self.wake_alerts
        self.expiry.on_alerts = self.wake_alerts
        self.silence.on_alerts = self.wake_alerts
        self.instances.on_alerts = self.wake_alerts
        self.pings.on_change = self._health_changed
        self.pings.on_alerts = self.wake_alerts
        self._supervisor = Supervisor(ctx.clock, ctx.metrics)
        self._keeper = Supervisor(ctx.clock, ctx.metrics)

    def delivers(self) -> bool:
        """Tell whether records can leave here: the delivery loop turns, and the key opens every secret."""
        still_s = self.ctx.clock.monotonic() - self.deliverer.turned_at
        return still_s < TURNS_WITHIN_S and self.targets.readable

    def _health_changed(self) -> None:
        self.holds.wake()
        self.blocking.wake()

    def _divide(self, sharing: list[str], *, joins: bool) -> None:
        """Take this daemon's share of every limit among the daemons that share the work; `joins` says that they did not
        count on it until now.
        """
        share, before = share_of(self.ctx.daemon_id, sharing, delivers=self.delivers()), self.targets.share
        if share.of > 1 and (joins or share != before):
            self.targets.shared_at = self.ctx.clock.monotonic() + SHARED_AFTER_S
            if joins or not before.of:
                self.targets.joined_at = self.targets.shared_at
        if share != before:
            if share.of:
                log.info("this daemon is one of %d that deliver", share.of)
            else:
                log.warning("this daemon cannot deliver all it should, and leaves that to the others")
            self.targets.share = share
            self.deliverer.wake_all()

    async def start(self) -> None:
        """Recover what a crash interrupted, then start every loop."""
        await self.janitor.recover()
        await self.targets.refresh()
        for name, loop in (
            ("deliver", self.deliverer.run),
            ("outcomes", self.outcomes.run),
            ("look-ups", self.look_ups.run),
            ("holds", self.holds.run),
            ("jobs", self.jobs.run),
            ("circuits", self.circuits.run),
            ("heartbeats", self.heartbeats.run),
            ("expiry", self.expiry.run),
            ("silence", self.silence.run),
            ("instances", self.instances.run),
            ("blocking", self.blocking.run),
            ("templates", self.templates.run),
            ("callbacks", self.callbacks.run),
            ("pings", self.pings.run),
            ("notify", self.notifier.run),
            ("relay", self.relay.run),
        ):
            self._supervisor.start(name, loop)
        self._keeper.start("janitor", self.janitor.run)

    async def stop(self, grace_s: float) -> None:
        """Let attempts in flight finish for up to `grace_s` seconds, commit their results, and stop.

        The janitor is last: it renews the lease, without which other daemons would send what is still under way.
        """
        late = await self._supervisor.stop(grace_s)
        if not await self.ctx.authorizers.finish(grace_s):
            late.append("tokens")
        late += await self._keeper.stop(LEAVE_GRACE_S)
        if late:
            log.warning("stopped without waiting longer for: %s", ", ".join(late))

    def wake(self, integration_id: str, environment: Environment) -> None:
        """Say that a record of this environment may be due; never blocks."""
        self.deliverer.wake(integration_id, environment)

    def wake_all(self) -> None:
        """Look at every environment again."""
        self.deliverer.wake_all()

    def wake_jobs(self) -> None:
        """Say that a job was made or changed."""
        self.jobs.wake()

    def wake_alerts(self) -> None:
        """Say that the outbox may hold a new message."""
        self.notifier.wake()

    def wake_callbacks(self) -> None:
        """Say that a callback was accepted."""
        self.callbacks.wake()
        self.outcomes.wake()

    def hold_state(self, integration_id: str, environment: Environment) -> HoldReason | None:
        """Return why a record that arrives now for this environment has to wait, or None."""
        return self.targets.hold_state(integration_id, environment)

    def order_key(self, integration_id: str, environment: Environment, data: object) -> str | None:
        """Return the order key of a record that arrives now for this environment, None where it waits for none."""
        target = self.targets.get(integration_id, environment)
        order = None if target is None else target.delivery.order
        return None if order is None else self.targets.order_key(integration_id, environment, order, data)

    async def refresh(self) -> None:
        """Read connections, integrations and secrets again after a change, and act on it.

        A database that fails just now changes nothing of what was committed: the answer to that, which may hold secrets
        that are shown once, must not be lost for it. Holds read again at their next turn, and say so while they cannot.
        """
        try:
            await self.targets.refresh()
        except StoreUnavailable as error:
            log.warning("a change of the set-up is in effect once the database can be read: %s", error)
        self.holds.wake()
        self.circuits.wake()
        self.deliverer.wake_all()
        self.heartbeats.wake()
        self.expiry.wake()
        self.blocking.wake()
        self.instances.wake()

    async def check_now(self, connection_id: str, trigger: Trigger = Trigger.OPERATOR) -> None:
        """Check a connection now; returns when the result is committed. NotFound when it is unknown."""
        await self.heartbeats.check_now(connection_id, trigger)

    async def test_channel(self, url: str, name: str) -> ChannelTestResult:
        """Send a test message to an Apprise URL and return what became of it."""
        return await self.notifier.test_channel(url, name)

    async def check_channel_url(self, url: str) -> CheckedChannel:
        """Check an Apprise URL and return its masked form; ChannelError names the wrong part."""
        return await asyncio.wait_for(self.notifier.check_url(url), self.ctx.config.alerts.timeout_s)
