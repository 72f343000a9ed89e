"""Which Apprise URLs no channel may have, and how the others are shown."""

from __future__ import annotations

import pytest

from healthdesk.engine.channel_url import mask, refuse_unsafe, schema_of
from healthdesk.errors import ChannelError


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("", "empty"),
        ("ops@acme.example", "does not begin with a service"),
        ("syslog://", "this host's own"),
        ("Gnome://", "this host's own"),
        ("json://hooks.example/?optional=yes", "failures as successes"),
        ("json://hooks.example/?Optional=TRUE", "failures as successes"),
        ("mailto://mail.example/?attach=/etc/shadow", "no attachments"),
        ("json://hooks.example/\njson://other.example/", "line breaks"),
        ("json://hooks.example/" + "x" * 5000, "longer than"),
        ("json://[::1/x", "cannot be read"),
    ],
)
def test_unsafe_url_is_refused_with_the_part(url: str, what: str) -> None:
    with pytest.raises(ChannelError, match=what):
        refuse_unsafe(url)


@pytest.mark.parametrize(
    "url", ["json://hooks.example/x?optional=no", "mailtos://desk:pw@mail.example/ops@acme.example?cto=5"]
)
def test_ordinary_url_passes(url: str) -> None:
    refuse_unsafe(url)
    assert schema_of(url) in {"json", "mailtos"}


@pytest.mark.parametrize(
    ("private", "host_is_public", "shown"),
    [
        ("json://hooks.example:8080/a/b/?method=POST", True, "json://hooks.example:8080/…"),
        (
            "mailto://desk:****@mail.example/ops%40acme.example/?cto=4",
            True,
            "mailto://…@mail.example/ops@acme.example",
        ),
        ("slack://T...2/A...D/T...Q/%23ops/", False, "slack://T…2/…"),
        ("pover://abcdef@u...r/phone", False, "pover://u…r/…"),
        ("unusual://wholetoken/x", False, "unusual://w…/…"),
    ],
)
def test_shown_form_has_no_middle(private: str, host_is_public: bool, shown: str) -> None:
    assert mask(private, host_is_public=host_is_public) == shown


def test_a_service_alone_is_no_channel() -> None:
    with pytest.raises(ChannelError, match=r"ends after mailto://") as raised:
        refuse_unsafe("mailto://")
    assert "mailto://user:password@" in raised.value.fix
