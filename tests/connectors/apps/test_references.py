"""What people paste of an issue of six apps, and what it tells."""

from __future__ import annotations

import pytest

from healthdesk.connectors.reading import read_reference
from healthdesk.connectors.registry import Registry

CASES = [
    ("linear", "https://linear.app/acme/issue/ENG-12/rotate-the-keys", {"id": "ENG-12"}),
    ("linear", "https://linear.app/acme/issue/ENG-12", {"id": "ENG-12"}),
    ("linear", " ENG-12 ", {"id": "ENG-12"}),
    ("linear", "https://evil.example/acme/issue/ENG-12", None),
    ("linear", "https://linear.app/acme/team/ENG/all", None),
    ("monday", "https://acme.monday.com/boards/123/pulses/456", {"board": "123", "id": "456"}),
    ("monday", "https://acme.monday.com/boards/123/views/9/pulses/456?x=1", {"board": "123", "id": "456"}),
    ("monday", "456", {"id": "456"}),
    ("monday", "https://acme.monday.com/boards/123", None),
    ("zendesk", "https://acme.zendesk.com/agent/tickets/101", {"id": "101"}),
    ("zendesk", "#101", {"id": "101"}),
    ("zendesk", "https://acme.zendesk.com/agent/users/101", None),
    ("trello", "https://trello.com/c/nqPiDKmw/9-grand-canyon", {"id": "nqPiDKmw"}),
    ("trello", "nqPiDKmw", {"id": "nqPiDKmw"}),
    ("trello", "5abbe4b7ddc1b351ef961414", {"id": "5abbe4b7ddc1b351ef961414"}),
    ("trello", "https://trello.com/b/nqPiDKmw/board", None),
    ("hubspot", "https://app-eu1.hubspot.com/contacts/1234/record/0-5/987", {"id": "987"}),
    ("hubspot", "https://app.hubspot.com/contacts/1234/ticket/987/", {"id": "987"}),
    ("hubspot", "https://app.hubspot.com/contacts/1234/record/0-1/987", None),
    (
        "azure-devops",
        "https://dev.azure.com/fabrikam/Fabrikam-Fiber/_workitems/edit/299/",
        {"project": "Fabrikam-Fiber", "id": "299"},
    ),
    (
        "azure-devops",
        "https://fabrikam.visualstudio.com/Web/_workitems/edit/299",
        {"project": "Web", "id": "299"},
    ),
    ("azure-devops", "#299", {"id": "299"}),
    ("azure-devops", "https://dev.azure.com/fabrikam/Web/_boards/board/t/Team", None),
]


@pytest.mark.parametrize(("app", "pasted", "tells"), CASES)
def test_a_pasted_reference_tells_which_issue_it_is(app, pasted, tells) -> None:
    tasks = Registry.builtin().get(app).manifest.tasks
    assert tasks is not None
    assert read_reference(tasks.lookup, pasted) == tells
