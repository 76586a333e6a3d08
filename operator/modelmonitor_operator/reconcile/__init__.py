"""Pure decisions: what is wanted and what is there go in, changes come out. No client, clock or logger."""
