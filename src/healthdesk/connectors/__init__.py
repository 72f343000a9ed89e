"""Apps and the way out to them: the guarded HTTP session, connector folders, credentials, heartbeats, callbacks."""
