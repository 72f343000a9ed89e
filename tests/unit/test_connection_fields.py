"""What operators give for a connection, judged by the app's manifest."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from healthdesk.api.connections import Credentials
from healthdesk.connectors.spec import Manifest
from healthdesk.engine.sites import app_base_url
from healthdesk.errors import ConnectorError, Malformed
from healthdesk.operations.connection_fields import (
    base_url_of,
    credentials_of,
    method_of,
    settings_of,
)

TRACKER = Manifest.model_validate(
    {
        "id": "tracker",
        "name": "Tracker",
        "base_url": "https://{site}.tracker.example/{region}",
        "fields": [
            {"key": "site", "label": "Site", "example": "acme", "pattern": "[a-z0-9-]+"},
            {"key": "region", "label": "Region", "options": ["eu", "us"], "default": "eu"},
            {"key": "team", "label": "Team", "required": False},
        ],
        "auth": [
            {
                "id": "token",
                "name": "Token",
                "where": "https://{site}.tracker.example/tokens",
                "headers": {"Authorization": "Bearer {token}"},
                "fields": [{"key": "token", "label": "Token", "secret": True, "example": "trk_…"}],
            },
            {
                "id": "login",
                "name": "User and password",
                "basic": ["{username}", "{password}"],
                "base_url": "https://login.tracker.example",
                "fields": [
                    {"key": "username", "label": "User name"},
                    {"key": "password", "label": "Password", "secret": True},
                ],
            },
        ],
    }
)


def given(auth: str, **fields: str) -> Credentials:
    return Credentials(auth=auth, fields={key: SecretStr(value) for key, value in fields.items()})


def stored(auth: str, credentials: Credentials | None = None, **fields: str) -> dict[str, str]:
    method = method_of(TRACKER, given(auth))
    made = credentials_of(TRACKER, method, credentials or given(auth, **fields), {"site": "acme"})
    return dict(made.values)


def test_settings_take_defaults_and_leave_out_what_is_empty() -> None:
    assert settings_of(TRACKER, {"site": " acme ", "team": ""}) == {"site": "acme", "region": "eu"}


@pytest.mark.parametrize(
    ("settings", "field", "fix"),
    [
        ({}, "settings.site", "for example acme"),
        ({"site": "acme corp"}, "settings.site", "for example acme"),
        ({"site": "acme", "region": "moon"}, "settings.region", "one of eu, us"),
        ({"site": "acme", "sight": "x"}, "settings.sight", "did you mean site?"),
        ({"site": "acme", "token_url": "ftp://x"}, "settings.token_url", "for example"),
    ],
)
def test_a_wrong_setting_is_named_with_its_label_and_an_example(settings, field, fix) -> None:
    with pytest.raises((ConnectorError, Malformed)) as caught:
        settings_of(TRACKER, settings)
    assert caught.value.field == field
    assert fix in caught.value.fix


def test_a_self_hosted_app_has_token_addresses_of_its_own() -> None:
    own = {"site": "acme", "token_url": "https://id.acme.example/token"}
    assert settings_of(TRACKER, own)["token_url"] == own["token_url"]


def test_credentials_are_those_of_the_method_by_either_name() -> None:
    assert stored("token", token=" trk_1\n") == {"token": "trk_1"}
    assert stored("token", Credentials(auth="token", token=SecretStr("trk_1"))) == {"token": "trk_1"}
    both = Credentials(auth="token", token=SecretStr("trk_1"), username="of another method")
    assert stored("token", both) == {"token": "trk_1"}


def test_a_password_keeps_its_spaces() -> None:
    assert stored("login", username=" ops ", password=" pass ") == {"username": "ops", "password": " pass "}


def test_what_is_missing_says_where_to_find_it() -> None:
    with pytest.raises(ConnectorError) as caught:
        stored("token")
    assert caught.value.field == "credentials.fields.token"
    assert caught.value.fix == "for example trk_…; where to find it: https://acme.tracker.example/tokens"


def test_a_secret_is_never_in_what_is_wrong_with_it() -> None:
    with pytest.raises(ConnectorError) as caught:
        stored("token", token="hunter2\x00hunter2")
    assert "hunter2" not in f"{caught.value} {caught.value.fix}"


def test_the_base_url_is_the_apps_unless_the_connection_has_its_own() -> None:
    token, login = TRACKER.auth
    assert base_url_of(TRACKER, token, "") == ""
    assert (
        base_url_of(TRACKER, token, "https://tracker.acme.example/api") == "https://tracker.acme.example/api"
    )
    assert (
        app_base_url(TRACKER, "token", {"site": "acme", "region": "eu"}) == "https://acme.tracker.example/eu"
    )
    assert app_base_url(TRACKER, "login", {}) == "https://login.tracker.example"
    assert app_base_url(TRACKER, "token", {}) == "", "only a token tells"
    assert login.id == "login"


def test_an_app_without_a_base_url_needs_one() -> None:
    homeless = TRACKER.model_copy(update={"base_url": ""})
    with pytest.raises(ConnectorError) as caught:
        base_url_of(homeless, homeless.auth[0], "")
    assert caught.value.field == "base_url"


def test_the_only_method_need_not_be_named() -> None:
    single = TRACKER.model_copy(update={"auth": TRACKER.auth[:1]})
    assert method_of(single, Credentials()).id == "token"
    with pytest.raises(Malformed, match="has no authentication 'none'"):
        method_of(TRACKER, Credentials())
