"""Answers of the operator API for tests: each a whole model with what a test wants different."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from healthdesk.api import (
    alerts,
    authorizations,
    callbacks,
    connections,
    desk,
    filters,
    health,
    integrations,
    keys,
    labels,
    people,
    pings,
    problems,
    records,
    resends,
    sources,
)
from healthdesk.api import (
    apps as apps_api,
)
from healthdesk.api import (
    ledger as ledger_api,
)
from healthdesk.api.common import Page

NOW = datetime(2024, 11, 22, 13, 2, 11, tzinfo=UTC)


def page(*items: Any, next: str | None = None) -> Page[Any]:
    return Page[Any](items=list(items), next=next)


def status(**more: Any) -> desk.Status:
    fields: dict[str, Any] = {
        "version": "0.1.0",
        "api_version": 1,
        "daemon_id": "dmn_1",
        "started_at": NOW,
        "now": NOW,
        "database": "sqlite",
        "writable": True,
        "public_url": "http://127.0.0.1:8085",
        "you": {"user": "alice", "role": "administrator"},
        "sentence": "All 3 connections healthy",
        "counts": {"records_failed": 0, "connections": 3},
        "administrators": ["alice", "bob"],
    }
    return desk.Status(**(fields | more))


def connection(**more: Any) -> connections.Connection:
    fields: dict[str, Any] = {
        "id": "con_1",
        "app": "http-endpoint",
        "app_name": "HTTP endpoint",
        "name": "CRM",
        "base_url": "https://crm.example/v2",
        "auth": "bearer",
        "credential_hint": "••••9f3a",
        "owner": "alice",
        "state": "connected",
        "state_word": "Connected",
        "state_since": NOW,
        "heartbeat": {"method": "GET", "path": "/ping", "expected_status": 204},
        "created_at": NOW,
        "created_by": "alice",
    }
    return connections.Connection(**(fields | more))


def uses(**more: Any) -> people.ConnectionUses:
    """A connection that two tasks and a proof sync work with."""
    fields: dict[str, Any] = {
        "connection_id": "con_1",
        "name": "CRM",
        "app_name": "HTTP endpoint",
        "tasks": 2,
        "proof_syncs": 1,
        "samples": ["Rotate keys", "Review vendors"],
        "sentences": [
            "Its credentials are erased and cannot be brought back, and its callbacks are refused.",
            "The connection configuration is lost for all of the 2 tasks that alice configured with it.",
        ],
    }
    return people.ConnectionUses(**(fields | more))


def updated(**more: Any) -> connections.CredentialsUpdated:
    """A connection whose credentials were replaced, or put back."""
    shown = connection(previous_hint="••••0ld9", previous_until=NOW).model_dump()
    return connections.CredentialsUpdated(**(shown | more))


def apps() -> list[apps_api.App]:
    """An endpoint of one's own, and an app with settings and three methods."""
    site = {
        "key": "site",
        "label": "Site",
        "example": "acme",
        "pattern": "[a-z0-9-]+",
        "help": "The first word of the address.",
    }
    region = {"key": "region", "label": "Region", "options": ["eu", "us"], "default": "eu"}
    token = {"key": "token", "label": "Token", "secret": True, "example": "trk_…", "pattern": "trk_[a-z0-9]+"}
    login = {"key": "client_secret", "label": "Client secret", "secret": True}
    key = {"key": "private_key", "label": "Private key", "secret": True, "multiline": True}
    where = "https://{site}.tracker.example/settings/tokens"
    return [
        apps_api.App(
            id="http-endpoint",
            name="HTTP endpoint",
            kinds=["delivery"],
            auth=[
                {"id": "none", "name": "None", "type": "none"},
                {
                    "id": "bearer",
                    "name": "Bearer token",
                    "type": "static",
                    "fields": [token | {"pattern": ""}],
                },
            ],
        ),
        apps_api.App(
            id="tracker",
            name="Tracker",
            summary="Issues of a team",
            kinds=["tasks", "proof"],
            base_url="https://{site}.tracker.example/api",
            fields=[site, region],
            auth=[
                {
                    "id": "token",
                    "name": "Personal access token",
                    "type": "static",
                    "where": where,
                    "fields": [token],
                },
                {"id": "login", "name": "Sign in with a browser", "type": "oauth2_code", "fields": [login]},
                {
                    "id": "key",
                    "name": "Private key",
                    "base_url": "https://key.tracker.example",
                    "type": "jwt_grant",
                    "fields": [key],
                },
            ],
        ),
    ]


