"""A load generator: requests at a fixed rate for each model, counted by their outcome."""
