"""config.toml and the environment: what they mean, and what is said of a mistake."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from healthdesk.config import Config, config_keys, load_config
from healthdesk.config_values import split_address
from healthdesk.errors import ConfigError

USER = 1000
HOME = {"HOME": "/home/anna", "XDG_RUNTIME_DIR": "/run/user/1000"}


@pytest.fixture
def load(tmp_path: Path):
    """Write a config file and load it."""

    def load(text: str = "", environ: dict[str, str] | None = None, uid: int = USER) -> Config:
        file = tmp_path / "config.toml"
        file.write_text(text)
        return load_config(file, HOME | (environ or {}), uid=uid)

    return load


def test_an_empty_file_means_the_documented_defaults(load) -> None:
    config = load()
    assert config.server.listen == "127.0.0.1:8085"
    assert config.server.address == ("127.0.0.1", 8085)
    assert config.server.public_url == "http://127.0.0.1:8085"
    assert (config.storage.retention_days.bodies, config.storage.retention_days.rest) == (30, 90)
    assert config.security.max_body_bytes == 1_048_576
    assert config.security.allow_private_networks == ()
    assert config.security.use_proxy is False
    assert config.heartbeat.every_s == 86400
    assert config.delivery.schedule == (0, 5, 300, 1800, 7200, 18000, 36000, 36000)
    assert config.delivery.timeout_s == 30
    assert config.delivery.stored_body_bytes == 65536
    assert config.alerts.enabled is True


def test_a_desk_of_the_host_and_a_desk_of_a_user_live_in_their_usual_places(load) -> None:
    host = load(uid=0)
    assert host.storage.data_dir == Path("/var/lib/healthdesk")
    assert host.storage.database_url == "sqlite:////var/lib/healthdesk/healthdesk.db"
    assert host.operator.socket == Path("/run/healthdesk/operator.sock")
    assert host.security.key_file == Path("/etc/healthdesk/healthdesk.key")
    user = load()
    assert user.storage.data_dir == Path("/home/anna/.local/share/healthdesk")
    assert user.operator.socket == Path("/run/user/1000/healthdesk/operator.sock")
    assert user.security.key_file == Path("/home/anna/.config/healthdesk/healthdesk.key")


def test_the_database_follows_the_data_directory(load) -> None:
    assert (
        load('[storage]\ndata_dir = "/srv/desk"').storage.database_url == "sqlite:////srv/desk/healthdesk.db"
    )


def test_relative_paths_start_at_the_config_file(load, tmp_path: Path) -> None:
    config = load('[storage]\ndata_dir = "data"\ndatabase_url = "sqlite:///x.db"\n[security]\nkey_file = "k"')
    assert config.storage.data_dir == tmp_path / "data"
    assert config.storage.database_url == f"sqlite:///{tmp_path}/x.db"
    assert config.security.key_file == tmp_path / "k"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_postgresql_is_one_scheme_under_all_its_names(load, scheme: str) -> None:
    config = load(f'[storage]\ndatabase_url = "{scheme}://u:p@db/desk"')
    assert config.storage.database_url == "postgresql://u:p@db/desk"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ('"30s"', 30),
        ('"5m"', 300),
        ('"2h"', 7200),
        ('"1d"', 86400),
        ('"250ms"', 0.25),
        ("45", 45),
        ('"1.5h"', 5400),
    ],
)
def test_durations_take_units_or_seconds(load, text: str, seconds: float) -> None:
    assert load(f"[delivery]\ntimeout = {text}").delivery.timeout_s == seconds


def test_retention_is_one_number_or_two(load) -> None:
    both = load("[storage]\nretention_days = 7").storage.retention_days
    assert (both.bodies, both.rest) == (7, 7)
    one = load("[storage.retention_days]\nrest = 365").storage.retention_days
    assert (one.bodies, one.rest) == (30, 365)


def test_networks_are_networks(load) -> None:
    config = load('[security]\nallow_private_networks = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"]')
    assert config.security.allow_private_networks == tuple(
        map(ip_network, ("10.0.0.0/8", "127.0.0.1/32", "fd00::/8"))
    )


def test_nothing_can_be_changed_after_loading(load) -> None:
    config = load()
    with pytest.raises(ValidationError):
        config.delivery.timeout_s = 1.0


@pytest.mark.parametrize(
    ("variable", "text", "read"),
    [
        ("SERVER__LISTEN", "0.0.0.0:80", lambda c: c.server.listen == "0.0.0.0:80"),
        ("STORAGE__RETENTION_DAYS", "9", lambda c: c.storage.retention_days.bodies == 9),
        ("STORAGE__RETENTION_DAYS__BODIES", "9", lambda c: c.storage.retention_days.rest == 90),
        (
            "SECURITY__ALLOW_PRIVATE_NETWORKS",
            "127.0.0.1, ::1",
            lambda c: len(c.security.allow_private_networks) == 2,
        ),
        ("SECURITY__USE_PROXY", "yes", lambda c: c.security.use_proxy is True),
        ("ROLES__MANAGERS", "anna,@desk", lambda c: c.roles.managers == ("anna", "@desk")),
        ("ROLES__MANAGERS", '["anna"]', lambda c: c.roles.managers == ("anna",)),
        ("HEARTBEAT__EVERY", "1h", lambda c: c.heartbeat.every_s == 3600),
        ("HEARTBEAT__JITTER", "0.5", lambda c: c.heartbeat.jitter == 0.5),
        ("DELIVERY__SCHEDULE", "0,5s,1m", lambda c: c.delivery.schedule == (0, 5, 60)),
        ("DELIVERY__CONCURRENCY", "3", lambda c: c.delivery.concurrency == 3),
        ("ALERTS__ENABLED", "false", lambda c: c.alerts.enabled is False),
        ("OPERATOR__GROUP", "42", lambda c: c.operator.group == "42"),
    ],
)
def test_a_variable_overrides_its_key(load, variable: str, text: str, read) -> None:
    assert read(load("", {f"HEALTHDESK_{variable}": text}))


def test_the_environment_goes_before_the_file(load) -> None:
    config = load("[delivery]\nconcurrency = 2\ntimeout = 9", {"HEALTHDESK_DELIVERY__CONCURRENCY": "5"})
    assert (config.delivery.concurrency, config.delivery.timeout_s) == (5, 9)


def test_variables_of_the_client_are_no_settings(load) -> None:
    assert load("", {"HEALTHDESK_LOG": "debug", "HEALTHDESK_SOCKET": "/x"}).server.listen == "127.0.0.1:8085"


def test_a_systemd_credential_goes_before_the_file_and_a_variable_before_both(load, tmp_path: Path) -> None:
    (tmp_path / "healthdesk-key").touch()
    text = '[security]\nkey_file = "/etc/healthdesk/healthdesk.key"'
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load(text, credentials).security.key_file == tmp_path / "healthdesk-key"
    variable = credentials | {"HEALTHDESK_SECURITY__KEY_FILE": "/elsewhere"}
    assert load(text, variable).security.key_file == Path("/elsewhere")
    assert load(text, {"CREDENTIALS_DIRECTORY": "/nowhere"}).security.key_file.name == "healthdesk.key"


@pytest.mark.parametrize(
    ("text", "key", "fix"),
    [
        ("[storage]\ndatabse_url = 'x'", "storage.databse_url", "did you mean database_url?"),
        ("[strage]\n", "strage", "did you mean storage?"),
        ("[heartbeat]\nevery_s = 4", "heartbeat.every_s", "did you mean every?"),
        ("[storage.retention_days]\nbodys = 4", "storage.retention_days.bodys", "did you mean bodies?"),
        ("qqqq = 1", "qqqq", "known here are server"),
        ("server = 3", "server", "[server]"),
        ("[server]\nlisten = '8085'", "server.listen", "127.0.0.1:8085"),
        ("[server]\nlisten = '127.0.0.1:99999'", "server.listen", "127.0.0.1:8085"),
        ("[server]\npublic_url = 'desk'", "server.public_url", "https://"),
        ("[storage]\nretention_days = 'long'", "storage.retention_days", "bodies = 30"),
        ("[storage]\ndatabase_url = 'sqlite:///:memory:'", "storage.database_url", "sqlite:////"),
        ("[delivery]\ntimeout = 'soon'", "delivery.timeout", "30s"),
        ("[delivery]\ntimeout = -1", "delivery.timeout", "30s"),
        ("[delivery]\ntimeout = true", "delivery.timeout", "30s"),
        ("[delivery]\nschedule = []", "delivery.schedule", "before each try"),
        ("[delivery]\nschedule = '5s'", "delivery.schedule", "before each try"),
        ("[delivery]\nconcurrency = '4'", "delivery.concurrency", "without quotes"),
        ("[delivery]\nconcurrency = 0", "delivery.concurrency", "1 or more"),
        ("[delivery]\njitter = 1.0", "delivery.jitter", "below 1"),
        ("[alerts]\nenabled = 'on'", "alerts.enabled", "true or false"),
        ("[roles]\nmembers = 'anna'", "roles.members", '["anna"'),
        ("[roles]\nmembers = ['anna bell']", "roles.members", "@desk"),
        (
            "[security]\nallow_private_networks = ['10.0.0.1/8']",
            "security.allow_private_networks",
            "10.0.0.0/8",
        ),
        ("[security]\nkey_file = ''", "security.key_file", "path in quotes"),
        (f"[operator]\nsocket = '/{'x' * 120}'", "operator.socket", "shorter"),
    ],
)
def test_a_mistake_names_file_key_and_fix(load, tmp_path: Path, text: str, key: str, fix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert caught.value.source == str(tmp_path / "config.toml")
    assert caught.value.key == key
    assert fix in caught.value.fix
    assert str(caught.value).startswith(f"{caught.value.source}: {key}: ")


@pytest.mark.parametrize(
    ("name", "text", "fix"),
    [
        ("HEALTHDESK_STORAGE__DATABSE_URL", "x", "did you mean HEALTHDESK_STORAGE__DATABASE_URL?"),
        ("HEALTHDESK_DELIVERY__CONCURRENCY", "many", "whole number"),
        ("HEALTHDESK_SECURITY__USE_PROXY", "perhaps", "true or false"),
    ],
)
def test_a_mistake_in_a_variable_names_the_variable(load, name: str, text: str, fix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load("", {name: text})
    assert caught.value.source == name
    assert fix in caught.value.fix


def test_a_variable_for_a_part_of_a_plain_value_is_refused(load) -> None:
    with pytest.raises(ConfigError, match="as a whole elsewhere"):
        load("[storage]\nretention_days = 3", {"HEALTHDESK_STORAGE__RETENTION_DAYS__REST": "9"})


def test_all_mistakes_are_named_at_once(load) -> None:
    with pytest.raises(ConfigError, match=r"also wrong: delivery.jitter, alerts.enabled"):
        load("[delivery]\nconcurrency = 0\njitter = 2\n[alerts]\nenabled = 3")


def test_text_that_is_no_toml_says_where(load) -> None:
    with pytest.raises(ConfigError, match=r"not valid TOML.*line 2") as caught:
        load("[server]\nlisten = here\n")
    assert "quotes" in caught.value.fix


def test_the_password_in_a_database_url_is_never_repeated(load) -> None:
    with pytest.raises(ConfigError) as caught:
        load('[storage]\ndatabase_url = "mysql://desk:hunter22@db/desk"')
    assert "hunter22" not in f"{caught.value} {caught.value.fix}"


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "none.toml", HOME, uid=USER)
    assert "healthdesk init" in caught.value.fix


def test_without_any_setting_the_default_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {"HOME": str(tmp_path)}, uid=USER)
    assert caught.value.source == str(tmp_path / ".config/healthdesk/config.toml")
    assert "HEALTHDESK_CONFIG" in caught.value.fix


def test_variables_alone_configure_a_container() -> None:
    environ = HOME | {"HEALTHDESK_STORAGE__DATA_DIR": "/data"}
    assert load_config(None, environ, uid=USER).storage.data_dir == Path("/data")


def test_the_file_may_be_named_by_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("[delivery]\nconcurrency = 7")
    assert load_config(None, HOME | {"HEALTHDESK_CONFIG": str(file)}, uid=USER).delivery.concurrency == 7


def test_every_key_has_a_variable_and_a_description() -> None:
    keys = list(config_keys())
    assert len(keys) == 29
    assert all(key.description for key in keys)
    assert next(key.variable for key in keys if key.key == "timeout") == "HEALTHDESK_DELIVERY__TIMEOUT"


@given(st.integers(0, 65535), st.sampled_from(["127.0.0.1", "desk.example.org", "[::1]"]))
def test_every_address_splits_into_its_parts(port: int, host: str) -> None:
    assert split_address(f"{host}:{port}") == (host.strip("[]"), port)


@given(st.text(max_size=20))
def test_no_text_breaks_a_duration(text: str) -> None:
    environ = HOME | {"HEALTHDESK_DELIVERY__TIMEOUT": text}
    try:
        config = load_config(None, environ, uid=USER)
    except ConfigError as error:
        assert error.source == "HEALTHDESK_DELIVERY__TIMEOUT"  # noqa: PT017 - both outcomes are right
    else:
        assert config.delivery.timeout_s > 0
