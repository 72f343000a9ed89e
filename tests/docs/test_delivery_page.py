"""The examples of docs/delivery.md are what they say: files are taken, commands are commands, a mapping makes what is shown."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from healthdesk.api.delivery import DeliveryMethod
from healthdesk.cli.command import NOUNS
from healthdesk.cli.parser import Parser
from healthdesk.client.mapping_text import steps_of
from healthdesk.connectors import paths
from healthdesk.domain import mapping
from healthdesk.domain.templating import Facts

PAGE = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text(encoding="utf-8")
FILES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
DOCUMENTS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
COMMANDS = [
    shlex.split(re.sub(r"\s+#.*$|\\\n", " ", text, flags=re.MULTILINE))[1:]
    for text in re.findall(r"^(?: {4}|\$ )(healthdesk (?:[^\n]*\\\n)*[^\n]*)", PAGE, re.MULTILINE)
]


def parsed(words: list[str]) -> Any:
    """Return the arguments of a command as the CLI reads them."""
    [noun] = [each for each in NOUNS if each.name == words[0]]
    [command] = [each for each in noun.commands() if each.verb == words[1]]
    parser = Parser()
    command.arguments(parser)
    return parser.parse_args(words[2:])


@pytest.mark.parametrize("text", FILES)
def test_a_file_is_taken_whole(text: str) -> None:
    assert DeliveryMethod.model_validate(tomllib.loads(text)).model_fields_set


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_is_read(words: list[str]) -> None:
    parsed(words)


def test_the_mapping_makes_what_is_shown() -> None:
    posted, made = DOCUMENTS[:2]
    [words] = [each for each in COMMANDS if "format score as integer" in each]
    steps = steps_of("\n".join(parsed(words).step))
    assert mapping.apply(steps, posted, Facts(level="moderate")) == made


def test_the_answer_to_a_batch_says_of_each_record_what_the_page_says() -> None:
    sent, answer = DOCUMENTS[2:]
    [batch] = [each["batch"] for each in map(tomllib.loads, FILES) if "batch" in each]
    results = paths.items(batch["results"], answer)
    assert results is not None
    assert [paths.text_at(batch["result_id"], each) for each in results] == [
        each["key"] for each in sent[batch["items"]]
    ]
    assert [paths.text_at(batch["result_status"], each) for each in results] == ["201", "422"]
    assert [paths.text_at(batch["result_error"], each) for each in results] == ["", "no such participant"]
