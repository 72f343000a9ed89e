"""A record and its attempts, printed for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from healthdesk.cli import marks
from healthdesk.cli.marks import Cell
from healthdesk.cli.output import Output
from healthdesk.cli.tables import Column
from healthdesk.cli.times import format_duration_ms
from healthdesk.domain.states import RecordState

if TYPE_CHECKING:
    from healthdesk.api.common import Page
    from healthdesk.api.records import Attempt, AttemptDetail, Body, RecordDetail

REVEAL = ": --reveal shows it"
_NEXT = {
    RecordState.AWAITING_RECEIPT: "Receipt until",
    RecordState.UNKNOWN: "Looked up",
}
"""What happens at the time that is shown, where it is no attempt."""


def print_record(out: Output, item: RecordDetail) -> None:
    """Print everything about a record."""
    if out.as_json:
        out.model(item)
        return
    why = item.explanation
    like = f"{item.similar:,} records fail the same way since {out.time(item.similar_since)}"
    out.facts(
        [
            ("Status", marks.record(item.state, item.last_status)),
            ("Held because", f"{item.hold_reason}" if item.hold_reason else ""),
            ("Why", why.sentence if why else item.error),
            ("Whose fault", why.blame if why else ""),
            ("Likely wrong", _likely(item)),
            ("Next", item.likely.next_action if item.likely else why.next_action if why else ""),
            ("Like it", like if item.similar > 1 else ""),
            ("Problem", " ".join(each for each in (item.problem_id, item.problem_cause) if each)),
            ("Fixed", f"{item.fix_id}: something else than what was posted is sent" if item.fix_id else ""),
            ("Id", item.id),
            ("Integration", f"{item.integration_name} ({item.integration_id})"),
            ("Environment", item.environment.shown + (", a sample" if item.sample else "")),
            ("Source", f"{item.source_name or item.source}{f' · {item.level}' if item.level else ''}"),
            ("Completed", out.time(item.completed_at)),
            ("Arrived", out.time(item.arrived_at)),
            ("First attempt", out.time(item.first_attempt_at)),
            ("Last attempt", out.time(item.last_attempt_at)),
            (
                _NEXT.get(item.state, "Next attempt"),
                out.time(item.next_attempt_at) if item.next_attempt_at else "",
            ),
            ("Tries", item.tried_words),
            ("webhook-id", item.webhook_id),
            ("Idempotency-Key", item.idempotency_key or ""),
        ]
    )
    print_body(out, "Request body", item.request_body, reveal=REVEAL)
    print_body(out, "What the next attempt sends", item.next_body, reveal=REVEAL)
    print_body(out, "Response body", item.response_body, reveal=REVEAL)
    if item.request_body is None:
        print_body(out, "Posted body", item.posted_body, reveal=REVEAL)
    if item.attempts:
        out.heading("Attempts")
        _table(out, item.attempts)
        number = item.attempts[-1].number
        out.note(f"headers and times: healthdesk records show {item.id} --attempt {number}")


def _likely(item: RecordDetail) -> str:
    return f"{item.cause.replace('_', ' ')}: {item.likely.sentence}" if item.likely else ""


def print_timeline(out: Output, item: RecordDetail) -> None:
    """Print what happened to a record in one order."""
    if out.as_json:
        out.json([moment.model_dump(mode="json") for moment in item.timeline])
        return
    rows: list[list[Cell | str]] = [
        [out.short_time(moment.at), moment.what.replace("_", " "), moment.by, moment.sentence]
        for moment in item.timeline
    ]
    columns = (Column(out.titled("When")), Column("What"), Column("By", spare=1), Column("", flex=True))
    out.table(columns, rows, empty="Nothing happened to it yet.")


def print_attempts(out: Output, page: Page[Attempt]) -> None:
    """Print a page of attempts as a timeline."""
    if out.as_json:
        out.model(page)
        return
    _table(out, page.items)
    out.more(page)


def _table(out: Output, attempts: list[Attempt]) -> None:
    columns = (
        Column("#", right=True),
        Column(out.titled("Started")),
        Column("Trigger"),
        Column("Outcome"),
        Column("Status", right=True),
        Column("Took", right=True),
        Column("Error", flex=True),
        Column("Id", spare=1),
    )

    def row(item: Attempt) -> list[Cell | str]:
        trigger = f"{item.trigger} by {item.triggered_by}" if item.triggered_by else item.trigger.value
        return [
            str(item.number),
            out.short_time(item.started_at),
            trigger,
            marks.outcome(item.outcome),
            str(item.status or "–"),
            format_duration_ms(item.duration_ms),
            item.error,
            item.id,
        ]

    out.table(columns, [row(item) for item in attempts], empty="Not tried yet.")


def _took(item: Attempt) -> str:
    """Return how long an attempt took, and its parts where they are known."""
    parts = (("connect", item.connect_ms), ("TLS", item.tls_ms), ("first byte", item.first_byte_ms))
    told = ", ".join(f"{name} {format_duration_ms(value)}" for name, value in parts if value is not None)
    return format_duration_ms(item.duration_ms) + (f" ({told})" if told else "")


def print_attempt(out: Output, item: AttemptDetail) -> None:
    """Print one attempt with its headers and bodies."""
    if out.as_json:
        out.model(item)
        return
    trigger = f"{item.trigger} by {item.triggered_by}" if item.triggered_by else item.trigger.value
    out.facts(
        [
            ("Outcome", marks.outcome(item.outcome)),
            ("Error", item.error),
            ("Whose fault", item.blame),
            ("Status", str(item.status or "")),
            ("Took", _took(item)),
            ("Retry-After", f"{item.retry_after_s:g} s" if item.retry_after_s is not None else ""),
            ("Trigger", trigger),
            ("Started", out.time(item.started_at)),
            ("Finished", out.time(item.finished_at)),
            ("Request", f"{item.method} {item.url}".strip()),
            ("webhook-id", item.webhook_id),
            ("Id", item.id),
            ("Record", item.record_id),
        ]
    )
    print_headers(out, "Request headers", item.request_headers)
    print_body(out, "Request body", item.request_body, reveal=REVEAL)
    print_headers(out, "Response headers", item.response_headers)
    print_body(out, "Response body", item.response_body, reveal=REVEAL)


def print_headers(out: Output, title: str, headers: Mapping[str, Any]) -> None:
    """Print headers, if there are any."""
    if headers:
        out.heading(title)
        out.block("\n".join(f"{name}: {value}" for name, value in headers.items()))


def print_body(out: Output, title: str, body: Body | None, *, reveal: str = "") -> None:
    """Print a body, and what is missing of it; `reveal` says how to see its values."""
    if body is None:
        return
    remarks = [f"{body.size:,} bytes", body.content_type]
    remarks += [f"masked{reveal}"] if body.masked and body.text else []
    remarks += ["cut"] if body.cut else []
    out.heading(f"{title} ({', '.join(remark for remark in remarks if remark)})")
    if body.text is not None:
        out.block(body.text)
    elif body.base64 is not None:
        out.line("Not UTF-8; as base64:")
        out.block(body.base64)
    else:
        out.line("  empty" if body.size == 0 else "  no longer kept")
