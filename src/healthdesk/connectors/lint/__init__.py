"""What a manifest says that can be read and yet cannot work: each with file, line, reason and fix."""

from healthdesk.connectors.lint.run import lint

__all__ = ["lint"]
