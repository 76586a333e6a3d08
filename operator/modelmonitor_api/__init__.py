"""The contract of the ModelMonitor operator: what users write, what the operator and the sidecars tell each other.

Pure data and pure functions. Nothing here reads a clock, a file, the environment or the network.
"""
