"""Typed client of the operator API, shared by the TUI and the CLI."""
