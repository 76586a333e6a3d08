"""The chart takes the values of the examples."""

from pathlib import Path

import yaml

from tests.chart.rendering import Chart

EXAMPLES = Path(__file__).parents[2] / "examples" / "prometheus"


def test_the_values_for_kube_prometheus_stack_label_what_every_monitor_owns(chart: Chart) -> None:
    values = yaml.safe_load((EXAMPLES / "kube-prometheus-stack-values.yaml").read_text())
    settings = chart.render(values).settings()
    assert settings.monitoring.labels == {"release": "kube-prometheus-stack"}
    assert settings.dashboards.enabled
