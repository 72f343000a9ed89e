"""Activity is told in the words people use, not as it is stored."""

import pytest

from healthdesk.domain.activity_words import detail_words, object_words


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({}, ""),
        ({"changed": ["production.path", "name"]}, "changed production.path name"),
        ({"environment": "production", "overlap_s": 86400}, "environment production, overlap 24 h"),
        ({"for_s": 604800, "note": "asked them"}, "for 7 days, note asked them"),
        ({"for_s": 90}, "for 90 s"),
        ({"integration_id": "int_1", "integration": "CRM"}, "integration CRM"),
        ({"integration_id": "int_1"}, "integration id int_1"),
        ({"resent": 3, "filter": {"states": ["failed"]}}, "resent 3, filter states failed"),
        ({"resent": 3, "filter": {}}, "resent 3"),
        ({"new_webhook_id": True}, "new webhook id yes"),
    ],
)
def test_details_are_words(detail: dict[str, object], words: str) -> None:
    assert detail_words(detail) == words


def test_what_was_done_to_many_is_counted() -> None:
    assert object_words("record", "", "", {"resent": 3}) == "3 records"
    assert object_words("record", "", "", {"resent": 1}) == "1 record"
    assert object_words("record", "", "rec_1", {}) == "record rec_1"
    assert object_words("connection", "CRM", "con_1", {}) == "connection CRM"
