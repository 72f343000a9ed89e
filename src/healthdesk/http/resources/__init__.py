"""The routes of the operator API, a module a group of nouns."""
