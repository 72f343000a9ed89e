"""Alembic migrations of both databases; they ship in the package."""
