"""Pure decisions: states, transitions, retry, health, grouping. No I/O, no clock, no randomness."""
