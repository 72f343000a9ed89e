"""Records fixtures against a live account for `healthdesk connectors test --record`.

It asks the app, takes out what must not be kept, and then plays the answers to the connector again with stand-ins for the
credentials: what the connector asks then is what the fixture expects. So a credential is never in what is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from healthdesk.clock import SystemClock
from healthdesk.connectors.app import CODE
from healthdesk.connectors.auth.jwt import key_values
from healthdesk.connectors.auth.tokens import MemoryTokens, Tokens
from healthdesk.connectors.fixtures import FOLDER, Answered, Fixture, Step, fixture_text
from healthdesk.connectors.session import Answer, GuardedSession, Request
from healthdesk.connectors.spec.base import placeholders
from healthdesk.errors import ConnectorError
from healthdesk.host.connectors.cases import NEW_KEY, build_connector, perform
from healthdesk.host.connectors.plan import Plan
from healthdesk.host.connectors.redact import Redactor
from healthdesk.host.connectors.trying import CaseReport, learned, run_case, summary_of

OVERRIDES = ("token_url", "authorize_url", "device_url")
NO_ADDRESS = "https://app.example"
"""The base URL of fixtures of an app that has none of its own."""
_ALWAYS_KEPT = frozenset({"content-type", "link", "retry-after", "location", "www-authenticate"})
_MOST_HEADER = 4096


@dataclass(slots=True)
class _Recorded:
    name: str
    fixture: Fixture
    outcome: dict[str, Any]
    answers: list[Answer]


class RecordingSession(GuardedSession):
    """Keeps the answers of every request."""

    def __init__(self, allow: Iterable[IPv4Network | IPv6Network], clock: SystemClock) -> None:
        super().__init__(allow, clock=clock)
        self.answers: list[Answer] = []

    async def fetch(self, request: Request) -> Answer:
        """Send a request and keep the answer."""
        answer = await super().fetch(request)
        if answer.error is not None:
            raise ConnectorError(f"{request.method} {_place(request.url)}: {answer.error.sentence}")
        if answer.cut:
            raise ConnectorError(
                f"{request.method} {_place(request.url)}: the answer is too large for a fixture"
            )
        self.answers.append(answer)
        return answer


@dataclass
class Recorder:
    """Makes the fixtures of one folder from one account."""

    plan: Plan

    def __post_init__(self) -> None:
        self.app, self.given, self.options = self.plan.app, self.plan.given, self.plan.options
        self.method = self.plan.method

    async def record(self) -> list[CaseReport]:
        """Ask the app, and write a fixture for each case. Raises ConnectorError."""
        recorded = await self._ask()
        redactor = self._redactor()
        for each in recorded:
            redactor.learn(each.fixture.inputs)
            for answer in each.answers:
                redactor.learn(_document(answer))
        return [await self._keep(each, redactor) for each in recorded]

    async def _ask(self) -> list[_Recorded]:
        recorded: list[_Recorded] = []
        clock = SystemClock()
        async with RecordingSession(self.options.allow, clock) as session:
            tokens = self._tokens(clock)
            for name, fixture in self.plan.cases(clock):
                connector = build_connector(
                    self.app,
                    fixture,
                    self.given.credentials,
                    session=session,
                    # Each case gets its tokens anew, so that its fixture stands alone.
                    tokens=MemoryTokens(tokens),
                    clock=clock,
                    base_url=self.given.base_url,
                )
                session.answers = []
                outcome = await perform(connector, fixture)
                if name == "heartbeat" and "failure" in outcome and not self.options.case:
                    raise ConnectorError(
                        f"the heartbeat failed: {outcome['failure']['sentence']}",
                        fix=f"{outcome['failure']['next_action']}; or --case NAME records it as a case",
                    )
                recorded.append(_Recorded(name, fixture, outcome, session.answers))
                if fixture.operation == "create" and (task := outcome.get("task")):
                    self.given.id, self.given.key = task["id"], task["key"]
        return recorded

    def _tokens(self, clock: SystemClock) -> Tokens | None:
        if not (access := self.given.tokens.get("access_token")):
            return None
        values = {name: value for name, value in self.given.tokens.items() if name not in _SECRET_TOKENS}
        return Tokens(
            access, clock.now(), refresh_token=self.given.tokens.get("refresh_token", ""), values=values
        )

    def _redactor(self) -> Redactor:
        given, manifest = self.given, self.app.manifest
        secret = {each.key for each in self.method.fields if each.secret} | {
            each.key for each in manifest.fields if each.secret
        }
        secrets = {
            key: value for key, value in {**given.settings, **given.credentials}.items() if key in secret
        }
        secrets |= {name: value for name, value in given.tokens.items() if name in _SECRET_TOKENS}
        known = {**given.settings, **given.credentials}
        addresses = []
        if given.base_url:
            own = _filled(self.method.base_url or manifest.base_url, known) or NO_ADDRESS
            addresses.append((given.base_url.rstrip("/"), own.rstrip("/")))
            addresses.append((_origin(given.base_url), _origin(own)))
        settings = self.method.oauth or self.method.jwt
        for name in OVERRIDES:
            if url := given.settings.get(name):
                own = _filled(getattr(settings, name, ""), known) or f"{NO_ADDRESS}/{name}"
                addresses.append((url, own))
        return Redactor(secrets, addresses, self.options.words)

    async def _keep(self, recorded: _Recorded, redactor: Redactor) -> CaseReport:
        """Write one fixture, unless it tells another story than the app did."""
        name = f"{recorded.name}-{self.options.case}" if self.options.case else recorded.name
        members = {
            **recorded.fixture.model_dump(exclude_unset=True),
            "settings": self._settings(redactor),
            "credentials": self._credentials(redactor),
            "steps": [self._step(answer, redactor) for answer in recorded.answers],
        }
        if self.given.base_url and not (self.method.base_url or self.app.manifest.base_url):
            members["base_url"] = NO_ADDRESS
        if self.given.tokens:
            told = {each: value for each, value in self.given.tokens.items() if each not in _SECRET_TOKENS}
            members["tokens"] = redactor.value(told)
        for key in ("inputs", "id", "key", "search", "task"):
            if key in members:
                members[key] = redactor.value(members[key])
        fixture = await learned(self.app, Fixture.model_validate(members))
        assert fixture.outcome is not None
        if _story(fixture.outcome) != _story(redactor.value(recorded.outcome)):
            raise ConnectorError(
                f"{name}: the app's answers led to {summary_of(recorded.outcome)}, and without what was taken out to "
                f"{summary_of(fixture.outcome)}",
                fix="record with an account whose names are not words of the app's",
            )
        text = fixture_text(fixture)
        if redactor.leaks(text):
            raise ConnectorError(
                f"{name}: a secret is still in what would be written, so nothing is",
                fix="record with a credential that is not a word of its own",
            )
        self._write(name, text)
        return await run_case(self.app, name, fixture)

    def _write(self, name: str, text: str) -> None:
        folder = Path(str(self.app.folder)) / FOLDER
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")

    def _settings(self, redactor: Redactor) -> dict[str, str]:
        kept = {name: value for name, value in self.given.settings.items() if name not in OVERRIDES}
        return {name: redactor.text(value) for name, value in kept.items()}

    def _credentials(self, redactor: Redactor) -> dict[str, str]:
        method = self.method
        secret = {each.key for each in method.fields if each.secret}
        needed = {each.key for each in method.fields if each.required}
        kept = {
            name: redactor.text(value)
            for name, value in self.given.credentials.items()
            if value and name not in secret & needed
        }
        if method.jwt is not None:
            file = self.given.credentials.get(method.jwt.key, "")
            told = {name: redactor.text(each) for name, each in key_values(file, method.jwt.key).items()}
            told["private_key"] = NEW_KEY
            kept[method.jwt.key] = json.dumps(told) if file.lstrip().startswith("{") else NEW_KEY
        return kept

    def _step(self, answer: Answer, redactor: Redactor) -> Step:
        assert answer.status is not None
        headers = {
            name: redactor.text(value[:_MOST_HEADER])
            for name, value in answer.headers.items()
            if self._keeps(name.lower())
        }
        members: dict[str, Any] = {"status": answer.status, "headers": headers}
        if answer.body:
            document = _document(answer)
            if isinstance(document, str):
                members["text"] = redactor.text(document)
            else:
                members["json"] = redactor.value(document)
        return Step(answered=Answered.model_validate(members))

    def _keeps(self, name: str) -> bool:
        """Tell whether a header of an answer can matter to this connector."""
        if name in _ALWAYS_KEPT or "ratelimit" in name or "rate-limit" in name:
            return True
        return any(f"'{name}'" in text or f'"{name}"' in text for text in self._texts)

    @cached_property
    def _texts(self) -> list[str]:
        """The manifest and the code of the folder, in lower case."""
        place = self.app.folder / CODE
        code = place.read_bytes().decode(errors="replace") if place.is_file() else ""
        return [str(self.app.manifest.model_dump()).lower(), code.lower()]


_SECRET_TOKENS = frozenset({"access_token", "refresh_token", "id_token"})


def _story(outcome: Mapping[str, Any]) -> Any:
    """Return what must be the same with stand-ins: what a failure is, how many there are, what is told and in which state.

    The words themselves may differ: a column may be made of a first name and a last name.
    """
    if failure := outcome.get("failure"):
        return [failure[name] for name in ("kind", "blame", "status")]
    return _told(outcome)


def _told(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _told(each, key) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_told(each, name) for each in value]
    return bool(value) if isinstance(value, str) and name not in ("status", "status_name") else value


def _document(answer: Answer) -> Any:
    """Return a body as JSON values, or as text where it is none."""
    text = answer.body.decode(errors="replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(document, str) else document


def _filled(template: str, known: Mapping[str, str]) -> str:
    """Return an address with its placeholders filled in; nothing where one is not known."""
    names = placeholders(template)
    if not all(known.get(name) for name in names):
        return ""
    for name in names:
        template = template.replace(f"{{{name}}}", known[name])
    return template


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
