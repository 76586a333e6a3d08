"""Simulated GPUs: a `libnvidia-ml.so.1` that reads a state file, a command that writes it, a device plugin."""
