"""Sources: HRAs and forms with levels and fields, where they are enabled, and how long they have been silent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from healthdesk.api.flow import SourcePulse
from healthdesk.api.integrations import Integration
from healthdesk.api.sources import Source, SourceField
from healthdesk.domain.durations import format_span
from healthdesk.domain.states import Environment
from healthdesk.tui.format import Line, Span, Tone, dim, key, line
from healthdesk.tui.view.environment import TITLES
from healthdesk.tui.view.times import View, ago, since, span, stamp
from healthdesk.tui.view.words import plural
from healthdesk.tui.widgets.columns import Column

SOURCE_COLUMNS = [
    Column("", 1),
    Column("Source", 18, flex=3),
    Column("Key", 14, flex=2),
    Column("Levels", 16, flex=3),
    Column("Fields", 6, right=True),
    Column("Enabled for", 11, flex=1),
    Column("Last record", 11, right=True, from_width=90),
]
FIELD_COLUMNS = [
    Column("Field", 18, flex=3),
    Column("Type", 9),
    Column("Required", 8),
    Column("Values are", 10),
    Column("Found by", 9),
    Column("Example", 12, flex=3),
]
USE_COLUMNS = [
    Column("", 1),
    Column("Integration", 18, flex=3),
    Column("Enabled", 8),
    Column("Last record", 13),
    Column("Usual gap", 9, right=True),
    Column("Silent after", 13, right=True),
    Column("Environment", 11, from_width=90),
]
ENABLED_COLUMNS = [
    Column("", 1),
    Column("Source", 18, flex=3),
    Column("Enabled", 8),
    Column("Levels", 16, flex=3),
    Column("Last record", 13),
    Column("Silent after", 13, right=True),
]


@dataclass(frozen=True, slots=True)
class Use:
    """An integration as a source sees it: enabled or not, and how often it sends there, where that is known."""

    integration_id: str
    name: str
    enabled: bool
    pulse: SourcePulse | None = None

    @property
    def id(self) -> str:
        """One row for each environment that is watched."""
        return f"{self.integration_id}:{self.pulse.environment if self.pulse else ''}"


def uses_of(source: Source, integrations: Iterable[Integration]) -> list[Use]:
    """Return where a source may be delivered: those it is enabled for first, a row for each environment watched."""
    rows: list[Use] = []
    for each in integrations:
        enabled = each.id in source.integrations
        pulses = [pulse for pulse in source.pulses if pulse.integration_id == each.id]
        rows += [Use(each.id, each.name, enabled, pulse) for pulse in pulses]
        if not pulses:
            rows.append(Use(each.id, each.name, enabled))
    return sorted(rows, key=lambda use: (not use.enabled, use.name.lower()))


def pulse_of(source: Source, integration_id: str) -> SourcePulse | None:
    """Return how often a source sends to an integration: to production, else to testing."""
    found = [pulse for pulse in source.pulses if pulse.integration_id == integration_id]
    return min(found, key=lambda pulse: pulse.environment is not Environment.PRODUCTION, default=None)


def silent_in(sources: Iterable[Source], integration_id: str) -> list[Source]:
    """Return the sources that are silent towards an integration."""
    return [
        each
        for each in sources
        if any(pulse.silent and pulse.integration_id == integration_id for pulse in each.pulses)
    ]


def keep_source(source: Source, state: str) -> bool:
    """Return whether a source passes the chip: `enabled` somewhere, `off` everywhere, `silent`, or any."""
    match state:
        case "enabled":
            return bool(source.integrations)
        case "off":
            return not source.integrations
        case "silent":
            return any(pulse.silent for pulse in source.pulses)
        case _:
            return True


def source_glyph(source: Source) -> Span:
    """Return whether it is silent somewhere, enabled, or nowhere."""
    if any(pulse.silent for pulse in source.pulses):
        return Span("⚠", Tone.WARN)
    return Span("●", Tone.GOOD) if source.integrations else Span("○", Tone.DIM)


def source_cells(source: Source, view: View) -> list[Span]:
    """Return the cells of a source in the list of all."""
    last = max((pulse.last_at for pulse in source.pulses if pulse.last_at), default=None)
    count = len(source.integrations)
    return [
        source_glyph(source),
        Span(source.name),
        Span(source.key, Tone.DIM),
        Span(", ".join(source.levels) or "none"),
        Span(str(len(source.fields))),
        Span(str(count) if count else "none", Tone.PLAIN if count else Tone.DIM),
        Span(ago(last, view), Tone.DIM),
    ]


def source_explain(source: Source, names: Mapping[str, str], view: View) -> list[Line]:
    """Say where a source is enabled, or that it is not; and where it is silent."""
    silent = [pulse for pulse in source.pulses if pulse.silent]
    if silent:
        return [
            line(Span(silence_words(silent[0], view), Tone.WARN)),
            line(dim("enter shows it; h says how long is usual")),
        ]
    where = [names.get(each, each) for each in source.integrations]
    if not where:
        return [
            line("Enabled for no integration: its records are refused."),
            line(key("enter"), dim(" enables it")),
        ]
    return [
        line(f"Enabled for {', '.join(where)}."),
        line(dim(f"{plural(len(source.fields), 'field')} declared")),
    ]


def silence_words(pulse: SourcePulse, view: View) -> str:
    """Return how long nothing came, and what is usual."""
    where = f"{pulse.integration_name or pulse.integration_id} · {TITLES[pulse.environment]}"
    usual = f"; usually every {span(pulse.usual_s)}" if pulse.usual_s else ""
    return f"Silent towards {where} since {since(pulse.last_at, view)}{usual}."


def after_words(pulse: SourcePulse | None) -> Span:
    """Return when silence becomes a problem: set by hand, learnt, never, or not known yet."""
    if pulse is None or (pulse.after_s is None and pulse.set_s is None):
        return Span("not known yet", Tone.DIM)
    if pulse.set_s == 0:
        return Span("never", Tone.DIM)
    if pulse.set_s:
        return Span(f"{format_span(pulse.set_s)} set")
    return Span(f"{span(pulse.after_s or 0)} learnt")


def enabled_cells(source: Source, integration_id: str, view: View) -> list[Span]:
    """Return the cells of a source in the window of an integration."""
    enabled = integration_id in source.integrations
    pulse = pulse_of(source, integration_id)
    silent = pulse is not None and pulse.silent
    glyph = Span("⚠", Tone.WARN) if silent else Span("✓", Tone.GOOD) if enabled else Span("–", Tone.DIM)
    return [
        glyph,
        Span(source.name, Tone.PLAIN if enabled else Tone.DIM),
        Span("yes" if enabled else "no", Tone.PLAIN if enabled else Tone.DIM),
        Span(", ".join(source.levels) or "none", Tone.PLAIN if enabled else Tone.DIM),
        Span(stamp(pulse.last_at if pulse else None, view), Tone.WARN if silent else Tone.DIM),
        after_words(pulse) if enabled else Span("–", Tone.DIM),
    ]


def enabled_explain(source: Source, integration_id: str, view: View) -> list[Line]:
    """Say of a source in the window of an integration what is delivered of it."""
    if integration_id not in source.integrations:
        return [
            line(f"{source.name} is not enabled: its records are refused here, and it gets no sample data."),
            line(key("O"), dim(" enables it")),
        ]
    pulse = pulse_of(source, integration_id)
    if pulse is not None and pulse.silent:
        return [
            line(Span(silence_words(pulse, view), Tone.WARN)),
            line(key("h"), dim(" says how long is usual")),
        ]
    count = max(1, len(source.levels))
    return [
        line(f"{source.name} is delivered. {plural(len(source.fields), 'field')} declared."),
        line(key("t"), dim(f" sends {plural(count, 'sample')} of it")),
    ]


def field_cells(field: SourceField) -> list[Span]:
    """Return the cells of a field."""
    return [
        Span(field.name),
        Span(field.type, Tone.DIM),
        Span("required") if field.required else Span("optional", Tone.DIM),
        Span("masked") if field.sensitive else Span("shown", Tone.WARN),
        Span("its value") if field.lookup else Span("–", Tone.DIM),
        Span(field.example or "–", Tone.DIM),
    ]


def use_cells(use: Use, view: View) -> list[Span]:
    """Return the cells of an integration in the window of a source."""
    pulse = use.pulse
    silent = pulse is not None and pulse.silent
    glyph = Span("⚠", Tone.WARN) if silent else Span("✓", Tone.GOOD) if use.enabled else Span("–", Tone.DIM)
    return [
        glyph,
        Span(use.name, Tone.PLAIN if use.enabled else Tone.DIM),
        Span("yes" if use.enabled else "no", Tone.PLAIN if use.enabled else Tone.DIM),
        Span(stamp(pulse.last_at if pulse else None, view), Tone.WARN if silent else Tone.DIM),
        Span(span(pulse.usual_s) if pulse and pulse.usual_s else "–", Tone.DIM),
        after_words(pulse) if use.enabled else Span("–", Tone.DIM),
        Span(TITLES[pulse.environment] if pulse else "–", Tone.DIM),
    ]


def source_head(source: Source, view: View) -> list[Line]:
    """Return what a source is: key, levels, where it is enabled; and its silence."""
    lines = [
        line(f"{source.name}", dim(f"   key {source.key}   levels {', '.join(source.levels) or 'none'}")),
    ]
    silent = [pulse for pulse in source.pulses if pulse.silent]
    lines += [line(Span(f"⚠ {silence_words(pulse, view)}", Tone.WARN)) for pulse in silent]
    if not source.fields:
        lines.append(
            line(dim("No fields are declared: its data is not validated, and every value is masked."))
        )
    return lines


def source_facts(source: Source, view: View) -> list[Line]:
    """Return everything about a source; also what `y` copies."""
    lines = [
        *source_head(source, view),
        line(dim(f"Added {stamp(source.created_at, view)} by {source.created_by} · {source.id}")),
    ]
    for field in source.fields:
        words = [cell.text for cell in field_cells(field)]
        lines.append(line(f"  {words[0]:<24} ", dim(" · ".join(words[1:]))))
    return lines
