"""The operator: watches ModelMonitors and their pods, tells sidecars what to read, writes the verdict into the status."""
