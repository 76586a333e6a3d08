"""The operator: watches ModelMonitors and their pods, plans the sidecars, writes the verdict into the status."""
