"""What an action does, from the question to the answer: run in a worker, never touching a widget."""
