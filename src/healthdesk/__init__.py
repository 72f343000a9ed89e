"""healthdesk: a self-hosted desk for the health of integrations."""

__version__ = "0.1.0"
