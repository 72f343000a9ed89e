"""Of every column of the database: whether a set-up has it, or why not. A new column has to be put somewhere here."""

from __future__ import annotations

IN_THE_FILE = {
    "connections": (
        "app",
        "name",
        "base_url",
        "auth",
        "heartbeat",
        "verification",
        "callback_limit_per_minute",
        "settings",
    ),
    "connection_members": ("connection_id", "user_name", "held_grant"),
    "pings": ("object_kind", "object_id", "schedule", "grace_s"),
    "integrations": ("kind", "name", "app", "connection_id", "settings", "state"),
    "environments": (
        "integration_id",
        "environment",
        "connection_id",
        "path",
        "method",
        "headers",
        "concurrency",
        "rate_per_s",
        "timeout_s",
        "on_unknown",
        "accept_limit_per_minute",
        "state",
        "delivery",
    ),
    "sources": ("key", "name", "levels", "fields"),
    "source_integrations": ("source_id", "integration_id", "enabled"),
    "source_pulses": ("source_id", "integration_id", "environment", "set_gap_s"),
    "channels": ("name",),
    "rules": (
        "name",
        "integration_id",
        "connection_id",
        "environments",
        "channel_ids",
        "recoveries",
        "enabled",
    ),
    "labels": ("kind", "name", "description"),
    "label_members": ("label_id", "user_name"),
    "templates": ("name", "task", "schedule", "integration_id", "connection_id"),
    "instances": ("kind", "integration_id", "connection_id", "app", "name", "label_id", "every_s"),
    "proof_syncs": ("dataset", "fields", "named"),
    "saved_filters": ("name", "shared", "filter"),
}

WHEN = "when it was made, and by whom: an import makes it anew, and who imports it owns it"
SECRET = "a secret, or the end of one: given to the import apart, or made by it"
FOUND = "what the desk found out or did, and not what an operator set up"

LEFT_OUT = {
    WHEN: {
        "*": ("id", "created_at", "created_by", "owner", "deleted_at"),
    },
    SECRET: {
        "connections": (
            "credentials_enc",
            "credential_hint",
            "callback_secret_enc",
            "callback_secret_hint",
            "previous_enc",
            "previous_hint",
            "previous_auth",
            "previous_by",
            "previous_until",
            "previous_identity",
            "previous_expires_at",
            "previous_expires_from",
            "handshake_until",
        ),
        "pings": ("token_hash", "hint"),
        "channels": ("url_enc", "url", "kind"),
        **dict.fromkeys(
            (
                "api_keys",
                "signing_secrets",
                "receipt_secrets",
                "callback_secrets",
                "connection_tokens",
                "authorizations",
                "desk_secrets",
            ),
            "*",
        ),
    },
    "it is entered with a credential, and ends with it": {"connections": ("expires_at", "expires_from")},
    FOUND: {
        "connections": (
            "account",
            "state",
            "state_since",
            "suspect_checks",
            "settings_version",
            "failure",
            "connected_on",
            "last_healthy",
            "last_checked",
            "next_check",
            "identity",
            "identity_connected",
            "expiry_warned",
            "last_good_check",
            "first_bad_check",
            "flapping_since",
            "pinged",
            "used_at",
            "collected_at",
        ),
        "pings": ("started_at", "last_at", "last_kind", "due_at"),
        "environments": ("circuit", "circuit_at", "circuit_probe_at", "circuit_step", "circuit_reason"),
        "source_pulses": ("learnt", "since", "last_at", "silent_at", "told"),
        "channels": ("last_sent_at", "last_error", "last_error_at"),
        "templates": ("next_at", "last_at", "error"),
        "instances": (
            "state",
            "blocked",
            "error_kind",
            "blame",
            "error",
            "next_action",
            "status",
            "problem_id",
            "failures",
            "last_checked",
            "last_succeeded",
            "next_at",
            "next_trigger",
            "triggered_by",
            "lease_owner",
            "lease_until",
            "version",
        ),
        "proof_syncs": ("last_hash", "last_run_id", "rows"),
        **dict.fromkeys(
            (
                "activity",
                "alerts",
                "attempts",
                "attempt_exchanges",
                "callbacks",
                "callback_bodies",
                "connection_transitions",
                "daemons",
                "fixes",
                "heartbeats",
                "instance_runs",
                "job_records",
                "jobs",
                "ledger",
                "problems",
                "proof_contents",
                "record_bodies",
                "record_events",
                "record_lookups",
                "records",
                "settings",
            ),
            "*",
        ),
    },
    "tasks are the desk's work, and their issues are elsewhere: a backup has them": {
        "tasks": "*",
        "instances": ("template_id",),
    },
    "what one person sees on their own screen": {"preferences": "*"},
}
"""Why a column is not in the file, by table; `*` is every table, or every column."""


def left_out(table: str, column: str) -> list[str]:
    """Return the reasons for which a column is not in the file."""
    return [
        why
        for why, tables in LEFT_OUT.items()
        if any(
            columns == "*" or column in columns for columns in (tables.get(table, ()), tables.get("*", ()))
        )
    ]
