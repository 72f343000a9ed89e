"""The limit of open files, raised as far as the host allows."""

from __future__ import annotations

import logging
import resource

import pytest

from healthdesk.host import files


class Limits:
    def __init__(self, soft: int, hard: int, *, fixed: bool = False) -> None:
        self.now = (soft, hard)
        self._fixed = fixed

    def get(self, _what: int) -> tuple[int, int]:
        return self.now

    def set(self, _what: int, limits: tuple[int, int]) -> None:
        if self._fixed:
            raise ValueError("not allowed")
        self.now = limits


@pytest.mark.parametrize(
    ("soft", "hard", "after"),
    [
        (1024, 4096, 4096),
        (1024, 1_048_576, files.WANTED),
        (1024, resource.RLIM_INFINITY, files.WANTED),
        (100_000, 1_048_576, 100_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY),
    ],
)
def test_open_files_are_raised_and_never_lowered(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, after: int
) -> None:
    limits = Limits(soft, hard)
    monkeypatch.setattr(files.resource, "getrlimit", limits.get)
    monkeypatch.setattr(files.resource, "setrlimit", limits.set)
    files.raise_open_files()
    assert limits.now == (after, hard)


def test_a_host_that_does_not_allow_it_is_no_reason_to_stop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    limits = Limits(1024, 4096, fixed=True)
    monkeypatch.setattr(files.resource, "getrlimit", limits.get)
    monkeypatch.setattr(files.resource, "setrlimit", limits.set)
    files.raise_open_files()
    assert "stays at 1024" in caplog.text
