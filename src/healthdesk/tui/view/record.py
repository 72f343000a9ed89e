"""The window of one record: its verdict, and the five tabs."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.api.records import Attempt, AttemptDetail, RecordDetail
from healthdesk.domain.states import Environment, RecordState
from healthdesk.tui.format import Line, Span, Tone, dim, key, line, strong
from healthdesk.tui.view.json_view import body_lines
from healthdesk.tui.view.log import HOLDS, status_text
from healthdesk.tui.view.timeline import timeline_lines
from healthdesk.tui.view.times import View, full, millis, since, span, time_of_day
from healthdesk.tui.view.words import RECORD, blame_word, plural

TABS = ("Request", "Response", "Error", "Attempts", "Record")


def record_title(detail: RecordDetail) -> str:
    """Return the breadcrumb of a record."""
    level = f" · {detail.level}" if detail.level else ""
    what = f"{short_id(detail.id)} · {detail.source_name or detail.source}{level}"
    if detail.environment is Environment.TESTING:
        return f"{detail.environment.shown} · {what}"
    return f"{what} · {detail.environment.shown}"


def short_id(text: str) -> str:
    """Return an id with its middle left out: `rec_01JD…7QK`."""
    return text if len(text) <= 14 else f"{text[:8]}…{text[-3:]}"


def record_verdict(detail: RecordDetail, view: View) -> list[Line]:
    """Return what became of it, what is likely wrong, how many are like it and their problem, what to do next."""
    word = RECORD[detail.state]
    last = detail.attempts[-1] if detail.attempts else None
    told = detail.explanation.sentence if detail.explanation else ""
    headline = told if told.startswith(word.text) else _headline(detail, view)
    first = [Span(f"{word.glyph} {headline}", word.tone)]
    if last is not None and last.blame:
        first.append(dim(f" ({blame_word(last.blame)})"))
    lines = [tuple(first)]
    second: list[Span | str] = []
    if told and told != headline:
        second.append(told)
    elif detail.error and detail.error.rstrip(".").lower() not in headline.lower():
        second.append(detail.error)
    likely = detail.likely.sentence if detail.likely else ""
    if likely and likely.rstrip(".").lower() not in (told + headline).lower():
        if second:
            second.append("  " if str(second[-1]).endswith(".") else ".  ")
        second.append(dim(f"Likely: {likely}"))
    if second:
        lines.append(line(*second))
    lines += _like_it(detail, view)
    lines.append(_next(detail))
    return lines


def _like_it(detail: RecordDetail, view: View) -> list[Line]:
    """Return how many fail the same way, the way to their problem, and that something else is sent than was posted."""
    parts: list[Span | str] = []
    if detail.similar > 1:
        parts.append(dim(f"{detail.similar:,} like it since {since(detail.similar_since, view)}. "))
    if detail.problem_id:
        parts += [key("o"), dim(" opens their problem. " if detail.similar > 1 else " opens its problem. ")]
    if detail.fix_id:
        parts += [Span("▸ Fixed: ", Tone.ACCENT), dim("not what was posted is sent; "), key("D"), dim(" removes the fix.")]  # fmt: skip
    return [line(*parts)] if parts else []


def _headline(detail: RecordDetail, view: View) -> str:
    took = millis(detail.last_duration_ms) if detail.last_duration_ms is not None else ""
    match detail.state:
        case RecordState.FAILED if detail.last_status is not None:
            return f"Failed: the endpoint answered {detail.last_status} in {took}"
        case RecordState.FAILED:
            return "Failed: no answer came"
        case RecordState.DELIVERED:
            at = time_of_day(detail.last_attempt_at, view)
            return f"Delivered {at}: {detail.last_status or 'accepted'} in {took or '–'}"
        case RecordState.RETRYING:
            return f"Retrying: next try {time_of_day(detail.next_attempt_at, view)}"
        case RecordState.AWAITING_RECEIPT:
            return f"Awaiting its receipt until {time_of_day(detail.next_attempt_at, view)}"
        case RecordState.UNKNOWN if detail.next_attempt_at is not None:
            return f"Unknown: the endpoint is asked {time_of_day(detail.next_attempt_at, view)}"
        case RecordState.UNKNOWN:
            return "Unknown: the request may have arrived"
        case RecordState.HELD:
            return "Held: " + (
                HOLDS[detail.hold_reason] if detail.hold_reason else "it waits for its connection"
            )
        case _:
            return status_text(detail, view)


def _next(detail: RecordDetail) -> Line:
    words = detail.likely.next_action if detail.likely else ""
    words = words or (detail.explanation.next_action if detail.explanation else "")
    parts: list[Span | str] = [dim("Next: "), words] if words else []
    if detail.state is RecordState.FAILED:
        parts += [dim(" · " if words else "Next: "), key("f"), " fix and resend", dim(" · ")]
        parts += [key("s"), " resend as it is"]
    elif detail.state is RecordState.UNKNOWN:
        parts += [dim(" · " if words else "Next: "), key("L"), " look up now", dim(" · ")]
        parts += [key("s"), " resend as it is"]
    elif detail.state is RecordState.RETRYING:
        parts += [dim(" · " if words else "Next: "), key("s"), " try now"]
    elif detail.state is RecordState.DELIVERED and not words:
        parts = [dim("Nothing to do.")]
    return line(*parts)


def tab_lines(tab: str, detail: RecordDetail, view: View) -> list[Line]:
    """Return what a tab shows."""
    last = detail.attempts[-1] if detail.attempts else None
    match tab:
        case "Request":
            return request_lines(detail, last)
        case "Response":
            return response_lines(detail, last)
        case "Error":
            return error_lines(detail, last, view)
        case "Attempts":
            return timeline_lines(detail, view)
        case _:
            return posted_lines(detail, view)


def request_lines(detail: RecordDetail | AttemptDetail, last: Attempt | None) -> list[Line]:
    """Return the request as it left (or as it will), headers first."""
    if last is None:
        head = [line(dim("Not sent yet. This is what the endpoint will receive."))]
    else:
        head = [line(strong(f"{last.method} {last.url}"), dim(f"   webhook-id {short_id(last.webhook_id)}"))]
    lines = [*head, *body_lines(detail.request_body)]
    if isinstance(detail, RecordDetail) and detail.next_body is not None:
        told = "The next attempt sends something else: a fix or the mapping changed since."
        lines += [(), line(Span(told, Tone.ACCENT)), *body_lines(detail.next_body)]
    return lines if last is None else [*lines, *header_lines(last.request_headers)]


def header_lines(headers: Mapping[str, str]) -> list[Line]:
    """Return headers, under the body: that is what one looks for first."""
    if not headers:
        return []
    named = sorted(headers.items(), key=lambda header: header[0].lower())
    return [(), line(strong("Headers")), *(line(dim(f"{name.lower()}: "), value) for name, value in named)]


def response_lines(detail: RecordDetail | AttemptDetail, last: Attempt | None) -> list[Line]:
    """Return what came back to an attempt."""
    if last is None:
        return [line(dim("Nothing was sent yet."))]
    if last.status is None:
        return [line(Span("No answer came.", Tone.WARN)), line(last.error)]
    head = [line(strong(f"{last.status}"), dim(f" in {millis(last.duration_ms)}"))]
    if last.response_cut:
        head.append(line(Span("The answer was longer than is kept; it is cut.", Tone.WARN)))
    body = body_lines(detail.response_body, nothing="an empty answer")
    return [*head, *body, *header_lines(last.response_headers)]


def error_lines(detail: RecordDetail, last: Attempt | None, view: View) -> list[Line]:
    """Return why it failed: sentence, kind, whose fault, what to do, what is like it, and both bodies."""
    if not detail.error and (last is None or not last.error):
        return [line(dim("No error."))]
    kind = detail.error_kind or (last.error_kind if last else "")
    rows: list[tuple[str, str]] = [
        ("Error message", detail.error or (last.error if last else "")),
        ("Kind", kind.replace("_", " ")),
        ("Status code", str(detail.last_status) if detail.last_status is not None else "none"),
        ("Duration", millis(detail.last_duration_ms)),
        ("Whose fault", blame_word(last.blame) if last else ""),
    ]
    if last is not None and last.retry_after_s is not None:
        rows.append(("Retry-After", span(last.retry_after_s)))
    if detail.explanation is not None:
        rows.append(("What to do", detail.explanation.next_action))
    if detail.likely is not None:
        rows.append(("Likely cause", detail.likely.sentence))
        rows.append(("Field", detail.likely.field))
    if detail.similar > 1:
        rows.append(
            ("Like it", f"{plural(detail.similar, 'record')} since {since(detail.similar_since, view)}")
        )
    if detail.problem_id:
        rows.append(("Problem", detail.problem_id))
    lines = [line(dim(f"{name:<13} "), value) for name, value in rows if value]
    if last is not None:
        lines += [(), line(strong("Response body"))]
        lines += body_lines(
            detail.response_body, nothing="an empty answer" if last.status else "no answer came"
        )
        lines += [(), line(strong("Request body")), *body_lines(detail.request_body)]
    return lines


def posted_lines(detail: RecordDetail, view: View) -> list[Line]:
    """Return the record itself: its facts, and what was posted."""
    rows = [
        ("Record", detail.id),
        ("Integration", detail.integration_name or detail.integration_id),
        ("Environment", detail.environment.shown + (" (sample)" if detail.sample else "")),
        ("Source", detail.source_name or detail.source),
        ("Level", detail.level or "–"),
        ("Completed", full(detail.completed_at, view)),
        ("Arrived", full(detail.arrived_at, view)),
        ("webhook-id", detail.webhook_id),
    ]
    if detail.idempotency_key:
        rows.append(("Idempotency", detail.idempotency_key))
    return [*(line(dim(f"{name:<12} "), value) for name, value in rows), (), *body_lines(detail.posted_body)]
