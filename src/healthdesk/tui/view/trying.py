"""What is tried before launch: a probe's exchange, the difference that promoting copies, the plan of sample data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from healthdesk.api.samples import Probed, Promotion, SampleOf, SamplePlan, SettingChange
from healthdesk.domain.states import Environment
from healthdesk.tui.format import Line, Span, Tone, dim, line, strong
from healthdesk.tui.view.attempt import attempt_lines
from healthdesk.tui.view.environment import TITLES
from healthdesk.tui.view.times import View
from healthdesk.tui.view.words import blame_word, plural
from healthdesk.tui.widgets.columns import Column

SAMPLE_COLUMNS = [
    Column("", 1),
    Column("Source", 18, flex=2),
    Column("Samples", 7, right=True),
    Column("One for each level, or why none", 30, flex=5),
]


def probed_lines(probed: Probed, view: View) -> list[Line]:
    """Return what a probe came to, whose fault and what to do, then the whole exchange."""
    glyph, tone = ("✓", Tone.GOOD) if probed.ok else ("✗", Tone.BAD)
    lines = [line(Span(f"{glyph} {probed.sentence}", tone))]
    if probed.blame and not probed.ok:
        lines.append(line(dim("Whose fault   "), blame_word(probed.blame)))
    if probed.next_action:
        lines.append(line(dim("Next          "), probed.next_action))
    lines.append(line(dim("It was a probe: no record was made, and the log stays as it was.")))
    if probed.exchange is not None:
        lines += [(), *attempt_lines(probed.exchange, view)]
    return lines


def probe_question(where: str) -> list[Line]:
    """Return what is asked before a probe goes to production. `where` is the method and the address."""
    return [
        line(Span(f"One signed probe goes to PRODUCTION: {where}", Tone.BAD)),
        (),
        line("The system there takes it for a real record, unless it looks at the header"),
        line("healthdesk-probe: true. It cannot be taken back from here."),
    ]


def promotion_lines(promotion: Promotion) -> list[Line]:
    """Return how testing differs from production, setting by setting, and what stays as it is."""
    copied = [each for each in promotion.changes if each.copied]
    stays = [each for each in promotion.changes if not each.copied]
    if promotion.creates:
        lines = [line("There is no production environment yet: it is made as TESTING is.")]
    else:
        lines = [line("Production becomes as TESTING is: + TESTING, - production now.")]
    lines.append(())
    for each in copied:
        lines += _change_lines(each, creates=promotion.creates)
    if stays:
        lines.append(())
    lines += [line(dim(f"{each.name} stays: {each.why}")) for each in stays]
    lines += [line(Span(f"⚠ {note}", Tone.WARN)) for note in promotion.notes]
    lines.append(line(dim("Credentials, keys and secrets are never copied.")))
    return lines


def _change_lines(change: SettingChange, *, creates: bool) -> list[Line]:
    rows = [line(strong(f"{setting_word(change.name)}: "), Span(f"+ {shown(change.testing)}", Tone.GOOD))]
    if not creates:
        rows.append(line(dim("  "), Span(f"- {shown(change.production)}", Tone.BAD)))
    return rows


def setting_word(name: str) -> str:
    """Return what a setting is called: `delivery.batch` is `batch`."""
    return name.removeprefix("delivery.").replace("_", " ")


def shown(value: Any) -> str:
    """Return a setting's value for people."""
    if value is None or value in ("", {}, []):
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def sample_cells(of: SampleOf) -> list[Span]:
    """Return the cells of a source in the plan of sample data."""
    if of.skipped:
        return [
            Span("–", Tone.DIM),
            Span(of.name or of.source, Tone.DIM),
            Span("0", Tone.DIM),
            Span(f"skipped: {of.skipped}", Tone.WARN),
        ]
    return [
        Span("✓", Tone.GOOD),
        Span(of.name or of.source),
        Span(str(of.records)),
        Span(", ".join(of.levels) or "it has no levels: one sample", Tone.PLAIN if of.levels else Tone.DIM),
    ]


def chosen_of(plan: SamplePlan, keys: Sequence[str]) -> list[SampleOf]:
    """Return the sources of a plan that were chosen; all where none was."""
    return [each for each in plan.sources if not keys or each.source in keys]


def total_of(plan: SamplePlan, keys: Sequence[str]) -> int:
    """Return how many samples the sources that were chosen get."""
    return sum(each.records for each in chosen_of(plan, keys))


def sample_sentence(plan: SamplePlan, keys: Sequence[str]) -> list[Line]:
    """Say how many samples go where, how many sources are skipped, and what to know before."""
    chosen = chosen_of(plan, keys)
    skipped = sum(1 for each in chosen if each.skipped)
    of = "all sources" if not keys else plural(len(chosen), "source")
    rest = f", {skipped} skipped" if skipped else ""
    production = plan.environment is Environment.PRODUCTION
    where = Span(TITLES[plan.environment], Tone.BAD if production else Tone.ACCENT)
    return [
        line(f"{plural(total_of(plan, keys), 'sample')} of {of}{rest}, to ", where),
        line(dim(plan.endpoint)),
        line(Span(f"⚠ {plan.warning}", Tone.WARN)),
    ]


def production_question(plan: SamplePlan, count: int) -> list[Line]:
    """Return what is asked before samples go to production."""
    return [
        line(Span(f"{plural(count, 'sample')} go to PRODUCTION: {plan.endpoint}", Tone.BAD)),
        (),
        line("The system there takes them for real ones, unless it looks at the header"),
        line("healthdesk-sample: true. They cannot be taken back from here."),
        (),
        line(Span(f"⚠ {plan.warning}", Tone.WARN)),
    ]
