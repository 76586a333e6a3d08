"""Every query of every dashboard, and every expression of every rule, has an answer after a load, while a model fails.

An alert has no answer while all is well: what it reads must be there.
"""

import json
from collections.abc import Callable, Iterator

import pytest

from modelmonitor_api.alert_names import AlertName
from modelmonitor_api.cost_alerts import CostSeries
from modelmonitor_api.names import object_name
from modelmonitor_testbed.installation import Installation
from modelmonitor_testbed.kubectl import wait_until
from modelmonitor_testbed.preview.queries import Needs, queries_of
from modelmonitor_testbed.prometheus.api import PrometheusApi
from tests.cluster.arrival import RELEASE, asked, firing, set_labels, wait_targets_up
from tests.cluster.queries import FLEET_PAGES, inputs_of, pod_monitor, without_answer
from tests.cluster.scenario import MonitorView
from tests.cluster.workloads import GALLERY, TEAM, TRITON

ANSWER_SECONDS = 90.0
COST = {
    "currency": "EUR",
    "pricePerGpuHour": "2.50",
    "energyPricePerKwh": "0.30",
    "budget": {"amount": "1000", "period": "Month"},
}
TAKES_LONG = f"{CostSeries.RATE_LONG}{{"
"""A rate of what the ledger has charged in a quarter of an hour and more; promtool's tests have the time."""
_SIDECARS = {"app.kubernetes.io/name": "modelmonitor-sidecar"}
_OPERATOR = {"app.kubernetes.io/component": "operator"}


@pytest.fixture(scope="module")
def troubled(triton: Installation, fraud: MonitorView, prometheus: PrometheusApi) -> Iterator[PrometheusApi]:
    """Everything scraped, cost with a budget, and a model that fails, until its alert fires."""
    set_labels(triton, TEAM, "fraud", RELEASE)
    _set_cost(triton, COST)
    triton.kubectl.apply(pod_monitor("sidecars", _SIDECARS, "sidecar"), pod_monitor("operator", _OPERATOR, "http"))
    triton.modelctl(TEAM, TRITON, "failing", "fail_ratio=1")
    wait_targets_up(prometheus, TEAM, "fraud", {"sidecar", "leader"})
    alert = AlertName.MODEL_FAILING
    wait_until(asked(lambda: firing(prometheus, TEAM, "fraud", alert)), 90, f"{alert} fires")
    yield prometheus
    triton.modelctl(TEAM, TRITON, "failing", "reset")
    _set_cost(triton, None)


def _set_cost(house: Installation, cost: object) -> None:
    patch = json.dumps({"spec": {"cost": cost}})
    house.kubectl.run("patch", "modelmonitor", "fraud", "--namespace", TEAM, "--type", "merge", "--patch", patch)


def wait_for_answers(api: PrometheusApi, expressions: list[str]) -> None:
    """Return once every expression has an answer; fails with those that have none."""
    left = list(expressions)

    def probe() -> bool:
        left[:] = without_answer(api, left)
        return not left

    wait_until(
        probe, ANSWER_SECONDS, lambda: f"{len(left)} of {len(expressions)} have no answer: {left}", every_seconds=3
    )


def test_every_query_of_the_models_dashboard_has_an_answer(troubled: PrometheusApi, fraud: MonitorView) -> None:
    data = fraud.kubectl.get("configmap", object_name("fraud"), TEAM)["data"]
    (text,) = data.values()
    elsewhere = {Needs.DECOUPLED_MODEL, Needs.RESPONSE_CACHE, Needs.PRICE_TABLE}
    queries = [query for query in queries_of(json.loads(text)) if query.needs not in elsewhere]
    assert len(queries) > 15
    wait_for_answers(troubled, [query.expression for query in queries])


def test_the_hit_ratio_of_a_response_cache_has_an_answer(
    troubled: PrometheusApi, gallery: Installation, exhibit: Callable[[str], MonitorView]
) -> None:
    set_labels(gallery, GALLERY, "cached", RELEASE)
    data = exhibit("cached").kubectl.get("configmap", object_name("cached"), GALLERY)["data"]
    (text,) = data.values()
    asked = [query.expression for query in queries_of(json.loads(text)) if query.needs is Needs.RESPONSE_CACHE]
    assert asked
    wait_for_answers(troubled, asked)


def test_every_query_about_mig_has_an_answer_while_a_gpu_is_in_mig_mode(
    triton: Installation, troubled: PrometheusApi
) -> None:
    pages = [queries_of(json.loads(path.read_text())) for path in FLEET_PAGES]
    told = [query.expression for queries in pages for query in queries if query.needs is Needs.MIG]
    assert told
    triton.gpusim("init", "--gpus", "2", "--mig", "1:1g.10gb,2g.20gb")
    try:
        wait_for_answers(troubled, told)
    finally:
        triton.gpusim("init", "--gpus", "2")


@pytest.mark.parametrize("path", FLEET_PAGES, ids=lambda path: path.stem)
def test_every_query_of_the_charts_dashboards_has_an_answer(path: object, troubled: PrometheusApi) -> None:
    elsewhere = {Needs.DECOUPLED_MODEL, Needs.MIG, Needs.PRICE_TABLE}
    queries = queries_of(json.loads(path.read_text()))
    told = [query.expression for query in queries if query.needs not in elsewhere]
    assert len(told) > 5
    wait_for_answers(troubled, told)


def test_every_rule_records_and_every_alert_finds_what_it_reads(troubled: PrometheusApi, fraud: MonitorView) -> None:
    groups = fraud.kubectl.get("prometheusrule", object_name("fraud"), TEAM)["spec"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    records = [rule["expr"] for rule in rules if rule.get("record", CostSeries.RATE_LONG) != CostSeries.RATE_LONG]
    read = {one for rule in rules if "alert" in rule for one in inputs_of(rule["expr"])}
    inputs = sorted(one for one in read if not one.startswith(TAKES_LONG))
    assert len(inputs) < len(read)
    assert len(records) > 10
    assert len(inputs) > 10
    wait_for_answers(troubled, [*records, *inputs])


def test_prometheus_has_loaded_every_rule_and_none_fails(troubled: PrometheusApi, fraud: MonitorView) -> None:
    groups = fraud.kubectl.get("prometheusrule", object_name("fraud"), TEAM)["spec"]["groups"]
    wanted = sorted(rule.get("alert") or rule["record"] for group in groups for rule in group["rules"])
    own = {"namespace": TEAM, "modelmonitor": "fraud"}
    loaded = [rule for rule in troubled.rules() if TEAM in rule.query or own.items() <= dict(rule.labels).items()]
    assert sorted(rule.name for rule in loaded) == wanted
    assert not [(rule.name, rule.last_error) for rule in loaded if rule.health == "err"]
