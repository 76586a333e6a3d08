"""What dashboards and rules ask, and whether Prometheus has an answer."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import promql_parser

from modelmonitor_api.promql import quote
from modelmonitor_api.promql import selector as series
from modelmonitor_testbed.cache import checkout_root
from modelmonitor_testbed.installation import SYSTEM_NAMESPACE
from modelmonitor_testbed.prometheus.api import PrometheusApi, PrometheusError
from tests.unit.rules.specimens import selectors

FLEET_PAGES: tuple[Path, ...] = tuple(
    sorted((checkout_root() / "charts" / "modelmonitor" / "dashboards").glob("*.json"))
)
ABSENT_WHILE_WELL = {"modelmonitor_finding": {"code", "severity"}}
"""Series that exist only while something is wrong, and the labels that say what: any of them proves that it arrives."""


def pod_monitor(name: str, pods: dict[str, str], port: str) -> dict[str, Any]:
    """A PodMonitor for the pages of the product itself."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": name, "namespace": "monitoring"},
        "spec": {
            "selector": {"matchLabels": pods},
            "namespaceSelector": {"matchNames": [SYSTEM_NAMESPACE]},
            "podMetricsEndpoints": [{"port": port, "path": "/metrics", "interval": "5s", "honorLabels": True}],
        },
    }


def without_answer(api: PrometheusApi, expressions: Iterable[str]) -> list[str]:
    """The expressions to which Prometheus has no number, or which it refuses, with its words."""
    empty = []
    for expression in expressions:
        try:
            if all(math.isnan(series.value) for series in api.query(expression)):
                empty.append(expression)
        except PrometheusError as error:
            empty.append(f"{expression}: {error}")
    return empty


def inputs_of(expression: str) -> list[str]:
    """What an alert's expression reads: each of its selectors as a query of its own."""
    return [_widened(found) for found in selectors(expression)]


def _widened(selector: promql_parser.VectorSelector) -> str:
    left_out = ABSENT_WHILE_WELL.get(selector.name or "", set())
    kept = [each for each in selector.matchers.matchers if each.name not in left_out]
    written = (f"{each.name}{_OPERATORS[str(each.op)]}{quote(each.value)}" for each in kept)
    return series(selector.name or "", *written)


_OPERATORS = {
    str(op): text
    for op, text in (
        (promql_parser.MatchOp.Equal, "="),
        (promql_parser.MatchOp.NotEqual, "!="),
        (promql_parser.MatchOp.Re, "=~"),
        (promql_parser.MatchOp.NotRe, "!~"),
    )
}
