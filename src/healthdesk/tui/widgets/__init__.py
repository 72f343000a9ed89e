"""Widgets: they take data and emit messages, and never call the client."""
