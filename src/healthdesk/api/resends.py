"""Resends: of one record, of those that are marked, of all in a filter."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from healthdesk.api.common import Input, Output
from healthdesk.api.records import RecordFilter


class ResendOne(Input):
    """Resend a record. `new_webhook_id` gives it a new id, so that the endpoint does not drop it as seen.

    What its endpoint took already is sent only with `delivered_too`, and what it is still asked for, whether it has it,
    only with `asked_too`.
    """

    new_webhook_id: bool = False
    delivered_too: bool = False
    asked_too: bool = False


class ResendMarked(ResendOne):
    """Resend these records. With `dry_run` nothing is changed, and the answer says what would be."""

    ids: list[str] = Field(min_length=1, max_length=500)
    dry_run: bool = False


class ResendAll(Input):
    """Resend every record the filter matches. `expect` is the count that was confirmed.

    With `dry_run` nothing is changed and the plan is answered. Only failed and unknown records are resent,
    and retrying ones are tried now; delivered ones are skipped and counted.
    """

    filter: RecordFilter
    expect: int | None = Field(default=None, ge=0)
    dry_run: bool = False


class ResendGroup(Output):
    """Records of a plan that failed the same way."""

    status: int | None = None
    error_kind: str = ""
    error: str = ""
    count: int
    problem_id: str | None = None
    problem_state: str = ""


class ResendPlan(Output):
    """What a resend will do."""

    total: int
    skipped_delivered: int = 0
    skipped_other: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    groups: list[ResendGroup] = []


class Resent(Output):
    """What a resend did, in one transaction. `skipped` says why per id, for the marked ones."""

    resent: int
    skipped: dict[str, str] = {}
    delivered: int = 0
    """How many of those named their endpoint took already, whether they were sent again or not."""
    asked: int = 0
    """Of how many their endpoint was still being asked whether it has them."""
