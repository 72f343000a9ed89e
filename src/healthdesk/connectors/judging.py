"""What an app's answer means: its manifest's rules first, then what was asked for, then the status.

Every reply is judged, also a 200: some apps answer it to everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache

from healthdesk.connectors.documents import Document
from healthdesk.connectors.paths import find, holds, one_line
from healthdesk.connectors.same import Same
from healthdesk.connectors.spec import ErrorRule, Manifest
from healthdesk.connectors.spec.errors import Operation
from healthdesk.connectors.texts import filled, text
from healthdesk.connectors.waits import seconds, wait_s
from healthdesk.connectors.words import NOT_THE_REQUEST, UNEXPECTED_HERE, named, verdict_of, words
from healthdesk.domain import verdicts
from healthdesk.domain.exchange import Exchange, Failure, Sent
from healthdesk.domain.folding import digest, pattern
from healthdesk.domain.messages import read_told
from healthdesk.domain.outcome import MAX_MESSAGE_CHARS, capped, judge_check
from healthdesk.domain.scrubbing import Scrubber
from healthdesk.domain.states import Blame
from healthdesk.domain.values import plain
from healthdesk.domain.verdicts import Verdict

MOST_SENTENCE = 400
SEARCHED_BYTES = 16_384
"""How much of a body regular expressions and the search for a message go through."""

_NO_VALUES = Scrubber(frozenset())


@dataclass(frozen=True, slots=True)
class _Rule:
    """An error rule as it is tried: its regular expressions compiled."""

    spec: ErrorRule
    statuses: frozenset[int]
    classes: frozenset[int]
    content_type: str
    headers: tuple[tuple[str, re.Pattern[str]], ...]
    text: re.Pattern[str] | None

    @classmethod
    def read(cls, spec: ErrorRule) -> _Rule:
        return cls(
            spec,
            frozenset(int(each) for each in spec.status if not each.endswith("xx")),
            frozenset(int(each[0]) for each in spec.status if each.endswith("xx")),
            spec.content_type.lower(),
            tuple((name.lower(), re.compile(regex)) for name, regex in spec.header.items()),
            re.compile(spec.text) if spec.text else None,
        )

    def fits(
        self, status: int, headers: Mapping[str, str], document: Document, body: bytes, on: Operation
    ) -> bool:
        spec = self.spec
        if spec.on and on not in spec.on:
            return False
        if spec.status and status not in self.statuses and status // 100 not in self.classes:
            return False
        if self.content_type and not headers.get("content-type", "").lower().startswith(self.content_type):
            return False
        if any(name not in headers or not regex.search(headers[name]) for name, regex in self.headers):
            return False
        # of a body that could not be read nothing is true, also not that something is absent
        if spec.when is not None and (document.value is None or not holds(spec.when, document.value)):
            return False
        return self.text is None or bool(self.text.search(_searched(body)))


def _searched(body: bytes) -> str:
    return body[:SEARCHED_BYTES].decode("utf-8", "replace")


class Judge:
    """Judges the answers of one app. Made once a manifest; never raises, whatever the answer."""

    def __init__(self, manifest: Manifest) -> None:
        self._app = manifest.name
        self._message = manifest.message
        self._limits = manifest.rate_limits
        self._rules = [_Rule.read(spec) for spec in manifest.errors]

    def judge(
        self,
        exchange: Exchange,
        headers: Mapping[str, str],
        document: Document,
        *,
        on: Operation,
        expect: list[int],
        success: str | None,
        values: Mapping[str, object],
    ) -> Failure | None:
        """Return why an exchange did not bring what was asked for, or None. `headers` have lower-case names."""
        status = exchange.status
        if status is None:
            return self._unanswered(exchange)
        for rule in self._rules:
            if rule.fits(status, headers, document, exchange.response_body, on):
                failure = self._by_rule(rule.spec, exchange, headers, document, status, values)
                return self._waiting(failure, document)
        if status in expect if expect else 200 <= status < 300:
            if document.fault:
                return self._broken(exchange, headers, document, status)
            if success is None or holds(success, document.value):
                return None
            return self.unexpected(exchange, headers, document, "without what was asked for")
        return self._waiting(self._by_status(exchange, headers, document, status, on), document)

    def _unanswered(self, exchange: Exchange) -> Failure | None:
        failure = judge_check(exchange, 0)
        if failure is None:
            return None
        return replace(
            failure,
            safe_sentence=named(failure.safe_sentence, self._app),
            next_action=named(failure.next_action, self._app),
        )

    def _waiting(self, failure: Failure, document: Document) -> Failure:
        """Return the failure with the seconds to wait that the body tells, where no header did."""
        if self._limits.wait is None or failure.retry_after_s is not None:
            return failure
        return replace(failure, retry_after_s=seconds(find(self._limits.wait, document.value)))

    def unexpected(
        self, exchange: Exchange, headers: Mapping[str, str], document: Document, what: str
    ) -> Failure:
        """Return the failure of an answer that is well formed and does not hold what it should."""
        status = exchange.status or 0
        safe = f"{self._app} answered {status} {what}"
        message = self._told(exchange, document)
        return self._failure(verdicts.UNEXPECTED, exchange, headers, safe, _with(safe, message), message)

    def _broken(
        self, exchange: Exchange, headers: Mapping[str, str], document: Document, status: int
    ) -> Failure:
        """Return the failure of an answer that could not be read."""
        verdict = verdict_of(document.kind)
        safe, sentence = (f"{self._app} answered {status} {text}" for text in (document.safe, document.fault))
        return self._failure(verdict, exchange, headers, safe, sentence, "")

    def _by_rule(
        self,
        spec: ErrorRule,
        exchange: Exchange,
        headers: Mapping[str, str],
        document: Document,
        status: int,
        values: Mapping[str, object],
    ) -> Failure:
        verdict = verdict_of(spec.kind)
        message = self._told(exchange, document)
        shown = capped(message) or f"{status} {verdicts.phrase(status)}".rstrip()
        known = {**values, "message": shown, "status": str(status), "app": self._app}
        sentence = filled(spec.sentence, known)
        safe = f"{words(verdict, self._app)[0]} ({status})"
        if not _names(spec.sentence) - {"status", "app"}:
            safe = sentence
        return self._failure(
            verdict,
            exchange,
            headers,
            safe,
            sentence,
            message,
            blame=spec.blame,
            next_action=filled(spec.fix, known),
        )

    def _by_status(
        self, exchange: Exchange, headers: Mapping[str, str], document: Document, status: int, on: Operation
    ) -> Failure:
        verdict = verdicts.verdict_for_status(status)
        if on == "heartbeat" and verdict.kind in NOT_THE_REQUEST:
            verdict = UNEXPECTED_HERE
        safe = f"{words(verdict, self._app)[0]} ({status} {verdicts.phrase(status)}".rstrip() + ")"
        message = self._told(exchange, document)
        return self._failure(verdict, exchange, headers, safe, _with(safe, message), message)

    def _failure(
        self,
        verdict: Verdict,
        exchange: Exchange,
        headers: Mapping[str, str],
        safe: str,
        sentence: str,
        message: str,
        *,
        blame: Blame | None = None,
        next_action: str = "",
    ) -> Failure:
        answered_at = exchange.started_at + timedelta(milliseconds=exchange.duration_ms)
        return Failure(
            kind=verdict.kind,
            blame=blame or verdict.blame,
            permanent=verdict.permanent,
            sentence=plain(sentence)[:MOST_SENTENCE],
            safe_sentence=safe,
            next_action=plain(next_action)[:MOST_SENTENCE] or words(verdict, self._app)[1],
            sent=Sent.YES,
            status=exchange.status,
            retry_after_s=wait_s(self._limits, headers, verdict.kind, answered_at),
            message=capped(message),
            pattern=digest(pattern(message, _NO_VALUES)) if message else "",
        )

    def _told(self, exchange: Exchange, document: Document) -> str:
        """Return what the app says of a refusal, as one line."""
        if self._message and (said := one_line(find(self._message, document.value), 4 * MAX_MESSAGE_CHARS)):
            return said
        body = exchange.response_body
        # an answer that is no refusal holds people's data, where any text would pass for a message
        refusal = exchange.status is None or exchange.status >= 300
        if not refusal or len(body) > SEARCHED_BYTES:
            return ""
        declared = (
            value for name, value in exchange.response_headers.items() if name.lower() == "content-type"
        )
        return plain(read_told(body, next(declared, "")).message)


def _with(sentence: str, message: str) -> str:
    return f"{sentence}: {capped(message)}" if message else sentence


@lru_cache(maxsize=1024)
def _names(template: str) -> frozenset[str]:
    return frozenset(part[0] for part in text(template).parts if not isinstance(part, str))


@lru_cache(maxsize=256)
def _judge(same: Same[Manifest]) -> Judge:
    return Judge(same.it)


def judge_of(manifest: Manifest) -> Judge:
    """Return the judge of a manifest as it was made the first time."""
    return _judge(Same(manifest))
