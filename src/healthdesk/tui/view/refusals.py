"""What is said where something was refused: what the app answered, whose fault it is, what to do."""

from __future__ import annotations

from healthdesk.api.connections import UNCHECKED_HINT
from healthdesk.errors import ApiRefused, HealthdeskError
from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.view.words import blame_word


def sentence(text: str) -> str:
    """Return a text as a sentence."""
    text = text[:1].upper() + text[1:]
    return text if not text or text.endswith((".", "?", "!")) else f"{text}."


def offers_unchecked(error: HealthdeskError) -> bool:
    """Return whether it may be saved all the same, without asking the app."""
    return UNCHECKED_HINT in error.fix


def refusal_lines(error: HealthdeskError) -> list[Line]:
    """Return why something was refused, with all that helps."""
    blame = error.blame if isinstance(error, ApiRefused) else ""
    fix = error.fix.replace(UNCHECKED_HINT, "").strip()
    what = error.what if error.what.endswith((".", "?", "!")) else f"{error.what}."
    if not blame:
        return [line(Span(" ".join(part for part in (what, sentence(fix)) if part), Tone.BAD))]
    lines = [line(Span(what, Tone.BAD)), line(dim("At fault: "), blame_word(blame))]
    if fix:
        lines.append(line(dim("What to do: "), sentence(fix)))
    if offers_unchecked(error):
        lines.append(line(dim("Save anyway: it is saved without trying it, and checked then.")))
    return lines
