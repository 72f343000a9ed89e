"""Runs the fixtures of a connector folder for `healthdesk connectors test`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from healthdesk.connectors.app import App
from healthdesk.connectors.fixtures import Asked, Fixture, Step, fixture_text, fixtures_of, read_fixture
from healthdesk.connectors.reader import read_folder
from healthdesk.errors import ConnectorError
from healthdesk.host.connectors.cases import connector_for, perform
from healthdesk.host.connectors.compare import ANY, outcome_differs
from healthdesk.host.connectors.replay import Replay, ReplaySession

_LATER = timedelta(minutes=61)


@dataclass(frozen=True, slots=True)
class CaseReport:
    """What came of one fixture: `wrong` is empty when it passed."""

    name: str
    summary: str
    wrong: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it passed."""
        return not self.wrong

    def as_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return {"fixture": self.name, "ok": self.ok, "summary": self.summary, "wrong": list(self.wrong)}


def app_of(folder: Path) -> App:
    """Return the app of a connector folder; a ConnectorError says what is wrong with it."""
    folder = folder.resolve()
    return App.load(read_folder(folder).manifest, folder)


async def run_folder(folder: Path, *, update: bool = False) -> list[CaseReport]:
    """Run every fixture of a folder. With `update` requests and outcomes are written as they are now.

    Raises ConnectorError for a folder that cannot be used.
    """
    app = app_of(folder)
    reports = []
    for name, place in fixtures_of(app.folder):
        try:
            fixture = read_fixture(place)
            if update:
                fixture = await learned(app, fixture)
                _write(Path(str(place)), fixture)
            reports.append(await run_case(app, name, fixture))
        except ConnectorError as error:
            reports.append(CaseReport(name, "cannot be run", (error.what,)))
    return reports


def _write(place: Path, fixture: Fixture) -> None:
    place.write_text(fixture_text(fixture), encoding="utf-8")


async def run_case(app: App, name: str, fixture: Fixture) -> CaseReport:
    """Run one fixture over loopback. Raises ConnectorError for one that cannot be run."""
    outcome, replay = await _run(app, fixture, fixture.steps, strict=True)
    wrong = [*replay.mistakes, *replay.unasked()]
    # What follows from a request that was not expected tells nothing more.
    if not replay.mistakes:
        wanted = fixture.outcome
        wrong += (
            ["it has no outcome: `--update` fills it in"]
            if wanted is None
            else outcome_differs(wanted, outcome)
        )
    return CaseReport(name, summary_of(outcome), tuple(wrong))


async def learned(app: App, fixture: Fixture) -> Fixture:
    """Return a fixture with the requests and the outcome that its answers lead to now.

    It runs twice, at two times and with two keys: what differs is `*`. Raises ConnectorError.
    """
    outcome, first = await _run(app, fixture, fixture.steps, strict=False)
    if first.mistakes or first.unasked():
        raise ConnectorError(
            "; ".join([*first.mistakes, *first.unasked()]), fix="give as many answers as there are requests"
        )
    later = fixture.model_copy(update={"at": fixture.at + _LATER})
    _, second = await _run(app, later, fixture.steps, strict=False)
    steps = []
    for at, step in enumerate(fixture.steps):
        asked = first.asked[at]
        if at < len(second.asked):
            asked = _of_both(asked, second.asked[at])
        steps.append(Step(asked=asked, answered=step.answered))
    return fixture.model_copy(update={"steps": steps, "outcome": outcome})


async def _run(
    app: App, fixture: Fixture, steps: list[Step], *, strict: bool
) -> tuple[dict[str, Any], Replay]:
    async with Replay(steps, strict=strict) as replay, ReplaySession(replay, fixture.at) as session:
        outcome = await perform(connector_for(app, fixture, session), fixture)
    return outcome, replay


def _of_both(one: Asked, other: Asked) -> Asked:
    """Return a request as a fixture expects it: what is the same each time, `*` for the rest."""
    members = _common(_members(one), _members(other))
    left, right = urlsplit(one.url), urlsplit(other.url)
    pairs = parse_qsl(left.query, keep_blank_values=True)
    others = parse_qsl(right.query, keep_blank_values=True)
    query = left.query
    if [name for name, _ in pairs] == [name for name, _ in others]:
        same = [(name, _common(value, more)) for (name, value), (_, more) in zip(pairs, others, strict=True)]
        query = urlencode(same, safe=ANY)
    members["url"] = one.url if one.url == other.url else urlunsplit(left._replace(query=query))
    return Asked.model_validate(members)


def _members(asked: Asked) -> dict[str, Any]:
    members: dict[str, Any] = asked.model_dump(by_alias=True, exclude_unset=True)
    return members


def _common(one: Any, other: Any) -> Any:
    """Return what two requests have in common, `*` where they differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return {name: _common(value, other[name]) for name, value in one.items()}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_common(left, right) for left, right in zip(one, other, strict=True)]
    return one if one == other else ANY


def summary_of(outcome: Mapping[str, Any]) -> str:
    """Return an outcome in a few words."""
    if failure := outcome.get("failure"):
        return f"{failure['kind']}: {failure['sentence']}"
    if identity := outcome.get("identity"):
        return f"account {identity['account'] or identity['account_id']}"
    for name in ("rows", "tasks", "statuses", "fields"):
        if name in outcome:
            return f"{len(outcome[name])} {name}"
    if task := outcome.get("task"):
        return f"task {task['key'] or task['id']}"
    return "permitted" if outcome.get("permitted") else "done"
