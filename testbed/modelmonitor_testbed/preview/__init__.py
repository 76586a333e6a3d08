"""The queries of a Grafana dashboard, run on a Prometheus and drawn: what can be seen where no Grafana can be had."""
