"""Secrets and confirmations: where they may come from, and what happens when nobody is there."""

import io

import pytest
from tests.harness import wire
from tests.harness.cli import Shell, Typed
from tests.harness.fake_daemon import FakeDaemon, running
from tests.harness.job_calls import job, job_plan

from healthdesk.api.resends import Resent
from healthdesk.cli.ask import Asker, without_echo
from healthdesk.cli.command import UsageError

ADD = "connections add --name CRM --base-url https://crm.example"
REC = "rec_01JD0000000000000000000001"


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("POST", "/v1/connections", wire.connection())
        daemon.on("POST", "/v1/channels", wire.channel())
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def test_token_is_asked_for_without_echo(daemon, desk):
    ran = desk(f"{ADD} --auth bearer", terminal=True, hidden="s3cret-token")
    assert ran.code == 0
    assert daemon.last.json["credentials"] == {"auth": "bearer", "token": "s3cret-token"}
    assert "s3cret" not in ran.out + ran.err


def test_token_comes_from_standard_input(daemon, desk):
    assert desk(f"{ADD} --token-stdin", stdin="s3cret-token\n").code == 0
    assert daemon.last.json["credentials"] == {"auth": "bearer", "token": "s3cret-token"}


def test_token_comes_from_a_file(daemon, desk, tmp_path):
    file = tmp_path / "token"
    file.write_text("s3cret-token\r\n")
    assert desk(f"{ADD} --auth header --header-name X-Key --token-file {file}").code == 0
    assert daemon.last.json["credentials"] == {
        "auth": "header",
        "token": "s3cret-token",
        "header_name": "X-Key",
    }
    assert desk(f"{ADD} --auth query --parameter-name key --token-file {file}").code == 0
    assert daemon.last.json["credentials"] == {
        "auth": "query",
        "token": "s3cret-token",
        "fields": {"parameter_name": "key"},
    }


def test_password_comes_from_standard_input(daemon, desk):
    assert desk(f"{ADD} --auth basic --username hra --password-stdin", stdin="pässword").code == 0
    assert daemon.last.json["credentials"] == {"auth": "basic", "username": "hra", "password": "pässword"}


def test_channel_url_is_a_secret(daemon, desk):
    assert desk("channels add --name Ops --url-stdin", stdin="json://u:pw@host/\n").code == 0
    assert daemon.last.json == {"name": "Ops", "url": "json://u:pw@host/"}


def test_secret_of_callbacks_is_asked_for_with_its_scheme(daemon, desk):
    ran = desk(f"{ADD} --scheme hmac --prefix sha256=", terminal=True, hidden="whsec_1")
    assert ran.code == 0
    assert daemon.last.json["callback_secret"] == "whsec_1"
    assert daemon.last.json["verification"] == {"scheme": "hmac", "prefix": "sha256="}


def test_secret_of_callbacks_is_kept_when_only_the_header_changes(daemon, desk):
    now = wire.connection(verification={"scheme": "hmac", "prefix": "v1="}, callback_secret_hint="••••1234")
    daemon.on("GET", "/v1/connections/con_1", now)
    daemon.on("PATCH", "/v1/connections/con_1", now)
    assert desk("connections edit con_1 --scheme hmac --header X-Sig").code == 0
    assert daemon.last.json["verification"]["header"] == "X-Sig"
    assert daemon.last.json["verification"]["prefix"] == "v1="
    assert "callback_secret" not in daemon.last.json


@pytest.mark.parametrize(
    ("line", "stdin", "words"),
    [
        (f"{ADD} --auth bearer", "", "no terminal to ask on"),
        (f"{ADD} --auth bearer --token-stdin", "", "the token is empty"),
        (f"{ADD} --auth bearer --token-stdin", "two\nlines\n", "more than one line"),
        (f"{ADD} --auth bearer --token-stdin", "x" * 70_000, "too long"),
        (f"{ADD} --auth bearer --token-file /nonexistent", "", "cannot read /nonexistent"),
        (f"{ADD} --auth basic --password-stdin", "pw", "needs --username"),
        (f"{ADD} --auth header --token-stdin", "t", "needs --header-name"),
        (f"{ADD} --token-stdin --callback-secret-stdin", "t", "cannot give both"),
        ("channels add --name Ops", "", "the url is missing"),
    ],
)
def test_secret_that_cannot_be_had_is_a_usage_error(daemon, desk, line, stdin, words):
    ran = desk(line, stdin=stdin)
    assert ran.code == 2
    assert words in ran.err
    assert daemon.asked == []


