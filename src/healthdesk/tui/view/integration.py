"""The window of a delivery integration: environments, endpoint, totals."""

from __future__ import annotations

from healthdesk.api.integrations import EnvironmentView, Integration
from healthdesk.domain.states import IntegrationState, RecordState
from healthdesk.tui.format import Line, Span, Tone, dim, line, strong
from healthdesk.tui.view.log import HOLDS
from healthdesk.tui.view.words import RECORD, plural


def integration_head(integration: Integration) -> list[Line]:
    """Return the verdict, and a block for each environment."""
    paused = [
        item.environment.value for item in integration.environments if item.state is IntegrationState.PAUSED
    ]
    failed = sum(item.totals.get(RecordState.FAILED.value, 0) for item in integration.environments)
    if paused:
        verdict = Span(f"⏸ Paused: {', '.join(paused)}. Records are kept and held.", Tone.WARN)
    elif failed:
        verdict = Span(f"✗ {plural(failed, 'record')} failed", Tone.BAD)
    else:
        verdict = Span("● Delivering", Tone.GOOD)
    lines = [line(verdict, dim(f"   sources: {', '.join(integration.sources) or 'none enabled'}"))]
    for item in integration.environments:
        lines += environment_lines(item)
    lines.append(line(dim("Post to    "), integration.records_url))
    return lines


def environment_lines(item: EnvironmentView) -> list[Line]:
    """Return one environment: where it delivers, how, its totals."""
    state = (
        Span("⏸ paused", Tone.WARN) if item.state is IntegrationState.PAUSED else Span("● active", Tone.GOOD)
    )
    holds = dim(f" · holding: {HOLDS[item.hold_reason]}") if item.hold_reason else dim("")
    limits = f"{item.concurrency} at once, {item.timeout_s:g} s"
    if item.rate_per_s:
        limits += f", {item.rate_per_s:g}/s"
    return [
        line(
            strong(f"{item.environment.value:<11}"),
            state,
            holds,
            dim(f" · on {item.connection_name} · {limits}"),
        ),
        line(
            dim("  endpoint "), f"{item.method} {item.endpoint}", dim(f"   key {item.key_hint or 'none yet'}")
        ),
        line(dim("  records  "), *totals_spans(item.totals)),
    ]


def totals_spans(totals: dict[str, int]) -> list[Span]:
    """Return the totals by state, worst first, zeros left out."""
    order = ("failed", "unknown", "held", "retrying", "sending", "queued", "awaiting_receipt", "delivered")
    spans: list[Span] = []
    for name in order:
        count = totals.get(name, 0)
        if count:
            word = RECORD[RecordState(name)]
            spans += [Span(f"{word.glyph} {count:,} {word.text.lower()}", word.tone), Span("   ")]
    return spans or [dim("none yet")]
