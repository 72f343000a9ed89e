"""The host around the daemon: setting a desk up, checking it, its lock and its operator socket."""