def ping(**more: Any) -> pings.Ping:
    fields: dict[str, Any] = {
        "id": "png_1",
        "object_kind": "connection",
        "object_id": "con_1",
        "object_name": "Nightly export",
        "schedule": {"every_s": 3600},
        "grace_s": 300,
        "hint": "••••abcd",
        "due_at": NOW,
        "created_at": NOW,
        "created_by": "bob",
    }
    return pings.Ping(**fields | more)


def label(**more: Any) -> labels.Label:
    fields: dict[str, Any] = {
        "id": "lbl_1",
        "kind": "control",
        "name": "Access reviews",
        "description": "Who may change what runs",
        "members": ["alice", "bob"],
        "proof_syncs": 2,
        "created_at": NOW,
        "created_by": "alice",
    }
    return labels.Label(**fields | more)


def heartbeat(**more: Any) -> connections.Heartbeat:
    fields: dict[str, Any] = {
        "id": "hbt_1",
        "connection_id": "con_1",
        "at": NOW,
        "trigger": "operator",
        "ok": False,
        "status": 401,
        "duration_ms": 38,
        "kind": "authentication",
        "sentence": "the token was refused",
        "state_after": "failing",
    }
    return connections.Heartbeat(**(fields | more))


def check_evidence(**more: Any) -> health.CheckEvidence:
    fields: dict[str, Any] = {
        "method": "GET",
        "url": "https://crm.example/v2/me",
        "response_headers": {"content-type": "application/json"},
        "response_body": '{"error": "expired"}',
    }
    return health.CheckEvidence(**(heartbeat().model_dump() | fields | more))


def evidence(**more: Any) -> health.Evidence:
    """A token that was refused, with the check before."""
    good = check_evidence(
        id="hbt_0",
        ok=True,
        status=200,
        kind="",
        sentence="",
        state_after="connected",
        identity={"account_id": "7", "account": "ops", "site": "acme"},
    )
    fields: dict[str, Any] = {
        "connection_id": "con_1",
        "name": "CRM",
        "state": "failing",
        "sentence": "CRM: The token was refused.",
        "comparison": "same account, same site",
        "blame": "credential",
        "next_action": "Update the credentials",
        "key": "u",
        "last_good": good,
        "first_bad": check_evidence(),
        "differences": [{"what": "status", "before": "200", "after": "401"}],
    }
    return health.Evidence(**(fields | more))


def transition(**more: Any) -> health.Transition:
    fields: dict[str, Any] = {
        "id": "trn_1",
        "connection_id": "con_1",
        "at": NOW,
        "from_state": "connected",
        "to_state": "suspect",
    }
    return health.Transition(**(fields | more))


def expiry(**more: Any) -> health.Expiry:
    fields: dict[str, Any] = {
        "connection_id": "con_1",
        "name": "Okta",
        "app": "okta",
        "app_name": "Okta",
        "account": "acme.okta.com",
        "owner": "alice",
        "expires_at": NOW,
        "expires_from": "learnt",
        "days": 6,
        "word": "6 days",
        "warned_days": 7,
    }
    return health.Expiry(**(fields | more))


def integration(**more: Any) -> integrations.Integration:
    view = {
        "environment": "production",
        "connection_id": "con_1",
        "connection_name": "CRM",
        "endpoint": "https://crm.example/v2/hra",
        "path": "/hra",
        "concurrency": 16,
        "timeout_s": 30,
        "on_unknown": "resend",
        "state": "active",
        "key_hint": "••••4d21",
        "signing_secret_hint": "••••77aa",
        "totals": {"delivered": 1204, "failed": 131},
    }
    fields: dict[str, Any] = {
        "id": "int_1",
        "kind": "delivery",
        "name": "CRM endpoint",
        "environments": [view],
        "sources": ["heart-health"],
        "records_url": "http://127.0.0.1:8085/v1/records/int_1",
        "created_at": NOW,
        "created_by": "alice",
    }
    return integrations.Integration(**(fields | more))


def changed_integration(**more: Any) -> integrations.ChangedIntegration:
    return integrations.ChangedIntegration(**(integration().model_dump() | more))


def task_integration(**more: Any) -> integrations.Integration:
    """Tasks in Jira, of which some failed."""
    fields: dict[str, Any] = {
        "id": "int_2",
        "kind": "tasks",
        "name": "Jira tasks",
        "app": "jira-cloud",
        "app_name": "Jira Cloud",
        "connection_id": "con_1",
        "connection_name": "Jira of alice",
        "admin": "alice",
        "tasks": {
            "container": {"project": "OPS", "issue_type": "Task"},
            "directions": {"due": "off"},
            "statuses": {"not_started": "10000", "in_progress": "3", "done": "10001"},
            "their_statuses": {"10002": "in_progress"},
            "people": {"bob": "Bob B"},
            "values": {"labels": "desk"},
        },
        "totals": {"total": 12, "succeeded": 9, "failed": 2, "pending": 1},
        "created_at": NOW,
        "created_by": "alice",
    }
    return integrations.Integration(**(fields | more))


