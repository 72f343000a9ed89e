"""A living desk to look at: a demo world on loopback, a desk of its own, and the story that plays between them."""
