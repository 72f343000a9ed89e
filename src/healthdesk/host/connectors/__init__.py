"""What authors of connectors do without a daemon: check a folder, begin one, test it, record its fixtures."""
