"""What the task apps' refusals mean: as their vendors document them, judged by the manifests' rules.

Sources: docs.github.com (troubleshooting-the-rest-api, rate-limits, saml), docs.gitlab.com (rest/troubleshooting,
rest/authentication), developer.atlassian.com (basic-auth-for-rest-apis, rate-limiting, oauth-2-3lo-apps),
developers.asana.com/docs/errors, ServiceNow's Table API reference, developer.clickup.com/docs/common_errors.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from healthdesk.connectors.documents import Document
from healthdesk.connectors.judging import judge_of
from healthdesk.connectors.reading import read_reference
from healthdesk.connectors.registry import Registry
from healthdesk.domain.exchange import Exchange
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.testing.clock import START

REGISTRY = Registry.builtin()
K, B = ErrorKind, Blame
HTML = {"content-type": "text/html; charset=utf-8"}


def _github(message: str, *errors: dict[str, str]) -> dict[str, Any]:
    return {"message": message, "documentation_url": "https://docs.github.com/rest", "errors": list(errors)}


def _jira(*messages: str, **errors: str) -> dict[str, Any]:
    return {"errorMessages": list(messages), "errors": errors}


def _asana(message: str) -> dict[str, Any]:
    return {"errors": [{"message": message}]}


def _servicenow(message: str, detail: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "detail": detail}, "status": "failure"}


CASES = [
    # GitHub
    ("github", "heartbeat", 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1772443860"},
     _github("API rate limit exceeded for user ID 1."), K.RATE_LIMITED, B.THEM, "hourly limit"),
    ("github", "tasks", 429, {}, _github("Too many requests"), K.RATE_LIMITED, B.THEM, "slow down"),
    ("github", "datasets", 403, {"x-github-sso": "required; url=https://github.com/orgs/x/sso?a=1"},
     _github("Resource protected by organization SAML enforcement."), K.PERMISSION, B.PERMISSION, "single sign-on"),
    ("github", "heartbeat", 403, {}, _github("Sorry. Your account was suspended."),
     K.AUTHENTICATION, B.CREDENTIAL, "suspended"),
    ("github", "heartbeat", 403, {}, _github("Maximum number of login attempts exceeded. Please try again later."),
     K.RATE_LIMITED, B.THEM, "locked the account out"),
    ("github", "datasets", 403, {}, _github("Must have push access to view repository collaborators."),
     K.PERMISSION, B.PERMISSION, "Must have push access"),
    ("github", "datasets", 404, {}, _github("Branch not protected"), K.NOT_FOUND, B.CONFIGURATION, "not protected"),
    ("github", "tasks", 404, {}, _github("Not Found"), K.NOT_FOUND, B.CONFIGURATION, "may not see it"),
    ("github", "heartbeat", 404, {}, _github("Not Found"), K.CONFIGURATION, B.CONFIGURATION, "no such address"),
    ("github", "tasks", 301, {}, _github("Moved Permanently"), K.REDIRECT, B.CONFIGURATION, "has moved"),
    ("github", "tasks", 410, {}, _github("Issues are disabled for this repo"),
     K.CONFIGURATION, B.CONFIGURATION, "issues are disabled"),
    ("github", "tasks", 410, {}, _github("This issue was deleted"), K.NOT_FOUND, B.CONFIGURATION, "was deleted"),
    ("github", "tasks", 422, {},
     _github("Validation Failed", {"resource": "Issue", "field": "title", "code": "missing_field"}),
     K.MISSING_FIELD, B.CONFIGURATION, "title"),
    ("github", "tasks", 422, {},
     _github("Validation Failed", {"resource": "Issue", "field": "assignees", "code": "invalid"}),
     K.REFUSED, B.CONFIGURATION, "assignees"),
    ("github", "token", 200, {}, {"error": "bad_refresh_token", "error_description": "The refresh token is bad."},
     K.AUTHENTICATION, B.CREDENTIAL, "did not renew"),
    ("github", "heartbeat", 502, HTML, "<html>Unicorn!</html>", K.SERVER_ERROR, B.THEM, "GitHub failed (502)"),
    # GitLab
    ("gitlab", "heartbeat", 401, {}, {"error": "invalid_token", "error_description": "Token is expired."},
     K.AUTHENTICATION, B.CREDENTIAL, "Token is expired."),
    ("gitlab", "heartbeat", 403, {}, {"message": "403 Forbidden - Your account has been blocked."},
     K.AUTHENTICATION, B.CREDENTIAL, "blocked"),
    ("gitlab", "tasks", 403, {}, {"message": "403 Forbidden"}, K.PERMISSION, B.PERMISSION, "403 Forbidden"),
    ("gitlab", "tasks", 404, {}, {"message": "404 Project Not Found"}, K.NOT_FOUND, B.CONFIGURATION, "Project"),
    ("gitlab", "tasks", 400, {}, {"message": {"title": ["can't be blank"]}},
     K.MISSING_FIELD, B.CONFIGURATION, "title"),
    ("gitlab", "tasks", 400, {}, {"error": "due_date is invalid"}, K.REFUSED, B.CONFIGURATION, "due_date"),
    ("gitlab", "heartbeat", 200, {}, {"id": 1, "username": "x", "state": "blocked"},
     K.AUTHENTICATION, B.CREDENTIAL, "not active"),
    ("gitlab", "heartbeat", 502, HTML, "<h1>GitLab is not responding</h1>", K.SERVER_ERROR, B.THEM, "502"),
    # Jira Cloud
    ("jira-cloud", "tasks", 404, {"x-seraph-loginreason": "AUTHENTICATED_FAILED"},
     _jira("Issue does not exist or you do not have permission to see it."),
     K.AUTHENTICATION, B.CREDENTIAL, "email and token"),
    ("jira-cloud", "heartbeat", 403, {"x-seraph-loginreason": "AUTHENTICATION_DENIED"}, "Forbidden",
     K.AUTHENTICATION, B.CREDENTIAL, "CAPTCHA"),
    ("jira-cloud", "heartbeat", 401, {}, {"code": 401, "message": "Unauthorized; scope does not match"},
     K.PERMISSION, B.PERMISSION, "lacks a scope"),
    ("jira-cloud", "heartbeat", 404, {}, {"errorCode": "OTHER", "errorMessage": "Site temporarily unavailable"},
     K.CONFIGURATION, B.CONFIGURATION, "no such site"),
    ("jira-cloud", "heartbeat", 404, HTML, "<html>Your Atlassian Cloud site is currently unavailable.</html>",
     K.CONFIGURATION, B.CONFIGURATION, "no such site"),
    ("jira-cloud", "heartbeat", 404, {}, {"code": 404, "message": "Not Found"},
     K.CONFIGURATION, B.CONFIGURATION, "cloud id"),
    ("jira-cloud", "tasks", 404, {}, _jira("Issue does not exist or you do not have permission to see it."),
     K.NOT_FOUND, B.CONFIGURATION, "Issue does not exist"),
    ("jira-cloud", "tasks", 400, {}, _jira(customfield_10010="Risk level is required."),
     K.MISSING_FIELD, B.CONFIGURATION, "Risk level is required."),
    ("jira-cloud", "tasks", 400, {},
     _jira(priority="Field 'priority' cannot be set. It is not on the appropriate screen, or unknown."),
     K.CONFIGURATION, B.CONFIGURATION, "screen"),
    ("jira-cloud", "tasks", 400, {}, _jira(issuetype="Specify a valid issue type"),
     K.REFUSED, B.CONFIGURATION, "valid issue type"),
    ("jira-cloud", "token", 403, {},
     {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."},
     K.AUTHENTICATION, B.CREDENTIAL, "Unknown or invalid refresh token."),
    ("jira-cloud", "heartbeat", 503, HTML, "<html>Jira is being upgraded</html>", K.SERVER_ERROR, B.THEM, "503"),
    # Asana
    ("asana", "heartbeat", 401, {}, _asana("The bearer token has expired."),
     K.AUTHENTICATION, B.CREDENTIAL, "expired"),
    ("asana", "tasks", 402, {}, _asana("Payment Required"), K.PERMISSION, B.PERMISSION, "paid plan"),
    ("asana", "tasks", 404, {}, _asana("task: Unknown object: 12"), K.NOT_FOUND, B.CONFIGURATION, "deleted"),
    ("asana", "tasks", 400, {}, _asana("projects: [0]: Not a recognized ID: 12"),
     K.CONFIGURATION, B.CONFIGURATION, "Not a recognized ID"),
    ("asana", "tasks", 400, {}, _asana("workspace: Missing input"), K.MISSING_FIELD, B.CONFIGURATION, "workspace"),
    ("asana", "tasks", 500, {}, {"errors": [{"message": "Server Error", "phrase": "6 sad squid snuggle softly"}]},
     K.SERVER_ERROR, B.THEM, "Asana failed (500)"),
    # ServiceNow
    ("servicenow", "heartbeat", 200, HTML, "<html>Your instance is hibernating</html>",
     K.UNEXPECTED_ANSWER, B.THEM, "asleep"),
    ("servicenow", "heartbeat", 404, HTML, "<html>Page not found</html>",
     K.CONFIGURATION, B.CONFIGURATION, "no such instance"),
    ("servicenow", "heartbeat", 200, {}, {"result": []}, K.PERMISSION, B.PERMISSION, "own user record"),
    ("servicenow", "datasets", 200, {},
     {"result": [{}], "error": {"message": "Transaction cancelled: maximum execution time exceeded", "detail": ""}},
     K.SERVER_ERROR, B.THEM, "maximum execution time"),
    ("servicenow", "tasks", 403, {},
     _servicenow("Operation Failed", "Data Policy Exception: The following fields are mandatory: Close notes"),
     K.MISSING_FIELD, B.CONFIGURATION, "Close notes"),
    ("servicenow", "tasks", 403, {},
     _servicenow("Operation Failed", "Operation against file 'incident' was aborted by Business Rule 'Freeze'"),
     K.REFUSED, B.CONFIGURATION, "Freeze"),
    ("servicenow", "tasks", 403, {},
     _servicenow("Operation Failed", "ACL Exception Insert Failed due to security constraints"),
     K.PERMISSION, B.PERMISSION, "security constraints"),
    ("servicenow", "tasks", 400, {}, _servicenow("Invalid table incidnt"),
     K.CONFIGURATION, B.CONFIGURATION, "incidnt"),
    ("servicenow", "tasks", 404, {},
     _servicenow("No Record found", "Record doesn't exist or ACL restricts the record retrieval"),
     K.NOT_FOUND, B.CONFIGURATION, "no such record"),
    ("servicenow", "token", 401, {}, {"error": "access_denied", "error_description": "access_denied"},
     K.AUTHENTICATION, B.CREDENTIAL, "access_denied"),
    # ClickUp
    ("clickup", "heartbeat", 401, {}, {"err": "Token invalid", "ECODE": "OAUTH_025"},
     K.AUTHENTICATION, B.CREDENTIAL, "Token invalid"),
    ("clickup", "heartbeat", 400, {}, {"err": "Authorization Header Required", "ECODE": "OAUTH_017"},
     K.AUTHENTICATION, B.CREDENTIAL, "Authorization Header Required"),
    ("clickup", "tasks", 401, {}, {"err": "Team not authorized", "ECODE": "OAUTH_041"},
     K.PERMISSION, B.PERMISSION, "workspace"),
    ("clickup", "tasks", 403, {}, {"err": "You do not have access to this list", "ECODE": "ACCESS_083"},
     K.PERMISSION, B.PERMISSION, "access to this list"),
    ("clickup", "tasks", 404, {}, {"err": "Task not found, deleted", "ECODE": "ITEM_013"},
     K.NOT_FOUND, B.CONFIGURATION, "deleted"),
    ("clickup", "tasks", 400, {}, {"err": "Status does not exist", "ECODE": "CRTSK_001"},
     K.CONFIGURATION, B.CONFIGURATION, "no such status"),
    ("clickup", "tasks", 400, {}, {"err": "Task name invalid", "ECODE": "INPUT_005"},
     K.MISSING_FIELD, B.CONFIGURATION, "name"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("app", "on", "status", "headers", "body", "kind", "blame", "says"),
    CASES,
    ids=[f"{case[0]}-{case[2]}-{case[7]}" for case in CASES],
)
def test_a_refusal_is_told_as_what_it_is(app, on, status, headers, body, kind, blame, says) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    exchange = Exchange(
        method="GET",
        url="https://api.example.com/",
        request_headers={},
        started_at=START,
        duration_ms=12.0,
        status=status,
        response_body=text.encode(),
    )

    failure = judge_of(REGISTRY.get(app).manifest).judge(
        exchange,
        {"content-type": "application/json", **headers},
        Document(None if isinstance(body, str) else body),
        on=on,
        expect=[],
        success=None,
        values={},
    )

    assert failure is not None
    assert (failure.kind, failure.blame) == (kind, blame), failure.sentence
    assert says in failure.sentence
    assert failure.next_action
    if "x-ratelimit-reset" in headers:
        assert failure.retry_after_s == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("app", "pasted", "named"),
    [
        ("github", "https://github.com/octo-org/hello-world/issues/12#issuecomment-3", ("octo-org", "hello-world", "12")),
        ("github", "octo-org/hello-world#12", ("octo-org", "hello-world", "12")),
        ("github", "#12", ("12",)),
        ("gitlab", "https://gitlab.example.com/a/b/c/-/issues/7?x=1", ("a/b/c", "7")),
        ("gitlab", "https://gitlab.com/a/b/-/work_items/7", ("a/b", "7")),
        ("gitlab", "a/b#7", ("a/b", "7")),
        ("asana", "https://app.asana.com/0/1200/1300/f", ("1300",)),
        ("asana", "https://app.asana.com/1/99/project/1200/task/1300?focus=true", ("1200", "1300")),
        ("jira-cloud", "https://acme.atlassian.net/jira/software/projects/OPS/boards/1?selectedIssue=OPS-9", ("OPS-9", "OPS")),
        ("jira-cloud", "OPS-9", ("OPS-9", "OPS")),
        ("servicenow", "https://acme.service-now.com/nav_to.do?uri=%2Fincident.do%3Fsys_id%3D" + "a1" * 16, ("incident", "a1" * 16)),
        ("servicenow", "https://acme.service-now.com/sc_task.do?sys_id=" + "a1" * 16, ("sc_task", "a1" * 16)),
        ("clickup", "https://app.clickup.com/t/86c1abcd9", ("86c1abcd9",)),
    ],
)  # fmt: skip
def test_what_people_paste_names_the_issue(app, pasted, named) -> None:
    manifest = REGISTRY.get(app).manifest

    found = read_reference(manifest.tasks.lookup, pasted)

    assert found is not None
    assert set(found.values()) == set(named)
    assert set(found) <= {"id", "key", *(each.key for each in manifest.tasks.container)}
