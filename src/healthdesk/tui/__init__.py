"""The terminal UI: six areas over the typed client. Nothing here reaches the store or the engine."""
