"""A task and an issue as the decisions of a sync see them."""

from __future__ import annotations

from dataclasses import dataclass

from healthdesk.domain.instance_states import WorkStatus


@dataclass(frozen=True)
class Task:
    name: str = "Rotate the keys"
    description: str = ""
    status: WorkStatus = WorkStatus.NOT_STARTED
    due: str = ""
    assignee: str = ""


@dataclass(frozen=True)
class Issue:
    title: str = "Rotate the keys"
    description: str = ""
    status: str = "open"
    done: bool = False
    due: str = ""
    assignee: str = ""