def choices(**more: Any) -> integrations.Choices:
    """What Jira offers in a project."""
    suggested = {
        "container": {"project": "OPS", "issue_type": "Task"},
        "statuses": {"not_started": "10000", "in_progress": "3", "done": "10001"},
    }
    fields: dict[str, Any] = {
        "noun": "issue",
        "container": [{"key": "project", "label": "Project", "example": "OPS"}],
        "statuses": [
            {"id": "10000", "name": "To Do"},
            {"id": "3", "name": "In Progress"},
            {"id": "10001", "name": "Done", "done": True},
        ],
        "fields": [{"key": "customfield_10010", "label": "Risk level", "options": ["High", "Low"]}],
        "suggested": suggested,
    }
    return integrations.Choices(**(fields | more))


def signing_secret(**more: Any) -> keys.SigningSecret:
    fields: dict[str, Any] = {
        "id": "sec_1",
        "environment": "production",
        "hint": "••••77aa",
        "created_at": NOW,
        "created_by": "alice",
    }
    return keys.SigningSecret(**(fields | more))


def new_secret(**more: Any) -> keys.NewSecret:
    fields = {
        "id": "key_2",
        "environment": "production",
        "secret": "hdk_abcdef0123456789",
        "hint": "••••6789",
    }
    return keys.NewSecret(**(fields | more))


def key(**more: Any) -> keys.Key:
    fields: dict[str, Any] = {
        "id": "key_1",
        "environment": "production",
        "hint": "••••4d21",
        "created_at": NOW,
        "created_by": "alice",
    }
    return keys.Key(**(fields | more))


def source(**more: Any) -> sources.Source:
    fields: dict[str, Any] = {
        "id": "src_1",
        "key": "heart-health",
        "name": "Heart health",
        "levels": ["low", "high"],
        "fields": [{"name": "score", "type": "integer", "required": True}],
        "integrations": ["int_1"],
        "created_at": NOW,
        "created_by": "alice",
    }
    return sources.Source(**(fields | more))


def record_fields(**more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": "rec_01JD0000000000000000000001",
        "webhook_id": "rec_01JD0000000000000000000001",
        "integration_id": "int_1",
        "integration_name": "CRM endpoint",
        "environment": "production",
        "source": "heart-health",
        "source_name": "Heart health",
        "level": "high",
        "completed_at": NOW,
        "arrived_at": NOW,
        "state": "failed",
        "tries": 1,
        "first_attempt_at": NOW,
        "last_attempt_at": NOW,
        "last_status": 422,
        "error_kind": "missing_field",
        "error": "risk_level is required",
    }
    return fields | more


def record(**more: Any) -> records.Record:
    return records.Record(**record_fields(**more))


def record_detail(**more: Any) -> records.RecordDetail:
    body = {"content_type": "application/json", "size": 40, "text": '{"participant": "••••"}', "masked": True}
    fields = {
        "explanation": {
            "sentence": "the endpoint refused the record, 422",
            "blame": "them",
            "next_action": "fix it",
        },
        "similar": 127,
        "similar_since": NOW,
        "attempts": [attempt()],
        "request_body": body,
    }
    return records.RecordDetail(**record_fields(**(fields | more)))


def attempt_fields(**more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": "att_1",
        "record_id": "rec_01JD0000000000000000000001",
        "number": 1,
        "trigger": "first",
        "outcome": "refused",
        "started_at": NOW,
        "finished_at": NOW,
        "duration_ms": 38,
        "status": 422,
        "error": "risk_level is required",
        "webhook_id": "rec_01JD0000000000000000000001",
        "method": "POST",
        "url": "https://crm.example/v2/hra",
        "request_headers": {"webhook-id": "rec_01JD0000000000000000000001"},
    }
    return fields | more


def attempt(**more: Any) -> records.Attempt:
    return records.Attempt(**attempt_fields(**more))


def attempt_detail(**more: Any) -> records.AttemptDetail:
    return records.AttemptDetail(**attempt_fields(**more))


