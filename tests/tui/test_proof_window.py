"""The proof viewer: contents page by page, difference, runs, export, settings, and those who are no members."""

from __future__ import annotations

from pathlib import Path

import pytest

from healthdesk.api.connections import UNCHECKED_HINT
from healthdesk.domain.instance_states import InstanceState
from healthdesk.errors import ApiRefused
from healthdesk.tui.screens.chooser import Chooser
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.dialog import Notice, Question
from healthdesk.tui.screens.error import ErrorPage
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.label import LabelScreen
from healthdesk.tui.screens.proof import ProofScreen
from healthdesk.tui.screens.run import RunPage
from tests.tui.desk import LARGE, SMALL
from tests.tui.fake_proof import GONE, ProofDesk
from tests.tui.task_desk import NEXT_TAB, fill, open_window, words, wrong

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x45"])
REFUSED = ApiRefused(
    "GitHub was asked first: there is no repository acme/nope. Nothing was saved.",
    status=422,
    slug="trial-refused",
    field="fields.repo",
    fix="Look at its address.",
    blame="configuration",
)
OUTAGE = ApiRefused(
    "GitHub was asked first: GitHub answered 503. Nothing was saved.",
    status=409,
    slug="trial-impossible",
    fix=f"Try again later. {UNCHECKED_HINT}",
    blame="them",
)


@SIZES
async def test_what_was_collected_is_a_table_that_is_read_page_by_page(size: tuple[int, int]):
    desk = ProofDesk()
    async with open_window(desk, ProofScreen("prf_1"), size=size) as driver:
        shown = words(driver)
        for told in ("Collaborators of acme/core", "AC-1 Access reviews", "ID", "Login", "May write", "octocat-0", "240 rows"):  # fmt: skip
            assert told in shown
        assert desk.called("proof_contents") == [("run_5", None)]
        await driver.press("G", "G", "G")
        assert desk.called("proof_contents") == [("run_5", None), ("run_5", "100"), ("run_5", "200")]
        assert "[/bar]□[31mevil" in driver.text()
        assert "\x1b" not in driver.text()


async def test_enter_shows_a_row_whole():
    async with open_window(ProofDesk(), ProofScreen("prf_1")) as driver:
        await driver.press("j", "enter")
        assert isinstance(driver.app.screen, Notice)
        assert "Login octocat-1" in words(driver)
        assert "May write yes" in words(driver)


@SIZES
async def test_the_difference_has_a_glyph_for_what_was_added_removed_and_changed(size: tuple[int, int]):
    async with open_window(ProofDesk(), ProofScreen("prf_1"), size=size) as driver:
        await driver.press(NEXT_TAB)
        rows = [row.strip() for row in driver.text().splitlines()]
        assert any(row.startswith("- 5831777") for row in rows)
        assert any(row.startswith("+ 5999999") for row in rows)
        assert any(row.startswith("~ 5831007") for row in rows)
        assert "+1 added -1 removed ~1,200 changed 238 unchanged +column type not all are shown" in words(
            driver
        )
        await driver.press("j", "j")
        assert "Role: read → write" in words(driver)


async def test_without_a_run_before_it_says_so():
    desk = ProofDesk()
    desk.before = None
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        await driver.press(NEXT_TAB)
        assert "There is no run before this one to compare it with." in words(driver)


async def test_a_run_shows_what_it_collected_or_why_it_failed():
    desk = ProofDesk()
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        await driver.press(NEXT_TAB, NEXT_TAB, "j", "j", "enter")
        assert isinstance(driver.app.screen, RunPage)
        assert "GitHub has no repository acme/project-alpha" in words(driver)
        await driver.press("escape", "j", "enter")
        assert desk.called("proof_contents")[-1] == ("run_2", None)
        assert "Shown: the run of 19 Nov 2026 09:05:00 UTC" in words(driver)
        await driver.press(NEXT_TAB)
        assert desk.called("proof_difference")[-1] == "run_2"


async def test_a_failed_proof_sync_says_why_and_still_shows_what_it_had():
    desk = ProofDesk()
    failed = {"state": InstanceState.FAILED, "state_word": "Failed", "error": GONE}
    helps = "Choose another repository in Settings."
    desk.proof = desk.proof.model_copy(update=failed | {"next_action": helps})
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        assert "✗ Failed" in driver.text()
        assert GONE in words(driver)
        assert helps in words(driver)
        assert "octocat-0" in driver.text()
        await driver.press("E")
        assert isinstance(driver.app.screen, ErrorPage)


async def test_nothing_collected_yet_offers_to_collect():
    desk = ProofDesk()
    desk.proof = desk.proof.model_copy(update={"last_run_id": None, "rows": None})
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        assert "Nothing was collected yet. s collects it now." in words(driver)
        await driver.press("x")
        assert driver.said[-1] == "Export: nothing was collected yet"
        await driver.press("s")
        assert desk.called("instance_sync") == ["prf_1"]


async def test_what_a_run_collected_is_not_read_again_while_it_is_looked_at():
    desk = ProofDesk()
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        await driver.press("r", "r")
        assert len(desk.called("instance_view")) == 3
        assert len(desk.called("proof_contents")) == 1
        desk.proof = desk.proof.model_copy(update={"last_run_id": "run_6"})
        await driver.press("r")
        assert desk.called("proof_contents")[-1] == ("run_6", None)


# Not a member


