"""Taking, silencing and closing problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.api.problems import ProblemRow
from healthdesk.domain.states import ProblemState
from healthdesk.tui.format import dim, line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.view.problems import muted

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

DAY_S = 86_400


async def acknowledge(screen: DeskScreen, problem: ProblemRow) -> str:
    """Take a problem."""
    await screen.client.problem_ack(problem.id)
    return "Taken: no further alerts but its recovery."


async def mute(screen: DeskScreen, problem: ProblemRow) -> str:
    """Silence a problem for a day, or let it be heard again."""
    if muted(problem, screen.view()):
        await screen.client.problem_mute(problem.id, for_s=0)
        if problem.state is ProblemState.ACKNOWLEDGED:
            return f"Muted no more; taken by {problem.acknowledged_by or 'somebody'}, it alerts of its recovery only."
        return "Alerts of it are sent again."
    await screen.client.problem_mute(problem.id, for_s=DAY_S)
    return "Muted for a day."


async def resolve(screen: DeskScreen, problem: ProblemRow) -> str:
    """Close a problem after a question: it may still hold records up."""
    lines = [
        line(f"{problem.place}: {problem.cause}"),
        line(dim(f"{problem.count:,} records are still held up by it. They stay as they are.")),
        line(dim("A new failure with the same cause opens it again.")),
    ]
    question = Question("Resolve by hand", lines, (("resolve", "Resolve"),), ascii_only=screen.ascii_only)
    if await screen.ask(question) is None:
        return ""
    await screen.client.problem_resolve(problem.id)
    return "Resolved."