def plan(**more: Any) -> resends.ResendPlan:
    fields: dict[str, Any] = {
        "total": 131,
        "skipped_delivered": 2,
        "oldest": NOW,
        "newest": NOW,
        "groups": [
            {
                "status": 422,
                "error": "risk_level is required",
                "count": 127,
                "problem_id": "prb_1",
                "problem_state": "open",
            },
            {"status": 500, "error": "Internal Server Error", "count": 4},
        ],
    }
    return resends.ResendPlan(**(fields | more))


async def log_file(_: web.Request) -> web.Response:
    """Answer with a file of the log, as the daemon does."""
    headers = {"healthdesk-total": "10000+", "Content-Type": "application/jsonl"}
    return web.Response(body=b"{}\n{}\n", headers=headers)


def saved_filter(**more: Any) -> filters.SavedFilter:
    fields: dict[str, Any] = {
        "id": "flt_1",
        "name": "422s",
        "owner": "alice",
        "shared": True,
        "filter": {"statuses": [422]},
        "created_at": NOW,
    }
    return filters.SavedFilter(**fields | more)


def ledger(**more: Any) -> ledger_api.Ledger:
    row = {
        "integration_id": "int_1",
        "integration_name": "CRM endpoint",
        "environment": "production",
        "accepted": 10,
        "states": {"delivered": 8, "failed": 2},
        "balanced": True,
    }
    return ledger_api.Ledger(**({"rows": [row], "balanced": True} | more))


def callback(**more: Any) -> callbacks.CallbackDetail:
    fields: dict[str, Any] = {
        "id": "cbk_1",
        "connection_id": "con_1",
        "connection_name": "CRM",
        "delivery_id": "msg_1",
        "received_at": NOW,
        "state": "rejected",
        "reason": "the signature does not fit",
        "headers": {"webhook-id": "msg_1"},
        "body": {"size": 2, "text": "{}", "masked": True},
    }
    return callbacks.CallbackDetail(**(fields | more))


def callback_row(**more: Any) -> callbacks.Callback:
    return callbacks.Callback(**callback(**more).model_dump())


def channel(**more: Any) -> alerts.Channel:
    fields: dict[str, Any] = {
        "id": "chn_1",
        "name": "Ops mail",
        "url": "mailtos://ops:****@example.org",
        "kind": "Email",
        "created_at": NOW,
        "created_by": "alice",
    }
    return alerts.Channel(**(fields | more))


def rule(**more: Any) -> alerts.Rule:
    fields: dict[str, Any] = {
        "id": "rul_1",
        "name": "CRM to ops",
        "integration_id": "int_1",
        "channel_ids": ["chn_1"],
        "created_at": NOW,
        "created_by": "alice",
    }
    return alerts.Rule(**(fields | more))


def alert(**more: Any) -> alerts.Alert:
    fields: dict[str, Any] = {
        "id": "alt_1",
        "problem_id": "prb_1",
        "channel_id": "chn_1",
        "channel_name": "Ops mail",
        "event": "opened",
        "state": "sent",
        "title": "CRM endpoint: 422 risk_level is required",
        "body": "127 records",
        "tries": 1,
        "created_at": NOW,
    }
    return alerts.Alert(**(fields | more))


def authorization(**more: Any) -> authorizations.Authorization:
    fields: dict[str, Any] = {
        "id": "aut_1",
        "app": "google-workspace",
        "app_name": "Google Workspace",
        "status": "pending",
        "url": "https://accounts.google.com/o/oauth2/v2/auth?state=x",
        "redirect_url": "https://desk.example.com/v1/oauth/callback",
        "created_at": NOW,
        "created_by": "alice",
        "expires_at": NOW,
    }
    return authorizations.Authorization.model_validate({**fields, **more})


def problem(**more: Any) -> problems.ProblemDetail:
    fields: dict[str, Any] = {
        "id": "prb_1",
        "state": "open",
        "cause": "422 risk_level is required",
        "kind": "missing_field",
        "blame": "them",
        "next_action": "fix the mapping",
        "where": "CRM endpoint",
        "count": 127,
        "total": 130,
        "since": NOW,
        "last_at": NOW,
        "first_bad": attempt(),
        "alerts": [alert()],
    }
    return problems.ProblemDetail(**(fields | more))


def problem_row(**more: Any) -> problems.ProblemRow:
    return problems.ProblemRow(**problem(**more).model_dump())


def activity(**more: Any) -> desk.Activity:
    fields: dict[str, Any] = {
        "id": "act_1",
        "at": NOW,
        "user": "bob",
        "verb": "resend",
        "object_kind": "record",
        "object_id": "rec_1",
        "detail": {"count": 3},
    }
    return desk.Activity(**(fields | more))
