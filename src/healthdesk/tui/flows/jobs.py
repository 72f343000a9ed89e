"""What is done to a job: pause, resume, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.api.jobs import Job
from healthdesk.domain.job_states import JobItemState, JobState
from healthdesk.tui.format import dim, line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.view.jobs import ACTIVE, job_title
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen


def job_refusal(action_id: str, job: Job | None) -> str:
    """Return why something is not done with a job, or an empty string."""
    if action_id in ("pause_job", "cancel_job") and job is not None and job.state not in ACTIVE:
        return "it has ended"
    if action_id == "pause_job" and job is not None and job.state is JobState.PREPARING:
        return "it is being prepared"
    return ""


async def pause_or_resume(screen: DeskScreen, job: Job) -> str:
    """Pause a job that runs, let go on one that does not."""
    if job.state is JobState.RUNNING:
        await screen.client.job_pause(job.id)
        return "Paused: what is under way goes on and is counted."
    if job.state is JobState.STOPPED:
        lines = [
            line(job.reason or "It stopped by itself."),
            line(dim("It goes on where it stopped, and stops again if the failure comes back.")),
        ]
        question = Question("Resume the job", lines, (("resume", "Resume"),), ascii_only=screen.ascii_only)
        if await screen.ask(question) is None:
            return ""
    await screen.client.job_resume(job.id)
    return "Resumed."


async def cancel(screen: DeskScreen, job: Job) -> str:
    """Cancel a job, after naming what is left undone."""
    left = job.counts.get(JobItemState.PENDING, 0)
    lines = [
        line(job_title(job)),
        line(f"{plural(left, 'record')} not sent yet stay as they are."),
        line(dim("What is under way goes on and is counted. A cancelled job cannot be resumed.")),
    ]
    question = Question(
        "Cancel the job",
        lines,
        (("cancel-job", "Cancel the job"),),
        leave="Go on",
        ascii_only=screen.ascii_only,
    )
    if await screen.ask(question) is None:
        return ""
    await screen.client.job_cancel(job.id)
    return "Cancelled."
