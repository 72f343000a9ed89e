"""What operators do: each action checks the role, validates, and changes everything in one transaction."""