@SIZES
async def test_those_who_are_no_members_see_all_labels_with_their_members_and_no_proof(size: tuple[int, int]):
    desk = ProofDesk()
    desk.member = False
    async with open_window(desk, ProofScreen("prf_1"), size=size) as driver:
        shown = words(driver)
        for told in ("You are no member", "AC-1 Access reviews", "control", "alice, bob", "Vendors", "carol"):
            assert told in shown
        assert "octocat" not in shown
        await driver.press("x")
        assert "you are no member" in driver.said[-1]
        await driver.press("j", "enter")
        assert isinstance(driver.app.screen, LabelScreen)
    assert not desk.called("proof_contents")
    assert not desk.called("instance_runs")


# Export


async def test_export_writes_the_file_that_was_named(tmp_path: Path):
    desk = ProofDesk()
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        await driver.press("x")
        await fill(driver, "path", str(tmp_path / "proof.csv"))
        await driver.press("ctrl+s")
        assert driver.said[-1] == f"Exported to {tmp_path / 'proof.csv'}."
    assert (tmp_path / "proof.csv").read_bytes() == desk.exported
    assert (tmp_path / "proof.csv").stat().st_mode & 0o777 == 0o600
    assert desk.called("proof_export") == [("prf_1", "run_5", "csv")]


async def test_export_overwrites_nothing_without_asking(tmp_path: Path):
    desk, path = ProofDesk(), tmp_path / "proof.json"
    path.write_text("mine")
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        await driver.press("x", "right")
        await fill(driver, "path", str(path))
        await driver.press("ctrl+s")
        assert isinstance(driver.app.screen, Question)
        await driver.press("enter")
        assert path.read_text() == "mine"
        assert isinstance(driver.app.screen, Form)
        assert "Nothing was written" in wrong(driver)
        await driver.press("ctrl+s", "right", "enter")
    assert path.read_bytes() == desk.exported
    assert desk.called("proof_export") == [("prf_1", "run_5", "json")]


async def test_a_file_that_cannot_be_written_is_said_in_the_form(tmp_path: Path):
    async with open_window(ProofDesk(), ProofScreen("prf_1")) as driver:
        await driver.press("x")
        await fill(driver, "path", str(tmp_path / "nowhere" / "proof.csv"))
        await driver.press("ctrl+s")
        assert "cannot be written: No such file or directory" in wrong(driver)
        await fill(driver, "path", str(tmp_path))
        await driver.press("ctrl+s")
        assert "is a folder" in wrong(driver)


# Settings, connection, delete


async def test_settings_send_only_what_was_changed():
    desk = ProofDesk()
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        await driver.press("e", "ctrl+s")
        assert driver.said[-1] == "Nothing was changed."
        await driver.press("e")
        await fill(driver, "fields/repo", "website")
        await fill(driver, "every_s", "12h")
        await driver.press("ctrl+s")
        [(proof_id, sent)] = desk.called("instance_settings")
        assert proof_id == "prf_1"
        assert sent.fields["repo"] == "website"
        assert sent.model_fields_set == {"fields", "every_s"}
        assert sent.every_s == 43_200


async def test_settings_that_the_app_refuses_stay_in_the_form_at_their_field():
    desk = ProofDesk()
    desk.refuse_once["instance_settings"] = REFUSED
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        await driver.press("e")
        await fill(driver, "fields/repo", "nope")
        await driver.press("ctrl+s")
        assert "there is no repository acme/nope" in wrong(driver)
        assert driver.app.screen.query_one("#choice-unchecked").display is False
        assert driver.app.focused is not None
        assert driver.app.focused.name == "fields/repo"


async def test_an_app_that_does_not_answer_can_be_saved_anyway():
    desk = ProofDesk()
    desk.refuse_once["instance_settings"] = OUTAGE
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        await driver.press("e")
        await fill(driver, "fields/repo", "website")
        await driver.press("ctrl+s")
        driver.app.screen.query_one("#choice-unchecked").focus()
        await driver.press("enter")
        sent = [changes for _, changes in desk.called("instance_settings")]
        assert [each.unchecked for each in sent] == [False, True]


async def test_change_connection_offers_the_others_of_the_app():
    desk = ProofDesk()
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        await driver.press("O")
        assert isinstance(driver.app.screen, Chooser)
        assert [option.value for option in driver.app.screen.options] == ["con_git2"]
        await driver.press("enter")
        [(_, choice)] = desk.called("instance_change_connection")
        assert choice.connection_id == "con_git2"
        assert driver.said[-1] == "Collaborators of acme/core collects with GitHub · audit-bot now."


async def test_delete_starts_on_cancel_and_closes_the_window():
    desk = ProofDesk()
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        await driver.press("D", "enter")
        assert not desk.called("instance_delete")
        await driver.press("D", "right", "enter")
        assert desk.called("instance_delete") == ["prf_1"]
        assert isinstance(driver.app.screen, ConnectionsScreen)


async def test_what_the_daemon_refuses_is_greyed_with_its_words():
    desk = ProofDesk()
    desk.proof = desk.proof.model_copy(update={"refused": {"delete": "only alice, whose it is; ask alice."}})
    async with open_window(desk, ProofScreen("prf_1")) as driver:
        await driver.press("D")
        assert driver.said[-1] == "Delete proof sync: only alice, whose it is; ask alice"
    assert not desk.called("instance_delete")
