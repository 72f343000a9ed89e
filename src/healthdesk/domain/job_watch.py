"""When a careful job goes from one record to five and to the rest, and when it stops by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from healthdesk.domain.job_states import JobStage
from healthdesk.domain.states import Environment, HoldReason

STAGE_SIZE: Mapping[JobStage, int] = {JobStage.ONE: 1, JobStage.FIVE: 5}
ORDINAL: Mapping[JobStage, str] = {JobStage.ONE: "first", JobStage.FIVE: "next"}
AFTER: Mapping[JobStage, JobStage] = {JobStage.ONE: JobStage.FIVE, JobStage.FIVE: JobStage.REST}
IN_A_ROW = 3
WINDOW = 50
SHARE = 0.2
"""Of the last `WINDOW` results; more failures of one cause stop the job."""


def cause_of(*, problem_id: str | None, error_kind: str, status: int | None, error: str) -> str:
    """Return what tells one cause of failure from another: the problem, or where there is none what was said."""
    return problem_id or f"{error_kind} {status or ''} {error}"


@dataclass(frozen=True, slots=True)
class Result:
    """One record that a job is through with: `cause` is empty when it did not fail, `sentence` says how it did."""

    cause: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Records under way of one environment that a job waits for, and what holds them; `goes_first` is the record that has
    to go before the first of them, where they wait for their turn.
    """

    reason: HoldReason
    integration_id: str
    integration_name: str
    environment: Environment
    records: int
    goes_first: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Wait:
        """Return what `asdict` made."""
        known = {"reason": HoldReason(value["reason"]), "environment": Environment(value["environment"])}
        return cls(**{**value, **known})


@dataclass(frozen=True, slots=True)
class Watch:
    """What a job has seen. `known` are the causes that its records failed for before; `through` and `failed` count the
    stage's records that did and did not get through; `recent` are the causes of the last results, "" for none, and `last`
    is how the last failure was told. `waits` is what holds all that is left of it, empty while anything can go on.
    """

    known: tuple[str, ...] = ()
    through: int = 0
    failed: int = 0
    recent: tuple[str, ...] = ()
    last: str = ""
    waits: tuple[Wait, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Watch:
        """Return what `to_json` was given."""
        return cls(
            known=tuple(value.get("known", ())),
            through=value.get("through", 0),
            failed=value.get("failed", 0),
            recent=tuple(value.get("recent", ())),
            last=value.get("last", ""),
            waits=tuple(map(Wait.from_json, value.get("waits", ()))),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "known": list(self.known),
            "through": self.through,
            "failed": self.failed,
            "recent": list(self.recent),
            "last": self.last,
            "waits": [asdict(each) for each in self.waits],
        }

    @property
    def seen(self) -> int:
        """Return how many results the stage has."""
        return self.through + self.failed

    def afresh(self) -> Watch:
        """Return what is known when a stage begins, or begins again: the causes, and nothing counted."""
        return Watch(known=self.known)


def note(watch: Watch, stage: JobStage, results: Sequence[Result], under_way: int) -> tuple[Watch, str]:
    """Take results in, in the order they came; `under_way` are awaited soon. Return why the job stops, or "".

    In the first stages a failure stops it that its records had before. So does any other, once as many as the stage takes
    were tried and none got through: what failed for another reason is no better to send all the rest to. In the rest one
    cause does `IN_A_ROW` times in a row, or in more than `SHARE` of the last `WINDOW`.
    """
    for result in results:
        watch = replace(
            watch,
            through=watch.through + (not result.cause),
            failed=watch.failed + bool(result.cause),
            recent=(*watch.recent, result.cause)[-WINDOW:],
            last=result.sentence if result.cause else watch.last,
        )
        why = _why(watch, stage, result) if result.cause else ""
        if why:
            return watch, why
    size = STAGE_SIZE.get(stage)
    if size is not None and watch.seen >= size and not watch.through and not under_way:
        what = "The record" if watch.failed == 1 else f"None of the {watch.failed} records"
        got = "did not get through" if watch.failed == 1 else "got through"
        return watch, f"{what} tried {ORDINAL[stage]} {got}, so no more are sent: {watch.last}"
    return watch, ""


def _why(watch: Watch, stage: JobStage, result: Result) -> str:
    if stage is not JobStage.REST:
        return f"The same failure came back: {result.sentence}" if result.cause in watch.known else ""
    if watch.recent[-IN_A_ROW:] == (result.cause,) * IN_A_ROW:
        return f"The same failure {IN_A_ROW} times in a row: {result.sentence}"
    number = Counter(watch.recent)[result.cause]
    if number > SHARE * WINDOW:
        return f"The same failure {number} times in the last {len(watch.recent)}: {result.sentence}"
    return ""


def next_stage(watch: Watch, stage: JobStage, under_way: int) -> JobStage:
    """Return the stage that follows when this one is complete, else the same."""
    size = STAGE_SIZE.get(stage)
    return stage if size is None or under_way or watch.seen < size else AFTER[stage]


def wanted(watch: Watch, stage: JobStage, under_way: int, room: int) -> int:
    """Return how many more records to send now, of as many as there is room for; the rest takes all of it."""
    size = STAGE_SIZE.get(stage)
    return room if size is None else max(0, min(room, size - watch.seen - under_way))
