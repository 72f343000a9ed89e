"""`healthdesk init`: writes config, key and directories of a desk, and never overwrites any of them."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from healthdesk.config import Config, load_config
from healthdesk.errors import ConfigError, HealthdeskError, HostError, VaultError
from healthdesk.host.database import holds_secrets
from healthdesk.paths import DefaultPaths, default_paths, paths_under
from healthdesk.vault import RESTORE_KEY, Vault, create_key_file, lost_key

CONFIG_MODE = 0o640

_NEW_KEY = (
    "Where there is no backup, `healthdesk init --new-key` makes a new one: every credential, secret and channel "
    "must then be entered again"
)


@dataclass(frozen=True, slots=True)
class InitChoices:
    """What `init` is told. Empty values mean the defaults."""

    directory: Path | None = None
    config: Path | None = None
    listen: str = ""
    public_url: str = ""
    database_url: str = ""
    group: str = ""
    allow_private_networks: tuple[str, ...] = ()
    new_key: bool = False
    """Whether a lost key is replaced though the database holds secrets that only the lost one opens."""


@dataclass(frozen=True, slots=True)
class InitReport:
    """What `init` left: every path, and which of them it made or found there."""

    config: Path
    key_file: Path
    data_dir: Path
    socket: Path
    administrator: str
    created: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()
    next_steps: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return {
            "config": str(self.config),
            "key_file": str(self.key_file),
            "data_dir": str(self.data_dir),
            "socket": str(self.socket),
            "administrator": self.administrator,
            "created": [str(path) for path in self.created],
            "kept": [str(path) for path in self.kept],
            "next_steps": list(self.next_steps),
        }


def init_desk(
    choices: InitChoices, environ: Mapping[str, str], *, uid: int | None = None, user: str | None = None
) -> InitReport:
    """Make what is missing of a desk and return what is there. Raises ConfigError, VaultError or HostError."""
    uid = os.getuid() if uid is None else uid
    user = running_user(environ, uid) if user is None else user
    places = _places(choices, environ, uid)
    created: list[Path] = []
    kept: list[Path] = []
    (kept if places.config.exists() else created).append(places.config)
    if created:
        _make_directory(places.config.parent, 0o755 if uid == 0 and choices.directory is None else 0o750)
        _write_config(places.config, render_config(choices, places, user))
    try:
        config = _reread(places.config, environ, uid)
    except ConfigError:
        if created:
            # What was asked for is wrong, and nobody has seen the file yet.
            places.config.unlink(missing_ok=True)
        raise
    data_dir, key_file = config.storage.data_dir, config.security.key_file
    (kept if data_dir.exists() else created).append(data_dir)
    _make_directory(data_dir, 0o750 if uid == 0 else 0o700)
    (kept if key_file.exists() else created).append(key_file)
    if key_file in created:
        if choices.new_key:
            _write_key(key_file)
        else:
            _make_key(key_file, config, fresh=places.config in created)
    else:
        Vault.open(key_file)
    return InitReport(
        config=places.config,
        key_file=key_file,
        data_dir=data_dir,
        socket=config.operator.socket,
        administrator=user,
        created=tuple(created),
        kept=tuple(kept),
        next_steps=_next_steps(places.config, config, default_paths(environ, uid)),
    )


def running_user(environ: Mapping[str, str], uid: int) -> str:
    """Return who runs this: behind sudo, the person who called it."""
    if uid == 0 and (person := environ.get("SUDO_USER")):
        return person
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise HostError(
            f"the user id {uid} has no name on this host, so it cannot be made an administrator",
            fix="run init as a user of /etc/passwd, or add a line for this id",
        ) from None


def render_config(choices: InitChoices, places: DefaultPaths, user: str) -> str:
    """Return config.toml: what was decided, and the rest of a first day as comments."""
    server = [f"listen = {_toml(choices.listen or '127.0.0.1:8085')}"]
    server.append(
        f"public_url = {_toml(choices.public_url)}"
        if choices.public_url
        else '# public_url = "https://desk.example.org"'
    )
    operator = [f"socket = {_toml(str(places.socket))}"]
    operator.append(f"group = {_toml(choices.group)}" if choices.group else '# group = "desk-operators"')
    storage = [f"data_dir = {_toml(str(places.data_dir))}"]
    storage.append(
        f"database_url = {_toml(choices.database_url)}"
        if choices.database_url
        else '# database_url = "postgresql://healthdesk@localhost/healthdesk"'
    )
    networks = ", ".join(_toml(network) for network in choices.allow_private_networks)
    security = [f"key_file = {_toml(str(places.key_file))}", f"allow_private_networks = [{networks}]"]
    roles = [
        f"administrators = [{_toml(user)}]",
        '# managers = ["@desk-operators"]',
        '# members = ["@staff"]',
    ]
    tables = {
        "server": server,
        "operator": operator,
        "storage": storage,
        "security": security,
        "roles": roles,
    }
    text = "# healthdesk. Every key is described in docs/configuration.md; `healthdesk doctor` checks this file.\n"
    return text + "".join(f"\n[{name}]\n" + "\n".join(lines) + "\n" for name, lines in tables.items())


def _places(choices: InitChoices, environ: Mapping[str, str], uid: int) -> DefaultPaths:
    if choices.directory is not None:
        if choices.config is not None:
            raise ConfigError(
                "a folder and a config file were both named", fix="give one of --dir and --config"
            )
        return paths_under(choices.directory.absolute())
    places = default_paths(environ, uid)
    if choices.config is None:
        return places
    config = choices.config.absolute()
    return DefaultPaths(config, places.data_dir, places.socket, config.with_name("healthdesk.key"))


def _reread(file: Path, environ: Mapping[str, str], uid: int) -> Config:
    """Read what was written, as the daemon will."""
    return load_config(file, environ, uid=uid)


def _make_directory(path: Path, mode: int) -> None:
    """Make a directory with this mode. One that exists keeps its own."""
    if path.is_dir():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode)
        path.chmod(mode)
    except OSError as error:
        raise HostError(
            f"{path}: the directory cannot be made ({error.strerror})",
            fix="run this as a user who may, or choose another folder with --dir",
        ) from None


def _write_config(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(path, flags, CONFIG_MODE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), CONFIG_MODE)
            file.write(text)
    except OSError as error:
        raise HostError(
            f"{path}: the config file cannot be written ({error.strerror})",
            fix="run this as a user who may, or choose another folder with --dir",
        ) from None


def _make_key(key_file: Path, config: Config, *, fresh: bool) -> None:
    """Write a new key, unless the database holds secrets that another key has encrypted.

    `fresh`: the config is of this very run, so that a database which cannot be asked is one still to be made.
    """
    try:
        secrets = holds_secrets(config.storage.database_url)
    except (HealthdeskError, OSError) as error:
        if not fresh:
            raise VaultError(
                f"{key_file}: the key file is gone, and whether the database holds secrets that it encrypted "
                f"cannot be told ({error})",
                fix=f"{RESTORE_KEY}; or make the database reachable and run init again. {_NEW_KEY}",
            ) from None
        secrets = False
    if secrets:
        raise VaultError(lost_key(key_file), fix=f"{RESTORE_KEY}. {_NEW_KEY}")
    _write_key(key_file)


def _write_key(key_file: Path) -> None:
    """Write a new key, and the directory it is in."""
    _make_directory(key_file.parent, 0o750)
    create_key_file(key_file)


def _next_steps(file: Path, config: Config, usual: DefaultPaths) -> tuple[str, ...]:
    """Return the commands that come next, with what makes them find this desk."""
    option = "" if file == usual.config else f" --config {file}"
    steps = [f"healthdesk doctor{option}", f"healthdesk daemon{option}"]
    if config.operator.socket != usual.socket:
        steps.append(f"export HEALTHDESK_OPERATOR__SOCKET={config.operator.socket}")
    return (*steps, "healthdesk")


def _toml(text: str) -> str:
    """Return a TOML basic string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
