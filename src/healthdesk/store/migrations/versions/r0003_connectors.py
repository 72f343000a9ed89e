"""What connectors need: settings and identity of connections, tokens, authorizations, transitions, pings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _time(name: str, *, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    """Add columns with defaults and new tables: an older daemon goes on beside this one."""
    for column in (
        sa.Column("settings", sa.Text(), server_default="{}", nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("identity_connected", sa.Text(), nullable=True),
        _time("expires_at"),
        _text("expires_from"),
        sa.Column("expiry_warned", sa.Integer(), nullable=True),
        sa.Column("last_good_check", ID, nullable=True),
        sa.Column("first_bad_check", ID, nullable=True),
        _time("flapping_since"),
        _text("previous_enc"),
        _text("previous_hint"),
        _text("previous_auth"),
        _text("previous_by"),
        _time("previous_until"),
        sa.Column("previous_identity", sa.Text(), nullable=True),
        _time("previous_expires_at"),
        _text("previous_expires_from"),
        _time("handshake_until"),
        sa.Column("pinged", sa.Boolean(), server_default=sa.false(), nullable=False),
    ):
        op.add_column("connections", column)
    for name, indexed, where in (
        ("ix_connections_expiry", "expires_at", "deleted_at IS NULL AND expires_at IS NOT NULL"),
        ("ix_connections_previous", "previous_until", "previous_until IS NOT NULL"),
    ):
        op.create_index(
            name,
            "connections",
            [indexed],
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    for column in (_text("method"), _text("url"), sa.Column("identity", sa.Text(), nullable=True)):
        op.add_column("heartbeats", column)
    op.add_column("daemons", _text("key_ids"))
    for column in (_text("instances"), _text("records")):
        op.add_column("callbacks", column)
    op.create_table(
        "callback_secrets",
        sa.Column("id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("secret_enc", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        _time("created_at", nullable=False),
        _time("expires_at"),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_callback_secrets_connection", "callback_secrets", ["connection_id", "id"], unique=False
    )
    op.create_table(
        "connection_tokens",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("tokens_enc", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        _time("expires_at"),
        _time("refreshed_at", nullable=False),
        _text("lease_owner"),
        _time("lease_until"),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id"),
    )
    op.create_table(
        "authorizations",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("request_enc", sa.Text(), nullable=False),
        _text("result_enc"),
        sa.Column("status", sa.Text(), nullable=False),
        _text("error"),
        _text("url"),
        _text("user_code"),
        _time("created_at", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        _time("expires_at", nullable=False),
        _time("next_poll_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ux_authorizations_state", "authorizations", ["state_hash"], unique=True)
    op.create_table(
        "connection_transitions",
        sa.Column("id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        _time("at", nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        _text("kind"),
        _text("sentence"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_connection_transitions", "connection_transitions", ["connection_id", "id"], unique=False
    )
    op.create_table(
        "pings",
        sa.Column("id", ID, nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("grace_s", sa.Float(), nullable=False),
        _time("started_at"),
        _time("last_at"),
        _text("last_kind"),
        _time("due_at"),
        _time("created_at", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ux_pings_token", "pings", ["token_hash"], unique=True)
    op.create_index("ux_pings_object", "pings", ["object_kind", "object_id"], unique=True)
    op.create_index(
        "ix_pings_due",
        "pings",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
