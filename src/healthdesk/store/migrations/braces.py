"""Paths and headers of environments from before they were templates: their braces are doubled, so that they stay themselves."""

from __future__ import annotations

import json
import re

import sqlalchemy as sa
from alembic import op

_PART = re.compile(r"\{\{|\}\}|\{(?:id|webhook_id|source|level|completed_at|data\.[^{}]+)\}|(?P<lone>[{}])")
_TABLE = sa.table(
    "environments",
    sa.column("integration_id", sa.Text),
    sa.column("environment", sa.Text),
    sa.column("path", sa.Text),
    sa.column("headers", sa.Text),
)


def keep_literal(*, every: bool) -> None:
    """Double the braces of `every` path and header, else of those only that cannot be read as a template."""

    def literal(text: str) -> str:
        if not every and all(match["lone"] is None for match in _PART.finditer(text)):
            return text
        return text.replace("{", "{{").replace("}", "}}")

    conn = op.get_bind()
    for row in conn.execute(sa.select(_TABLE)).all():
        before = json.loads(row.headers)
        path, headers = literal(row.path), {name: literal(value) for name, value in before.items()}
        if (path, headers) != (row.path, before):
            conn.execute(
                sa.update(_TABLE)
                .where(_TABLE.c.integration_id == row.integration_id, _TABLE.c.environment == row.environment)
                .values(path=path, headers=json.dumps(headers, ensure_ascii=False))
            )
