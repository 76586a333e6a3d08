"""Grafana's dashboards, written as tables of panels and turned into JSON with Grafana's own SDK at build time."""
