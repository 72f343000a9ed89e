"""An authorization in words: what to open where, and what has become of it."""

from __future__ import annotations

from healthdesk.api.authorizations import Authorization
from healthdesk.tui.format import Line, Span, Tone, dim, line, strong
from healthdesk.tui.view.times import View, time_of_day


def authorization_lines(begun: Authorization) -> list[Line]:
    """Return what to register, open and enter."""
    lines: list[Line] = []
    if begun.redirect_url:
        lines += [
            line(dim(f"Redirect URL that has to be registered at {begun.app_name}:")),
            line(begun.redirect_url),
            (),
        ]
    lines += [
        line(dim("Open this address in a browser, on any machine:")),
        line(Span(begun.url, Tone.ACCENT)),
    ]
    if begun.user_code:
        lines += [(), line(dim("Enter the code there: "), strong(begun.user_code))]
    return lines


def authorization_state(found: Authorization, view: View, trouble: str = "") -> list[Line]:
    """Return what has become of it, with how long is left."""
    match found.status:
        case "pending":
            left = max(0, int((found.expires_at - view.now).total_seconds()))
            lines = [
                line(
                    Span("○ Waiting until it is granted", Tone.WARN),
                    dim(
                        f" · {left // 60}:{left % 60:02} left, until {time_of_day(found.expires_at, view)} {view.zone}"
                    ),
                )
            ]
            if trouble:
                lines.append(line(Span(f"{trouble}; it is asked again.", Tone.WARN)))
            return lines
        case "granted" | "used":
            return [line(Span(f"✓ {found.app_name} granted it.", Tone.GOOD))]
        case "refused":
            said = found.error or f"{found.app_name} refused it."
            return [line(Span(f"✗ Refused: {said}", Tone.BAD)), line(dim("esc goes back to begin it again."))]
        case _:
            told = "It was not granted in time. esc goes back to begin it again."
            return [line(Span("✗ Expired.", Tone.BAD)), line(dim(told))]
