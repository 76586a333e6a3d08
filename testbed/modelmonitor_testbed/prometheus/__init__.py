"""The real prometheus-operator and Prometheus on a cluster, and a client for what Prometheus says."""
