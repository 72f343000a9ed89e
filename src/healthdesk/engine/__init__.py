"""The background loops of the daemon: deliver, heartbeats, notify, problems, janitor, under one supervisor."""
