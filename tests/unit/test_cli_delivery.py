"""How an environment delivers, by flags and by a file: what is sent of it, and what is refused before anything is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running

BATCH = {"size": 3, "wait_s": 2.0, "results": "results"}


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def delivers(daemon: FakeDaemon, **delivery: Any) -> None:
    """Let the integration deliver so."""
    shown = wire.integration()
    [view] = shown.environments
    view = type(view).model_validate(view.model_dump() | {"delivery": delivery})
    shown = shown.model_copy(update={"environments": [view]})
    daemon.on("GET", "/v1/integrations/int_1", shown)
    daemon.on("PATCH", "/v1/integrations/int_1", wire.changed_integration())


def sent(daemon: FakeDaemon) -> dict[str, Any]:
    """Return how it is to deliver, without what is as by default."""
    from healthdesk.api.delivery import DeliveryMethod

    given = daemon.last.json["production"]["delivery"]
    return DeliveryMethod.model_validate(given).model_dump(mode="json", exclude_defaults=True)


def test_flags_change_what_they_name_and_leave_the_rest(daemon, desk):
    delivers(daemon, order={"key": "who.id"}, batch=BATCH, mapping=[{"do": "remove", "path": "notes"}])
    ran = desk(
        "integrations edit int_1 --body xml --batch 5 "
        "--step 'set tier = \"gold\"' --step 'rename a -> b.c' --step 'format at as date:%d.%m.%Y'"
    )
    assert ran.code == 0, ran.err
    assert sent(daemon) == {
        "body": "xml",
        "order": {"key": "who.id"},
        "batch": {**BATCH, "size": 5},
        "mapping": [
            {"do": "set", "path": "tier", "value": "gold"},
            {"do": "rename", "path": "a", "to": "b.c"},
            {"do": "format", "path": "at", "how": "date:%d.%m.%Y"},
        ],
    }


def test_an_empty_step_takes_the_mapping_away_and_batches_of_0_the_batches(daemon, desk):
    delivers(daemon, order={"key": "who.id"}, batch=BATCH, mapping=[{"do": "remove", "path": "notes"}])
    assert desk("integrations edit int_1 --step '' --batch 0").code == 0
    assert sent(daemon) == {"order": {"key": "who.id"}}


def test_what_a_part_needs_takes_it_away_and_another_setting_goes_back_to_its_default(daemon, desk):
    delivers(daemon, order={"key": "who.id"}, batch=BATCH, receipt={"deadline_s": 60})
    taken = "--delivery-set order.key= --delivery-set batch.wait_s= --delivery-set receipt.deadline_s="
    ran = desk(f"integrations edit int_1 {taken}")
    assert ran.code == 0, ran.err
    assert sent(daemon) == {"batch": {"size": 3, "results": "results"}, "receipt": {}}
    assert desk("integrations edit int_1 --delivery-set lookup.path=").code == 0, "there was none"


def test_a_file_replaces_what_was_set_and_flags_change_the_file(daemon, desk, tmp_path):
    delivers(daemon, order={"key": "who.id"})
    file = tmp_path / "crm.toml"
    file.write_text('body = "json"\n[batch]\nsize = 100\n')
    assert desk(f"integrations edit int_1 --delivery {file} --batch-wait 0.5").code == 0
    assert sent(daemon) == {"body": "json", "batch": {"size": 100, "wait_s": 0.5}}
    file.write_text('[delivery]\nbody = "form"\n')
    assert desk(f"integrations edit int_1 --delivery {file}").code == 0
    assert sent(daemon) == {"body": "form"}


def test_a_setting_is_named_by_its_place_and_taken_away_when_empty(daemon, desk):
    delivers(daemon, batch=BATCH, order={"key": "who.id"})
    flags = """--delivery-set 'receipt.id="webhook-id"' --delivery-set 'receipt.delivered=["done"]'"""
    flags += " --delivery-set batch.result_error=message --delivery-set order="
    assert desk(f"integrations edit int_1 {flags}").code == 0
    assert sent(daemon) == {
        "batch": {**BATCH, "result_error": "message"},
        "receipt": {"id": '"webhook-id"', "delivered": ["done"]},
    }


def test_operations_and_their_inputs(daemon, desk):
    delivers(daemon, operation="upsert", inputs={"object": "Contact", "external_id_field": "Id__c"})
    assert desk("integrations edit int_1 --input object=Lead").code == 0
    assert sent(daemon) == {
        "operation": "upsert",
        "inputs": {"object": "Lead", "external_id_field": "Id__c"},
    }
    assert desk("integrations edit int_1 --input external_id_field=").code == 0
    assert sent(daemon) == {"operation": "upsert", "inputs": {"object": "Contact"}}
    assert desk("integrations edit int_1 --operation ''").code == 0
    assert sent(daemon) == {}


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("--step 'put a = 1'", "--step: line 1: a step begins with set"),
        ("--step 'rename a'", "--step: line 1: is written like `rename score -> result.score`"),
        ("--batch 1001", "from 0 to 1000"),
        ("--batch-wait 2", "--batch-wait belongs to --batch"),
        ("--input object", "--input 'object' is not NAME=VALUE"),
        (
            "--delivery-set body.size=1 --body json",
            "--delivery-set body.size: body has no settings of its own",
        ),
        ("--body csv", "csv"),
        ("--delivery missing.toml", "--delivery missing.toml: "),
    ],
)
def test_what_cannot_be_is_a_wrong_command_and_nothing_is_sent(daemon, desk, flags, told):
    delivers(daemon)
    ran = desk(f"integrations edit int_1 {flags}")
    assert ran.code == 2
    assert told in ran.err
    assert not any(each.method == "PATCH" for each in daemon.asked)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("body = json", "is no TOML"),
        ('[batch]\nsize = "many"\n', "size"),
        ('colour = "red"\n', "colour"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_the_place(
    daemon, desk, tmp_path: Path, content: str, told: str
):
    delivers(daemon)
    (tmp_path / "crm.toml").write_text(content)
    ran = desk(f"integrations edit int_1 --delivery {tmp_path / 'crm.toml'}")
    assert ran.code != 0
    assert told in ran.err
    assert "Traceback" not in ran.err
    assert not any(each.method == "PATCH" for each in daemon.asked)


def test_show_says_how_it_delivers(daemon, desk):
    delivers(
        daemon,
        body="xml",
        xml_root="submission",
        batch=BATCH,
        order={"key": "who.id"},
        mapping=[{"do": "rename", "path": "a", "to": "b"}, {"do": "remove", "path": "c\x1b[31m"}],
    )
    ran = desk("integrations show int_1")
    for words in (
        "XML, in <submission>",
        "rename a -> b",
        "up to 3 in one request, waiting 2 s; results from results",
        "by who.id; when one failed the later ones wait",
    ):
        assert words in ran.out
    assert "\x1b" not in ran.out
    delivers(daemon, body="as_posted", mapping=[{"do": "remove", "path": "notes"}])
    shown = desk("integrations show int_1").out
    assert "JSON, as the mapping leaves it" in shown
    assert "byte for byte" not in shown
