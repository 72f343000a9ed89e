"""What an endpoint's answer says when it is asked whether it has a record."""

from __future__ import annotations

from dataclasses import dataclass

from healthdesk.domain.exchange import Exchange

NOT_THERE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Answered:
    """`found` is None when the answer leaves it open; `said` is how it answered, without a full stop."""

    found: bool | None
    said: str
    status: int | None = None

    @property
    def sentence(self) -> str:
        """Return the answer for people."""
        words = {True: "has it", False: "does not have it", None: "left it open"}
        return f"The endpoint {words[self.found]}: {self.said}."


def answered(exchange: Exchange, *, holds: bool | None) -> Answered:
    """Return what an answer says. `holds` is whether what is looked for is in its body: None where that cannot be read.

    Anything but a readable 2xx, 404 and 410 leaves it open: an endpoint that fails says nothing of its records.
    """
    status = exchange.status
    if status is None:
        why = exchange.error.sentence.rstrip(".") if exchange.error else "no reason is known"
        return Answered(None, f"it was asked and did not answer ({why})")
    said = f"it was asked and answered {status}"
    if status in NOT_THERE:
        return Answered(False, said, status)
    if not 200 <= status < 300:
        return Answered(None, said, status)
    if holds is None:
        return Answered(None, f"{said}, which cannot be read", status)
    return Answered(holds, said if holds else f"{said}, without it", status)
