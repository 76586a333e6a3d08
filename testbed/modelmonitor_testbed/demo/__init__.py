"""The living demo: a cluster, the product, a Triton under load, and a table of what the monitors say."""
