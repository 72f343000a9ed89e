"""Evidence: the last good check of a connection beside the first bad one, and what differs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap

from rich.cells import chop_cells

from healthdesk.api.health import CheckEvidence, Evidence
from healthdesk.tui.format import Line, Span, Tone, block, clean, dim, fit, key, line, strong
from healthdesk.tui.view.check import CUT, answer_words, check_lines, whose_lines
from healthdesk.tui.view.json_view import indent
from healthdesk.tui.view.times import View, full, millis, stamp
from healthdesk.tui.view.words import check_words

SIDE_BY_SIDE = 110
"""From which width on two checks fit beside each other."""
LABEL = 22
GAP = "  "
MOST_BODY_LINES = 60
NOISE = re.compile(r"date|age|etag|expires|last-modified|content-length|x-ratelimit-.*|.*-id|.*-ray")
"""Headers that differ between any two answers and tell nothing."""
NOT_TOLD = "not told"
TOLD = ("When", "Took")
"""What differs between any two checks."""


def span_line(found: Evidence, view: View) -> Line:
    """Return `last good 21 Nov 02:10 → first bad 22 Nov 02:10 · same account, same site`; empty without a bad one."""
    if found.first_bad is None:
        return ()
    parts = [f"last good {stamp(found.last_good.at, view).strip()}"] if found.last_good else []
    parts.append(f"first bad {stamp(found.first_bad.at, view).strip()}")
    return line(dim(" → ".join(parts)), dim(f" · {found.comparison}" if found.comparison else ""))


def evidence_lines(found: Evidence, view: View, width: int, *, said: str = "") -> list[Line]:
    """Return one plain sentence, what differs, and both checks: side by side where there is room.

    `said` is what stands above them already.
    """
    lines = [line(strong(found.sentence))] if found.sentence != said else []
    lines += [line(Span("⚠ ", Tone.WARN), each.sentence) for each in found.drift]
    good, bad = found.last_good, found.first_bad
    if good is not None and bad is not None:
        lines += [*_gap(lines), *_difference_lines(found)]
        lines += [
            (),
            *(_beside(good, bad, view, width) if width >= SIDE_BY_SIDE else _stacked(good, bad, view)),
        ]
    elif good is not None or bad is not None:
        lines += _one(good, bad, view)
    else:
        lines += [(), line(dim("No check is kept yet. "), key("c"), dim(" checks it now."))]
    if found.latest is not None and not (bad is not None and _same(found.latest, bad)):
        told: list[Span | str] = [
            dim("By now: "),
            answer_words(found.latest),
            dim(f" {stamp(found.latest.at, view).strip()} "),
        ]
        lines += [(), line(*told, check_words(found.latest))]
    return lines


def _gap(lines: Sequence[Line]) -> list[Line]:
    return [()] if lines else []


def _same(one: CheckEvidence, other: CheckEvidence) -> bool:
    return (one.status, one.kind, one.sentence) == (other.status, other.kind, other.sentence)


def _difference_lines(found: Evidence) -> list[Line]:
    lines = [line(strong("What differs"))]
    for each in found.differences:
        after = Span(each.after or "–", Tone.WARN)
        lines.append(line(dim(f"{each.what:<{LABEL}}"), each.before or "–", dim(" → "), after))
    if not found.differences:
        lines.append(line(dim("Nothing that is kept.")))
    return lines


def _one(good: CheckEvidence | None, bad: CheckEvidence | None, view: View) -> list[Line]:
    title = "Last good" if good is not None else "First bad"
    check = good if good is not None else bad
    return [(), *_titled(title, check, view)] if check is not None else []


def _stacked(good: CheckEvidence, bad: CheckEvidence, view: View) -> list[Line]:
    return [*_titled("Last good", good, view), (), *_titled("First bad", bad, view)]


def _titled(title: str, check: CheckEvidence, view: View) -> list[Line]:
    tone = Tone.GOOD if check.ok else Tone.BAD
    head = line(
        Span(f"{title}  ", tone),
        strong(answer_words(check)),
        dim(f"  {full(check.at, view)} · {millis(check.duration_ms)}"),
    )
    said = [] if check.ok else [line(check_words(check))]
    return [head, *said, *check_lines(check)]


# Beside each other


def _beside(good: CheckEvidence, bad: CheckEvidence, view: View, width: int) -> list[Line]:
    side = (width - LABEL - 2 * len(GAP)) // 2
    lines = [
        line(
            " " * LABEL,
            Span(fit("Last good", side), Tone.GOOD),
            GAP,
            Span("First bad", Tone.BAD),
        )
    ]
    for name, left, right in (*_facts(good, bad, view), *_headers(good, bad)):
        lines += _pair(
            name, _wrapped(left, side), _wrapped(right, side), side, told=name in TOLD or right == NOT_TOLD
        )
    bodies = _body(good, side), _body(bad, side)
    return [*lines, *_pair("Answer", *bodies, side, told=True)] if any(bodies) else lines


def _facts(good: CheckEvidence, bad: CheckEvidence, view: View) -> list[tuple[str, str, str]]:
    rows = []
    for check in (good, bad):
        whose = dict.fromkeys(("Account", "Site", "Scopes"), "")
        for known in whose_lines(check.identity):
            whose[known[0].text.strip()] = known[1].text
        facts = {
            "When": full(check.at, view),
            "Asked": f"{check.method} {check.url}".strip(),
            "Status": answer_words(check),
            "Took": millis(check.duration_ms),
            "Said": str(check_words(check).text),
            **whose,
        }
        rows.append(facts)
    before, after = rows
    if bad.identity is None:  # a check that failed seldom tells whose the credential is
        after |= {name: NOT_TOLD for name in ("Account",) if before[name]}
        before |= dict.fromkeys(("Site", "Scopes"), "")
    return [(name, before[name], after[name]) for name in before if before[name] or after[name]]


def _headers(good: CheckEvidence, bad: CheckEvidence) -> list[tuple[str, str, str]]:
    was, is_now = good.response_headers, bad.response_headers
    return [
        (name.lower(), was.get(name, ""), is_now.get(name, ""))
        for name in sorted({*was, *is_now}, key=str.lower)
        if was.get(name, "") != is_now.get(name, "") and not NOISE.match(name.lower())
    ]


def _wrapped(text: str, width: int) -> list[str]:
    text = clean(text)
    if not text:
        return ["–"]
    return wrap(text, width) if text.isascii() else list(chop_cells(text, width))


def _body(check: CheckEvidence, width: int) -> list[str]:
    text = check.response_body
    if not text:
        return []
    rows = [part for row in block(indent(text) or text) for part in _cut(row, width)]
    cut = len(rows) > MOST_BODY_LINES or check.response_cut
    return [*rows[:MOST_BODY_LINES], *([CUT] if cut else [])]


def _cut(row: str, width: int) -> list[str]:
    return list(chop_cells(clean(row), width)) or [""]


def _pair(name: str, left: Sequence[str], right: Sequence[str], side: int, *, told: bool) -> list[Line]:
    """Return a fact of both; where they differ the second is in the tone of a warning. `told`: it always differs."""
    lines = []
    label = name
    for before, after in zip_longest(left, right, fillvalue=""):
        tone = Tone.PLAIN if told or before == after else Tone.WARN
        lines.append(line(dim(fit(label, LABEL - 1) + " "), fit(before, side), GAP, Span(after, tone)))
        label = ""
    return lines
