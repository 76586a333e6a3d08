"""Everything that a test or the demo needs around the product: a cluster, simulated GPUs, a real Triton, load."""
