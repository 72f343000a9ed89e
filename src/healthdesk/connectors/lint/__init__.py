"""What a manifest says that can be read and yet cannot work: each with file, line, reason and fix."""

from healthdesk.connectors.lint.run import findings_of, lint

__all__ = ["findings_of", "lint"]
