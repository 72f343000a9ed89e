"""What a recording is made with, and which cases that is enough for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from pydantic import BaseModel, ConfigDict

from healthdesk.clock import Clock
from healthdesk.connectors.app import App
from healthdesk.connectors.auth.build import method_of
from healthdesk.connectors.fixtures import Fixture, whole
from healthdesk.connectors.spec import AuthManifest

_TASK = {
    "title": "Test of healthdesk",
    "description": "Made by `healthdesk connectors test --record --write`.",
}
_CHANGE = {"title": "Test of healthdesk, changed"}


class Given(BaseModel):
    """What a recording is made with. Nothing of `credentials` and `tokens` that is secret is written."""

    model_config = ConfigDict(extra="forbid")

    auth: str = ""
    base_url: str = ""
    settings: dict[str, str] = {}
    credentials: dict[str, str] = {}
    tokens: dict[str, str] = {}
    """`access_token`, `refresh_token` and what else a token answer said, for methods that need a browser."""
    probes: dict[str, dict[str, Any]] = {}
    datasets: dict[str, dict[str, Any]] = {}
    container: dict[str, Any] = {}
    id: str = ""
    key: str = ""
    search: str = ""
    task: dict[str, Any] = {}
    update: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Options:
    """What to record and how. `write` allows operations that change something; `case` is added to the names."""

    write: bool = False
    case: str = ""
    only: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    allow: tuple[IPv4Network | IPv6Network, ...] = ()


@dataclass
class Plan:
    """The cases of one folder that an account can be asked for. `skipped` says what was left out, and why."""

    app: App
    given: Given
    options: Options
    skipped: list[str] = field(default_factory=list)

    @property
    def method(self) -> AuthManifest:
        """The method of authentication."""
        return method_of(self.app, self.given.auth or self.app.manifest.auth[0].id)

    def cases(self, clock: Clock) -> Iterable[tuple[str, Fixture]]:
        """List the cases that were given enough for; a generator, as one case may tell what the next is about."""
        manifest, given = self.app.manifest, self.given
        base = Fixture(
            operation="heartbeat", auth=self.method.id, at=whole(clock.now()), settings=given.settings
        )

        def case(operation: str, **more: Any) -> Fixture:
            return base.model_copy(update={"operation": operation, **more})

        if manifest.heartbeat_for(self.method.id) and self._wanted("heartbeat"):
            yield "heartbeat", case("heartbeat")
        for kind, parts, inputs in (
            ("probe", manifest.probes, given.probes),
            ("dataset", manifest.datasets, given.datasets),
        ):
            for part in parts:
                mine = inputs.get(part.id, {})
                if self._wanted(kind, part.id) and self._has(f"{kind} {part.id}", part.fields, mine):
                    yield f"{kind}-{part.id}", case(kind, of=part.id, **({"inputs": mine} if mine else {}))
        yield from self._task_cases(case)

    def _task_cases(self, case: Callable[..., Fixture]) -> Iterable[tuple[str, Fixture]]:
        given, tasks = self.given, self.app.manifest.tasks
        if tasks is None or not self._has("tasks", tasks.container, given.container):
            return
        where = {"inputs": given.container} if given.container else {}
        if self._wanted("statuses"):
            yield "statuses", case("statuses", **where)
        if self._wanted("search") and given.search and tasks.search is not None:
            yield "search", case("search", **where, search=given.search)
        if self.options.write and self._wanted("create"):
            yield "create", case("create", **where, task=given.task or _TASK)
        which = {name: value for name, value in (("id", given.id), ("key", given.key)) if value}
        if not which:
            self.skipped.append("get: neither id nor key of an issue given")
            return
        if self.options.write and self._wanted("update") and (given.update or tasks.update):
            yield "update", case("update", **where, **which, task=given.update or _CHANGE)
        if self._wanted("get"):
            yield "get", case("get", **where, **which)

    def _wanted(self, operation: str, of: str = "") -> bool:
        only = self.options.only
        return not only or operation in only or f"{operation}-{of}" in only

    def _has(self, what: str, fields: Iterable[Any], inputs: Mapping[str, Any] | None) -> bool:
        """Tell whether the inputs are there that an operation needs; note it as left out where they are not."""
        missing = [
            each.key
            for each in fields
            if each.required and not each.default and not (inputs or {}).get(each.key)
        ]
        if missing:
            self.skipped.append(f"{what}: {', '.join(missing)} not given")
        return not missing
