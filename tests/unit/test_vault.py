"""Secrets at rest."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.errors import VaultError
from healthdesk.key_file import KeyLines
from healthdesk.vault import Vault, create_key_file, hint


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "healthdesk.key"
    create_key_file(path)
    return path


def test_what_is_encrypted_comes_back_and_is_not_in_the_token(key_file: Path) -> None:
    vault = Vault.open(key_file)
    token = vault.encrypt("pässword")
    assert vault.decrypt(token) == "pässword"
    assert "password" not in token
    assert vault.encrypt("pässword") != token


def test_only_the_owner_reads_the_key_file_whatever_the_umask(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        create_key_file(tmp_path / "key")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_key_file_is_never_overwritten(key_file: Path) -> None:
    before = key_file.read_bytes()
    with pytest.raises(VaultError, match="already there"):
        create_key_file(key_file)
    assert key_file.read_bytes() == before


def test_a_key_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VaultError):
        create_key_file(tmp_path / "key")
    assert not (tmp_path / "elsewhere").exists()


def test_the_first_key_encrypts_and_older_ones_still_decrypt(key_file: Path, tmp_path: Path) -> None:
    old = Vault.open(key_file).encrypt("secret")
    create_key_file(tmp_path / "new")
    key_file.write_text(f"# since May\n{(tmp_path / 'new').read_text()}\n{key_file.read_text()}")
    both = Vault.open(key_file)
    assert both.decrypt(old) == "secret"
    new = both.rotated(old)
    assert Vault.open(tmp_path / "new").decrypt(new) == "secret"
    assert Vault.open(tmp_path / "new").decrypt(both.encrypt("later")) == "later"


def test_a_secret_of_another_key_says_what_helps(key_file: Path, tmp_path: Path) -> None:
    token = Vault.open(key_file).encrypt("secret")
    create_key_file(tmp_path / "other")
    other = Vault.open(tmp_path / "other")
    with pytest.raises(VaultError) as caught:
        other.decrypt(token)
    assert str(tmp_path / "other") in str(caught.value)
    assert "further line" in caught.value.fix
    with pytest.raises(VaultError):
        other.rotated(token)


def test_a_missing_key_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(VaultError) as caught:
        Vault.open(tmp_path / "none")
    assert "healthdesk init" in caught.value.fix


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o620, 0o601])
def test_a_key_file_open_to_others_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.raises(VaultError) as caught:
        Vault.open(key_file)
    assert caught.value.fix == f"chmod 600 {key_file}"


def test_a_credential_that_systemd_hands_over_is_accepted(key_file: Path) -> None:
    key_file.chmod(0o440)
    vault = Vault.open(key_file)
    assert vault.decrypt(vault.encrypt("x")) == "x"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "short\n", "ü\n", "=" * 44])
def test_a_file_without_a_key_is_refused(key_file: Path, text: str) -> None:
    key_file.write_text(text, encoding="utf-8")
    with pytest.raises(VaultError) as caught:
        Vault.open(key_file)
    assert "44 characters" in caught.value.fix


def test_a_hint_is_the_last_four_characters_at_most() -> None:
    assert hint("whsec_abcdefgh1234") == "••••1234"
    assert hint("elevenchars") == "••••"
    assert hint("") == "••••"


@given(st.text())
def test_a_hint_gives_away_less_than_a_half(secret: str) -> None:
    shown = hint(secret).removeprefix("••••")
    assert secret.endswith(shown)
    assert len(shown) in (0, 4)
    assert len(shown) * 3 <= len(secret)


def test_a_key_file_that_cannot_be_replaced_leaves_no_copy_of_its_keys(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_args: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    before, there = key_file.read_text(), set(key_file.parent.iterdir())
    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(VaultError, match="cannot be replaced"):
        KeyLines.read(key_file).staged().write()
    assert (key_file.read_text(), set(key_file.parent.iterdir())) == (before, there)
