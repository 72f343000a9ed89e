"""What an alert tells of a problem, as the problem is when it is sent."""

from __future__ import annotations

from datetime import datetime

from healthdesk.domain.alerts import AlertFacts
from healthdesk.domain.states import AlertEvent, Blame, ErrorKind, ProblemState
from healthdesk.store.rows import ProblemRow


def is_taken(problem: ProblemRow, event: AlertEvent) -> bool:
    """Tell whether somebody took or closed the problem before this news of its opening was sent."""
    by_hand = problem.state is ProblemState.RESOLVED and problem.resolved_by != ""
    return event is not AlertEvent.RECOVERED and (problem.state is ProblemState.ACKNOWLEDGED or by_hand)


def facts_of(problem: ProblemRow, at: datetime) -> AlertFacts:
    """Return what an alert tells of a problem, as it is at a time."""
    return AlertFacts(
        problem_id=problem.id,
        where=problem.where,
        environment=problem.environment,
        safe_cause=problem.safe_cause,
        status=problem.status,
        count=problem.count,
        since=problem.since,
        at=at,
        blame=Blame(problem.blame),
        next_action=problem.next_action,
        owner=problem.owner,
        retrying=problem.retrying,
        held=problem.held,
        total=problem.total,
        kind=ErrorKind(problem.kind),
        unit=problem.unit,
        blocked=problem.blocked,
        repaired=problem.repaired,
    )
