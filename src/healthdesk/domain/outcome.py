"""What an exchange means: success, or a typed failure with a sentence, whose fault it is and what to do next."""

from __future__ import annotations

from healthdesk.domain.exchange import Exchange, Failure


def judge_response(exchange: Exchange, data: object | None) -> Failure | None:
    """Judge a delivery: None is success (2xx). `data` is the record's data, parsed or as bytes.

    No value of `data` is in any text of the failure.
    """
    raise NotImplementedError


def judge_check(exchange: Exchange, expected_status: int) -> Failure | None:
    """Judge a heartbeat: None when the expected status came."""
    raise NotImplementedError
