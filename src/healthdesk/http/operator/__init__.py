"""The operators' application: the same nouns as REST resources, for whoever the kernel names on the socket."""

from healthdesk.http.operator.app import build_operator_app

__all__ = ["build_operator_app"]
