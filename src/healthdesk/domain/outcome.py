"""What an exchange means: success, or a typed failure with a sentence, whose fault it is and what to do next."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

from healthdesk.domain import verdicts
from healthdesk.domain.exchange import Exchange, Failure, Sent
from healthdesk.domain.folding import digest, pattern
from healthdesk.domain.messages import Told, read_told
from healthdesk.domain.missing import unescaped_path
from healthdesk.domain.retry_after import retry_after_s
from healthdesk.domain.scrubbing import Scrubber
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.domain.values import plain, values_of
from healthdesk.domain.verdicts import Verdict

MAX_MESSAGE_CHARS = 200

_FORMAT_WORDS = re.compile(
    r"\b(?:malformed|unparsable|unparseable|wrong type|(?:invalid|bad|wrong|unsupported) (?:\w+ )?(?:format|json|xml|syntax|encoding)"
    r"|not (?:a )?valid (?:json|xml|date|datetime|number|integer|email|uuid|format)"
    r"|must be (?:an? |of type )?(?:valid )?(?:string|number|integer|boolean|array|object|date|uuid|email|iso)"
    r"|(?:cannot|could not|failed to) (?:parse|decode|deserialize))\b",
    re.IGNORECASE,
)


def judge_response(
    exchange: Exchange, data: object | None, scrubber: Scrubber | None = None
) -> Failure | None:
    """Judge a delivery: None is success (2xx). `data` is the record's data, parsed or as bytes.

    No value of `data` is in any text of the failure; a `scrubber` knows them already, made once for many answers. An answer
    that began with a status counts, also when its body broke off.
    """
    status = exchange.status
    if status is None:
        return _unanswered(exchange)
    if 200 <= status < 300:
        return None
    verdict = verdicts.verdict_for_status(status)
    return _judged(exchange, verdict, _told(exchange), data, scrubber, status)


def judge_refusal(exchange: Exchange, data: object | None, said: str) -> Failure:
    """Return the failure of a delivery that was refused with an answer of success.

    `said` is what it says of that, empty where that has to be looked for in its body. No value of `data` is in any text.
    """
    assert exchange.status is not None
    told = read_told(json.dumps({"message": said}).encode()) if said else _told(exchange)
    return _judged(exchange, verdicts.REFUSED, told, data, None, exchange.status)


def _told(exchange: Exchange) -> Told:
    headers = exchange.response_headers
    declared = (value for name, value in headers.items() if name.lower() == "content-type")
    return read_told(exchange.response_body, next(declared, ""))


def _judged(
    exchange: Exchange,
    verdict: Verdict,
    told: Told,
    data: object | None,
    scrubber: Scrubber | None,
    status: int,
) -> Failure:
    if verdict is verdicts.REFUSED:
        verdict = _refinement(told)
    # most failures of a server come without a word; then there is nothing to look through the values for
    if scrubber is None or not told.message:
        scrubber = Scrubber(values_of(parsed(data)) if told.message else frozenset())
    field = told.field if _is_harmless(told, scrubber) else ""
    return _failure(exchange, verdict, told, field, scrubber, status)


def judge_check(exchange: Exchange, expected_status: int) -> Failure | None:
    """Judge a heartbeat: None when the expected status came."""
    status = exchange.status
    if status is None:
        return _unanswered(exchange)
    if status == expected_status:
        return None
    verdict = verdicts.verdict_for_status(status)
    if verdict.kind in {ErrorKind.REFUSED, ErrorKind.FORMAT, ErrorKind.TOO_LARGE} or status < 300:
        verdict = Verdict(
            ErrorKind.UNEXPECTED_ANSWER,
            Blame.CONFIGURATION,
            False,
            f"The heartbeat expects {expected_status}",
            "Correct the heartbeat's request, or the status it expects",
        )
    told = _told(exchange) if status >= 300 else Told()
    return _failure(exchange, verdict, told, "", Scrubber(frozenset()), status)


def told_of(body: bytes, data: object | None, content_type: str = "") -> Told:
    """Return what the body of a refusal says, its fields only where no name of them holds a value of the record's `data`."""
    told = read_told(body, content_type)
    scrubber = Scrubber(values_of(parsed(data)))
    return replace(
        told,
        field=told.field if _is_harmless_name(told.field, told.named_in, scrubber) else "",
        also=tuple(each for each in told.also if _is_harmless_name(*each, scrubber)),
        header=told.header if _is_harmless_name(told.header, told.named_in, scrubber) else "",
    )


def _refinement(told: Told) -> Verdict:
    """Return the verdict of a refusal by what the endpoint said of it."""
    if told.missing:
        return verdicts.MISSING_FIELD
    return verdicts.FORMAT if _FORMAT_WORDS.search(told.message) else verdicts.REFUSED


def _is_harmless(told: Told, scrubber: Scrubber) -> bool:
    """Tell whether the field's name is neither a value of the record nor taken from one that was repeated."""
    return _is_harmless_name(told.field, told.named_in, scrubber)


def _is_harmless_name(name: str, named_in: str, scrubber: Scrubber) -> bool:
    if not name:
        return False
    named_in = unescaped_path(named_in)
    return not scrubber.holds(name) and not any(
        scrubber.is_repeated(part, named_in) for part in name.split(".")
    )


def _failure(
    exchange: Exchange, verdict: Verdict, told: Told, field: str, scrubber: Scrubber, status: int
) -> Failure:
    message = capped(scrubber.scrub(told.message, keep=field))
    answered_at = exchange.started_at + timedelta(milliseconds=exchange.duration_ms)
    return Failure(
        kind=verdict.kind,
        blame=verdict.blame,
        permanent=verdict.permanent,
        sentence=message or f"{verdict.safe} ({status} {verdicts.phrase(status)}".rstrip() + ")",
        safe_sentence=f"{verdict.safe} ({status}" + (f", field {field})" if field else ")"),
        next_action=verdict.next_action,
        sent=Sent.YES,
        status=status,
        retry_after_s=retry_after_s(exchange.response_headers, answered_at),
        field=field,
        message=message,
        pattern=digest(pattern(told.message, scrubber)) if told.message else "",
    )


def _unanswered(exchange: Exchange) -> Failure:
    error = exchange.error
    verdict = verdicts.verdict_for_transport(error.kind if error else ErrorKind.INTERNAL)
    return Failure(
        kind=verdict.kind,
        blame=verdict.blame,
        permanent=verdict.permanent,
        sentence=capped(plain(error.sentence)) if error and error.sentence else verdict.safe,
        safe_sentence=verdict.safe,
        next_action=verdict.next_action,
        sent=error.sent if error else Sent.MAYBE,
    )


def parsed(data: object | None) -> object:
    """Return data that is still bytes as JSON, or as text where it is none."""
    if not isinstance(data, bytes):
        return data
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode(errors="replace")


def capped(text: str) -> str:
    """Return the text with at most MAX_MESSAGE_CHARS characters."""
    return text if len(text) <= MAX_MESSAGE_CHARS else text[: MAX_MESSAGE_CHARS - 1].rstrip() + "…"
