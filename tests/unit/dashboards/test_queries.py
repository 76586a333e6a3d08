"""Every query of a dashboard names series that exist, carries its page's matchers, and can be told what it needs."""

import re
from collections import Counter
from pathlib import Path

import pytest

from modelmonitor_api.burn_rates import SloSeries
from modelmonitor_api.metrics import METRICS, MetricPage, sample_names
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_testbed.preview.queries import Needs, PanelQuery, fill_in, queries_of, variables_of
from tests.unit.dashboards.pages import FILES, MODEL_FILE, matchers, read, selectors

SAMPLES = {name: metric for metric in METRICS.values() for name in sample_names(metric)}
NEVER_SENT = {"ALERTS", "up"}
"""What Prometheus makes itself."""

EVERY = [
    pytest.param(path, query, id=f"{path.stem}: {query.panel}") for path in FILES for query in queries_of(read(path))
]


def operator_series() -> set[str]:
    families = Telemetry(version="").registry.collect()
    names = {family.name for family in families}
    return {f"{name}{suffix}" for name in names for suffix in ("", "_total", "_bucket")} | names


KNOWN = {*SAMPLES, *NEVER_SENT, *SloSeries, *operator_series()}


@pytest.mark.parametrize(("path", "query"), EVERY)
def test_a_query_parses_and_names_series_that_exist(path: Path, query: PanelQuery) -> None:
    found = selectors(query.expression)
    assert found
    assert {str(each.name) for each in found} <= KNOWN


def test_a_series_that_nobody_sends_would_be_noticed() -> None:
    assert "modelmonitor_model_request_total" not in KNOWN
    assert [str(each.name) for each in selectors("sum(rate(a[5m])) / b or topk(3, c)")] == ["a", "b", "c"]


CHOSEN = {"namespace": "team-a", "modelmonitor": "fraud", "service": "modelmonitor-fraud"}


@pytest.mark.parametrize("query", queries_of(read(MODEL_FILE), CHOSEN), ids=lambda query: query.panel)
def test_a_query_of_a_model_is_about_that_monitor_alone(query: PanelQuery) -> None:
    for each in selectors(query.expression):
        found = matchers(each)
        assert found["namespace"] == "=team-a"
        which = ("service", "=modelmonitor-fraud") if each.name == "up" else ("modelmonitor", "=fraud")
        assert found[which[0]] == which[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_labels_that_a_query_matches_on_are_labels_of_its_series(path: Path) -> None:
    """Besides them Prometheus adds the target's own, Triton its reasons and quantiles, and installations a cluster."""
    added = {"cluster", "quantile", "reason", "le", "job", "instance"}
    for query in queries_of(read(path)):
        for each in selectors(query.expression):
            metric = SAMPLES.get(str(each.name))
            if metric is not None:
                assert set(matchers(each)) <= {*metric.labels, *added}, query


@pytest.mark.parametrize("path", [path for path in FILES if path != MODEL_FILE], ids=lambda path: path.stem)
def test_a_page_for_all_monitors_asks_for_nothing_of_one(path: Path) -> None:
    for query in queries_of(read(path)):
        assert "$" not in query.expression
        assert all(
            matchers(each).get("modelmonitor", "=~.*") == "=~.*" or query.panel == "Firing alerts"
            for each in selectors(query.expression)
        )


def test_the_fleet_can_be_narrowed_to_namespaces() -> None:
    fleet = next(path for path in FILES if "fleet" in path.name)
    for query in queries_of(read(fleet), {"namespace": "team-a|team-b"}):
        assert all(matchers(each)["namespace"] == "=~team-a|team-b" for each in selectors(query.expression))


def test_cost_can_be_narrowed_to_one_modelmonitor() -> None:
    cost = next(path for path in FILES if "cost" in path.name)
    for query in queries_of(read(cost), {"namespace": "team-a", "modelmonitor": "fraud"}):
        for each in selectors(query.expression):
            assert matchers(each)["namespace"] == "=~team-a"
            assert each.name == "ALERTS" or matchers(each)["modelmonitor"] == "=~fraud"


def test_money_is_never_added_up_over_currencies() -> None:
    money = ("spend_total", "cost_budget", "cost_budget_spent", "cost_projected", "price_per_gpu_hour")
    for path in FILES:
        for query in queries_of(read(path)):
            about = [str(each.name) for each in selectors(query.expression) if str(each.name).endswith(money)]
            kept = re.findall(r"(?:sum|max|min) by \(([^)]*)\) \([^(]*(?:\(|\{)", query.expression)
            assert not about or "currency" in " ".join(kept), query


def test_every_query_can_be_kept_to_one_cluster() -> None:
    for path in FILES:
        for query in queries_of(read(path), {"cluster": "eu"}):
            assert all(matchers(each)["cluster"] == "=~eu" for each in selectors(query.expression))


def test_variables_are_filled_in_as_grafana_does() -> None:
    assert fill_in("a$x ${x} ${x:regex} $y", {"x": "1"}) == "a1 1 1 $y"
    values = variables_of(read(MODEL_FILE))
    assert values["cluster"] == ".*"
    assert values["namespace"] == ""


def test_what_a_query_needs_is_known_and_few_need_more_than_load() -> None:
    counted = Counter(query.needs for path in FILES for query in queries_of(read(path)))
    assert counted[Needs.DECOUPLED_MODEL] == 1
    assert set(counted) == set(Needs)
    assert counted[Needs.LOAD] > 60


def test_gpu_readings_come_from_our_own_pages() -> None:
    """Neither dcgm-exporter nor kube-state-metrics is needed."""
    gpu = next(path for path in FILES if "gpu" in path.name)
    named = {str(each.name) for query in queries_of(read(gpu)) for each in selectors(query.expression)}
    assert not {name for name in named if name.startswith(("DCGM", "kube_"))}
    assert {SAMPLES[name].page for name in named} == {MetricPage.SIDECAR, MetricPage.MONITOR}