@pytest.mark.parametrize(
    "line",
    [
        f"{ADD} --token hunter2",
        f"{ADD} --token=hunter2",
        f"{ADD} --password=hunter2",
        "channels add --name Ops --url json://hunter2",
        "connections update-credentials con_1 --secret hunter2",
        "integrations add --name x --connection con_1 --header 'Authorization: hunter2'",
        "integrations add --name x --connection con_1 --header 'X-Api-Key: hunter2'",
        "init --dir /nonexistent --database-url postgresql://desk:hunter2@db/desk",
    ],
)
def test_secret_as_an_argument_is_refused_and_not_repeated(daemon, desk, line):
    ran = desk(line, terminal=True, hidden="x")
    assert ran.code == 2
    assert "secrets are never arguments" in ran.err
    assert "hunter2" not in ran.out + ran.err
    assert daemon.asked == []


def test_terminal_that_cannot_hide_is_refused(monkeypatch):
    def plain(prompt, stream):
        import getpass
        import warnings

        warnings.warn("echoed", getpass.GetPassWarning, stacklevel=2)

    monkeypatch.setattr("getpass.getpass", plain)
    with pytest.raises(UsageError, match="cannot hide"):
        without_echo("Token")


def test_standard_input_gives_one_thing_only():
    ask = Asker(Typed("x"), io.StringIO())
    assert ask.read_all("the token") == b"x"
    with pytest.raises(UsageError, match="cannot give both the token and the data"):
        ask.read_all("the data")


def test_new_credentials_that_do_not_work_fail(daemon, desk):
    daemon.on("GET", "/v1/connections/con_1", wire.connection())
    bad = wire.connection(state="failing", state_word="Connection failure")
    daemon.on("POST", "/v1/connections/con_1/credentials", bad)
    assert desk("connections update-credentials con_1 --token-stdin", stdin="t").code == 1
    assert daemon.last.json == {"credentials": {"auth": "bearer", "token": "t"}}


GONE = [
    (
        "connections disconnect con_1",
        "/v1/connections/con_1",
        wire.connection(),
        "Its credentials are erased and cannot be brought back, and its callbacks are refused.",
    ),
    ("channels remove chn_1", "/v1/channels/chn_1", wire.channel(), "Its URL is erased"),
    ("rules remove rul_1", "/v1/rules/rul_1", wire.rule(), "Remove the rule CRM to ops"),
]


@pytest.mark.parametrize(("line", "path", "item", "question"), GONE)
def test_removing_names_what_is_lost_and_starts_on_no(daemon, desk, line, path, item, question):
    daemon.on("GET", path, item)
    daemon.on("GET", f"{path}/uses", wire.uses())
    daemon.on("DELETE", path, 204)
    for typed in ("", "\n", "no\n", "yess\n"):
        ran = desk(line, stdin=typed, terminal=True)
        assert ran.code == 1
        assert question in ran.err
        assert item.name in ran.err
        assert "Nothing was changed." in ran.err
    assert {one.method for one in daemon.asked} == {"GET"}
    assert desk(line, stdin="y\n", terminal=True).code == 0
    assert daemon.lines()[-1] == f"DELETE {path}"


