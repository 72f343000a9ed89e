"""One check whole: what was asked, what came back, whose the credential was."""

from __future__ import annotations

from healthdesk.api.health import CheckEvidence, Identity
from healthdesk.domain.states import ErrorKind, Trigger
from healthdesk.tui.format import Line, Span, Tone, dim, line, strong
from healthdesk.tui.view.json_view import text_lines
from healthdesk.tui.view.record import header_lines
from healthdesk.tui.view.times import View, full, millis
from healthdesk.tui.view.words import CONNECTION, check_glyph, check_words

TRIGGERS = {
    Trigger.SCHEDULE: "by schedule",
    Trigger.OPERATOR: "by an operator",
    Trigger.CREDENTIALS: "with new credentials",
    Trigger.DELIVERY: "after a delivery",
    Trigger.PING: "by a ping",
}
CUT = "… cut: only the beginning is kept"


def check_head(check: CheckEvidence, view: View) -> list[Line]:
    """Return what it came to, when, and what the connection was after it."""
    after = CONNECTION[check.state_after]
    took = "" if check.trigger is Trigger.PING else f" in {millis(check.duration_ms)}"
    return [
        line(check_glyph(check), Span(f" {answer_words(check)}{took}"), dim(" · "), check_words(check)),
        line(
            dim(f"{full(check.at, view)} · {TRIGGERS.get(check.trigger, check.trigger.value)} · after it "),
            Span(after.text, after.tone),
        ),
    ]


def answer_words(check: CheckEvidence) -> str:
    """Return the status, or what there was instead."""
    if check.trigger is Trigger.PING:
        return "Pinged" if check.ok else "No good ping"
    if check.kind == ErrorKind.OFFLINE.value:
        return "Put off"
    return str(check.status) if check.status is not None else "No answer"


def _no_request(check: CheckEvidence) -> str:
    if check.trigger is not Trigger.PING:
        return "Nothing was asked."
    return f"The job pinged this desk with {check.method}." if check.method else "No ping came in time."


def whose_lines(identity: Identity | None) -> list[Line]:
    """Return whose the credential was, as the app said."""
    if identity is None:
        return []
    scopes = "" if identity.scopes is None else ", ".join(identity.scopes) or "none"
    named = identity.account or identity.account_id
    shown_id = (
        f" ({identity.account_id})" if identity.account and identity.account_id != identity.account else ""
    )
    rows = [("Account", named + shown_id), ("Site", identity.site), ("Scopes", scopes)]
    return [line(dim(f"{name:<9}"), value) for name, value in rows if value]


def check_lines(check: CheckEvidence) -> list[Line]:
    """Return the request, whose the credential was, and the answer with its headers."""
    lines = [line(strong(f"{check.method} {check.url}") if check.url else dim(_no_request(check)))]
    lines += whose_lines(check.identity)
    if check.response_body:
        lines += [(), line(strong("Answer")), *text_lines(check.response_body)]
        if check.response_cut:
            lines.append(line(Span(CUT, Tone.WARN)))
    elif check.status is not None:
        lines += [(), line(dim("No body is shown: there was none, or it is for managers."))]
    return [*lines, *header_lines(check.response_headers)]
