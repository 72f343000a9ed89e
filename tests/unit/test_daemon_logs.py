"""The daemon's log says where a fault was, and nothing that an exception quotes."""

import logging
import sys

from healthdesk.daemon.logs import FORMAT, PrivateFormatter
from healthdesk.errors import StoreUnavailable


def logged(fault) -> str:
    try:
        fault()
    except (ValueError, StoreUnavailable):
        record = logging.LogRecord("healthdesk", logging.ERROR, __file__, 1, "it failed", (), sys.exc_info())
        return PrivateFormatter(FORMAT).format(record)
    raise AssertionError("nothing was raised")


def test_a_traceback_has_places_and_types_but_no_message() -> None:
    patient = "Quillfeather"

    def read():
        return {}[patient]

    def fault():
        try:
            read()
        except KeyError as error:
            raise ValueError(f"{patient} is unknown") from error

    text = logged(fault)
    assert "Quillfeather" not in text.replace('patient = "Quillfeather"', "")
    assert "it failed" in text
    assert "in read" in text
    assert "builtins.KeyError (message left out)" in text
    assert "builtins.ValueError (message left out)" in text


def test_words_of_our_own_stay() -> None:
    def fault():
        raise StoreUnavailable("the disk is full")

    assert "StoreUnavailable: the disk is full" in logged(fault)
