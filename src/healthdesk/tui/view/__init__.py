"""Pure functions from wire models to lines and cells; unit tests reach them without an app."""
