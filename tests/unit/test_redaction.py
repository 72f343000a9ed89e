"""Header text that is kept: encodable, whatever it was."""

import pytest

from healthdesk.connectors.redaction import readable


@pytest.mark.parametrize(
    ("text", "kept"),
    [("é", "é"), ("a\udce9", "a\ufffd"), ("\udcc3\udca9", "é"), ("\ud800x", "?x"), ("\ud83d\udca9", "??")],
)
def test_header_text_is_kept_as_far_as_it_has_bytes(text, kept):
    assert readable(text) == kept
