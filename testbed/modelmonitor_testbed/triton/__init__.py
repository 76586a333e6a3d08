"""A real Triton server with small models whose behaviour can be changed while it runs."""
