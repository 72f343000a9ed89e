"""The two listeners: what outsiders may do (TCP) and what operators do (Unix socket)."""
