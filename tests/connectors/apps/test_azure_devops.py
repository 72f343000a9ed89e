"""Azure DevOps: descriptions are HTML, searches are queries."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from healthdesk.connectors.builtin.azure_devops.connector import Connector, _as_html, plain_text, wiql
from healthdesk.connectors.connector import TaskInputs
from healthdesk.connectors.registry import Registry


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<div>one</div><div>two &amp; <b>three</b></div>", "one\ntwo & three"),
        ("<p>one</p>\n<ul><li>two</li><li>three</li></ul>", "one\ntwo\nthree"),
        ("a &lt;tag&gt; &#233;", "a <tag> é"),
        ("<div><div><div>deep", "deep"),
    ],
)
def test_a_description_is_read_as_text(markup: str, text: str) -> None:
    lines = [line.strip() for line in plain_text(markup).splitlines() if line.strip()]
    assert lines == text.splitlines()


@pytest.mark.parametrize("text", ["Before April.\n\nAll of <them> & more.", "", " a  b "])
def test_a_description_comes_back_as_it_was_sent(text: str) -> None:
    sent = _as_html(TaskInputs(description=text)).description
    assert sent is not None
    assert plain_text(sent) == text


def test_a_description_that_is_not_given_stays_so() -> None:
    assert _as_html(TaskInputs(title="a")).description is None


def test_a_search_cannot_leave_its_quotes() -> None:
    query = wiql("it's' OR [System.Id] > 0 --")
    assert "CONTAINS 'it''s'' OR [System.Id] > 0 --'" in query
    assert query.startswith("SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND ")


def test_a_number_finds_the_work_item_too() -> None:
    assert "([System.Id] = 299 OR [System.Title] CONTAINS '299')" in wiql(" 299 ")
    assert "[System.Id] =" not in wiql("29999999999")


def test_a_pasted_address_names_the_project_as_people_do() -> None:
    app = Registry.builtin().get("azure-devops")
    connector = Connector(SimpleNamespace(app=app))
    found = connector.find_reference("https://dev.azure.com/fabrikam/Fabrikam%20Fiber/_workitems/edit/299")
    assert found == {"project": "Fabrikam Fiber", "id": "299"}
    assert connector.find_reference("https://example.com/") is None