@pytest.mark.parametrize(("line", "path", "item", "question"), GONE)
def test_removing_without_a_person_needs_yes(daemon, desk, line, path, item, question):
    daemon.on("GET", path, item)
    daemon.on("GET", f"{path}/uses", wire.uses())
    daemon.on("DELETE", path, 204)
    ran = desk(line, stdin="y\n")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert daemon.asked == []
    ran = desk(f"{line} --yes --json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json == item.model_dump(mode="json")
    assert daemon.lines()[-1] == f"DELETE {path}"


@pytest.mark.parametrize("options", [{"terminal": True}, {}])
def test_connection_in_use_is_not_asked_about_and_names_who_uses_it(daemon, desk, options):
    daemon.on("GET", "/v1/connections/con_1", wire.connection())
    daemon.on("GET", "/v1/connections/con_1/uses", wire.uses(delivers=["CRM endpoint", "Partner"]))
    ran = desk(f"connections disconnect con_1{'' if options else ' --yes'}", stdin="y\n", **options)
    assert ran.code == 1
    assert "error: CRM endpoint, Partner deliver through CRM" in ran.err
    assert "fix: give their environments another connection first" in ran.err
    assert "Disconnect CRM" not in ran.err
    assert {one.method for one in daemon.asked} == {"GET"}


def test_disconnecting_shows_what_stops_before_it_asks(daemon, desk):
    daemon.on("GET", "/v1/connections/con_1", wire.connection())
    daemon.on("GET", "/v1/connections/con_1/uses", wire.uses())
    ran = desk("connections disconnect con_1", stdin="\n", terminal=True)
    assert ran.err.splitlines()[1:3] == [
        "The connection configuration is lost for all of the 2 tasks that alice configured with it.",
        "Among them: Rotate keys, Review vendors, and 1 more",
    ]
    assert "Disconnect CRM (HTTP endpoint, con_1)? [y/N]" in ran.err


def plan_then(daemon, answer):
    daemon.on("POST", "/v1/jobs", job_plan(), answer)


def test_resend_all_states_count_and_filter_before_it_asks(daemon, desk):
    plan_then(daemon, job(state="preparing"))
    ran = desk(
        "records resend-all --integration int_1 --environment production --state failed --from 2h",
        stdin="y\n",
        terminal=True,
    )
    assert ran.code == 0
    where = "integration int_1, production, state failed, arrived from 2024-11-22 12:02:11 CET"
    assert f"Resend 131 records ({where})? [y/N]" in ran.err
    assert "127     422  risk_level is required  prb_1 open" in ran.out
    assert "2 already delivered" in ran.out
    assert "At 20 a second: about 7s." in ran.out
    assert "Sources: 100 heart-health, 31 sleep" in ran.out
    assert "First 1, then 5, then the rest. It stops by itself" in ran.out
    assert ran.out.endswith("Began job_1: 131 records. `healthdesk jobs show job_1` says how far it is.\n")
    chosen = {
        "environment": "production",
        "states": ["failed"],
        "arrived_from": "2024-11-22T11:02:11+00:00",
        "arrived_to": "2024-11-22T13:02:11+00:00",
        "integration_id": "int_1",
    }
    given = {"filter": chosen, "careful": True, "rate_per_s": None, "fix": None}
    assert [one.json for one in daemon.asked] == [given | {"dry_run": True}, given | {"expect": 131}]


def test_resend_all_that_is_declined_changes_nothing(daemon, desk):
    plan_then(daemon, job(state="preparing"))
    ran = desk("records resend-all --state failed", stdin="n\n", terminal=True)
    assert ran.code == 1
    assert "Nothing was changed." in ran.err
    assert [one.json["dry_run"] for one in daemon.asked] == [True]


def test_resend_all_without_a_person_needs_yes_before_anything_is_asked(daemon, desk):
    ran = desk("records resend-all --state failed", stdin="y\n")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert daemon.asked == []


def test_resend_all_for_programs(daemon, desk):
    plan_then(daemon, job(state="preparing"))
    ran = desk("records resend-all --yes --json")
    assert (ran.json["id"], ran.json["total"]) == ("job_1", 131)
    daemon.on("POST", "/v1/jobs", job_plan())
    assert desk("records resend-all --dry-run --json").json["total"] == 131
    assert daemon.last.json["dry_run"] is True


def test_resend_all_of_nothing_does_not_ask(daemon, desk):
    daemon.on("POST", "/v1/jobs", job_plan(total=0, groups=[], oldest=None), job(total=0, counts={}))
    ran = desk("records resend-all", terminal=True)
    assert ran.code == 0
    assert "[y/N]" not in ran.err
    assert ran.out.endswith("There is nothing to resend.\n")


def test_what_arrives_while_the_question_is_read_is_not_resent(daemon, desk):
    plan_then(daemon, job(state="preparing"))
    assert desk("records resend-all --state failed", stdin="y\n", terminal=True).code == 0
    ends = [one.json["filter"]["arrived_to"] for one in daemon.asked]
    assert ends == ["2024-11-22T13:02:11+00:00"] * 2


def test_an_end_that_was_given_is_kept(daemon, desk):
    plan_then(daemon, job(state="preparing"))
    assert desk("records resend-all --to 2024-11-20T00:00Z --yes").code == 0
    assert [one.json["filter"]["arrived_to"] for one in daemon.asked] == ["2024-11-20T00:00:00+00:00"] * 2


def changed_meanwhile(daemon, total, *answers):
    """Answer a plan, then that it is another one by now, then that one, then `answers`."""
    path = ("POST", "/v1/jobs")
    daemon.problem(*path, 409, "conflict", f"it would be {total} now", fix="look again")
    conflict = daemon._answers[path]
    daemon.on(*path, job_plan())
    first = daemon._answers[path]
    daemon.on(*path, job_plan(total=total), *answers)
    daemon.on(*path, *first, *conflict, *daemon._answers[path])


def test_count_that_grew_meanwhile_is_asked_again(daemon, desk):
    changed_meanwhile(daemon, 150, job(total=150))
    ran = desk("records resend-all --state failed", stdin="y\ny\n", terminal=True)
    assert ran.code == 0
    assert "has changed meanwhile" in ran.err
    assert ran.err.index("Resend 131 records") < ran.err.index("Resend 150 records")
    assert "Began job_1: 150 records." in ran.out


@pytest.mark.parametrize("total", [140, 120])
def test_a_few_more_or_fewer_of_what_was_confirmed_are_not_asked_about_again(daemon, desk, total):
    changed_meanwhile(daemon, total, job(total=total))
    ran = desk("records resend-all --state failed", stdin="y\n", terminal=True)
    assert ran.code == 0
    assert "has changed meanwhile" not in ran.err
    assert f"Began job_1: {total} records." in ran.out
    assert [one.json.get("expect") for one in daemon.asked] == [None, 131, None, total]


def test_yes_goes_for_the_new_plan_too(daemon, desk):
    changed_meanwhile(daemon, 150, job(total=150))
    ran = desk("records resend-all --yes --json")
    assert ran.json["total"] == 150
    assert [one.json.get("expect") for one in daemon.asked] == [None, 131, None, 150]


def test_a_plan_that_never_holds_is_given_up(daemon, desk):
    path = ("POST", "/v1/jobs")
    daemon.problem(*path, 409, "conflict", "it would be 140 now", fix="look again")
    conflict = daemon._answers[path]
    daemon.on(*path, job_plan())
    daemon.on(*path, *(daemon._answers[path] + conflict) * 5)
    ran = desk("records resend-all --yes")
    assert ran.code == 1
    assert ran.err.endswith("error: it would be 140 now\nfix: look again\n")
    assert len(daemon.asked) == 10


def test_one_record_is_resent(daemon, desk):
    daemon.on("POST", f"/v1/records/{REC}/resend", Resent(resent=1))
    assert desk(f"records resend {REC}").out == "Resent 1 record.\n"
    assert daemon.last.json == {"new_webhook_id": False, "delivered_too": False, "asked_too": False}


@pytest.mark.parametrize(
    ("typed", "counts", "sent"),
    [
        ("y\ny\n", {"delivered": 1}, (True, True, False)),
        ("y\n\n", {"delivered": 1}, (False, True, False)),
        ("\n", {"delivered": 1}, None),
        ("y\n", {"asked": 1}, (False, False, True)),
        ("\n", {"asked": 1}, None),
        ("", {}, (False, False, False)),
    ],
)
def test_what_the_endpoint_has_or_is_asked_for_is_sent_again_only_after_a_question(
    daemon, desk, typed, counts, sent
):
    daemon.on("POST", "/v1/records/resend", Resent(resent=1, **counts))
    daemon.on("POST", f"/v1/records/{REC}/resend", Resent(resent=1))
    ran = desk(f"records resend {REC}", stdin=typed, terminal=True)
    assert daemon.asked[0].json["dry_run"]
    if sent is None:
        assert (ran.code, len(daemon.asked), "Nothing was changed" in ran.err) == (1, 1, True)
    else:
        assert tuple(daemon.last.json.values()) == sent


def test_several_records_are_resent_at_once_and_skipped_ones_fail(daemon, desk):
    done = Resent(resent=1, skipped={"rec_2": "it is being sent"})
    daemon.on("POST", "/v1/records/resend", done, Resent(resent=3, delivered=2), done)
    ran = desk("records resend rec_1 rec_2 rec_1 --new-webhook-id")
    assert ran.code == 1
    assert daemon.last.json["ids"] == ["rec_1", "rec_2"]
    assert (daemon.last.json["new_webhook_id"], daemon.last.json["delivered_too"]) == (True, False)
    assert ran.err == "skipped rec_2: it is being sent\n"
    ran = desk("records resend rec_1 rec_2 rec_3", stdin="y\n\n", terminal=True)
    assert "2 records of them were delivered already. Send them again?" in ran.err
    assert (daemon.last.json["delivered_too"], daemon.last.json["new_webhook_id"]) == (True, False)
