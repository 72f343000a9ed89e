"""What the daemon counts for Prometheus. Names and labels hold no value of a record."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counters of one daemon, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records_accepted = Counter(
            "healthdesk_records_accepted", "Records committed.", registry=self.registry
        )
        self.records_refused = Counter(
            "healthdesk_requests_refused",
            "Public requests refused, by HTTP status.",
            ["status"],
            registry=self.registry,
        )
        self.callbacks = Counter(
            "healthdesk_callbacks", "Callbacks by outcome.", ["outcome"], registry=self.registry
        )
        self.receipts = Counter(
            "healthdesk_receipts", "Receipts by outcome.", ["outcome"], registry=self.registry
        )
        self.lookups = Counter(
            "healthdesk_lookups",
            "Questions to endpoints whether they have a record, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self.attempts = Counter(
            "healthdesk_attempts", "Delivery attempts by outcome.", ["outcome"], registry=self.registry
        )
        self.attempt_seconds = Histogram(
            "healthdesk_attempt_seconds",
            "Duration of delivery attempts.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.circuit_changes = Counter(
            "healthdesk_circuit_changes",
            "Changes of circuits by the state they came to.",
            ["state"],
            registry=self.registry,
        )
        self.circuits = Gauge(
            "healthdesk_circuits",
            "Environments by the state of their circuit.",
            ["state"],
            registry=self.registry,
        )
        self.silent_sources = Gauge(
            "healthdesk_silent_sources",
            "Sources that sent nothing for longer than their usual gap, by environment.",
            ["environment"],
            registry=self.registry,
        )
        self.checks = Counter(
            "healthdesk_checks", "Heartbeats by result.", ["result"], registry=self.registry
        )
        self.syncs = Counter(
            "healthdesk_syncs",
            "Runs of tasks and proof syncs by kind and result.",
            ["kind", "result"],
            registry=self.registry,
        )
        self.job_records = Counter(
            "healthdesk_job_records",
            "Records that jobs are through with, by what became of them.",
            ["state"],
            registry=self.registry,
        )
        self.alerts = Counter(
            "healthdesk_alerts", "Alert sends by result.", ["result"], registry=self.registry
        )
        self.records = Gauge(
            "healthdesk_records", "Records by state, from the ledger.", ["state"], registry=self.registry
        )
        self.connections = Gauge(
            "healthdesk_connections", "Connections by state.", ["state"], registry=self.registry
        )
        self.problems = Gauge("healthdesk_problems", "Problems by state.", ["state"], registry=self.registry)
        self.task_restarts = Counter(
            "healthdesk_task_restarts",
            "Background tasks that died and were started again.",
            ["task"],
            registry=self.registry,
        )
