"""A real Prometheus with hours of cost: every query of the dashboards has an answer, and sums are what was charged."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_testbed.preview.queries import Needs, PanelQuery, queries_of
from modelmonitor_testbed.prometheus.api import PrometheusApi, PrometheusError
from modelmonitor_testbed.prometheus.local import running_prometheus
from modelmonitor_testbed.promtool import write_history
from tests.apiserver.cost_history import WRITE_SECONDS, write_pages
from tests.unit.cost.accounts import NOW
from tests.unit.dashboards.pages import FILES, MODEL_FILE, read

HOURS = 8
END = NOW + HOURS * 3600 + WRITE_SECONDS - 60
READY_SECONDS = 30.0
CHOSEN = {"namespace": "team-a", "modelmonitor": "fraud", "service": "modelmonitor-fraud"}
TOLD = {Needs.COST, Needs.PRICE_TABLE}
OURS = [
    pytest.param(query, id=f"{path.stem}: {query.panel} {query.name}")
    for path in FILES
    for query in queries_of(read(path), CHOSEN if path == MODEL_FILE else None)
    if query.needs in TOLD
]


@dataclass
class History:
    """A Prometheus, and the ledgers that it saw."""

    api: PrometheusApi
    ledgers: dict[str, list[Ledger]]

    def number(self, expression: str) -> float:
        """The one value of an expression at the end."""
        (found,) = self.api.query(expression, END)
        return found.value


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Eight hours of two monitors."""
    folder, ledgers = tmp_path_factory.mktemp("prometheus"), dict[str, list[Ledger]]()
    write_history("\n".join(write_pages(HOURS, ledgers)) + "\n", folder / "data")
    with running_prometheus(folder, {"global": {"scrape_interval": "1h"}}) as api:
        _wait_ready(api)
        yield History(api, ledgers)


def _wait_ready(api: PrometheusApi) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            api.query("1")
        except PrometheusError:
            assert time.monotonic() < deadline, "Prometheus is not ready"
            time.sleep(0.2)
        else:
            return


def test_there_are_queries_about_cost_on_two_dashboards() -> None:
    assert len(OURS) > 40
    assert {str(one.id).partition(":")[0] for one in OURS} == {"modelmonitor-cost", "model"}


@pytest.mark.parametrize("query", OURS)
def test_a_query_about_cost_has_an_answer(query: PanelQuery, history: History) -> None:
    found = [series.value for series in history.api.query(query.expression, END)]
    assert [value for value in found if not math.isnan(value)]


@pytest.mark.parametrize(("name", "currency"), [("fraud", "USD"), ("search", "EUR")])
def test_what_prometheus_adds_up_is_what_the_ledger_has_charged_through_a_change_of_leader(
    name: str, currency: str, history: History
) -> None:
    ledgers = history.ledgers[name]
    own = f'{{modelmonitor="{name}",currency="{currency}"}}'
    seen = history.number(f"sum(increase(modelmonitor_cost_spend_total{own}[6h]))")
    charged = float(ledgers[-1].total.spent - ledgers[-1 - 6 * 3600 // WRITE_SECONDS].total.spent)
    step = float(ledgers[-1].total.spent - ledgers[-2].total.spent)
    assert charged - 3 * step < seen < charged + step
    by_model = history.number(f"sum(increase(modelmonitor_cost_model_spend_total{own}[6h]))")
    assert by_model == pytest.approx(seen, rel=1e-6)


def test_the_parts_are_the_whole_on_prometheus_too(history: History) -> None:
    ledger = history.ledgers["fraud"][-1]
    total = history.number('sum(modelmonitor_cost_spend_total{modelmonitor="fraud"})')
    assert total == pytest.approx(float(ledger.total.spent), rel=1e-12)
    spent = history.number('modelmonitor_cost_budget_spent{modelmonitor="fraud"}')
    assert spent == pytest.approx(total, rel=1e-12)


def test_a_gap_is_a_rise_although_there_was_none_before(history: History) -> None:
    own = '{modelmonitor="fraud",reason="UseUnknown"}'
    seen = history.number(f"sum(increase(modelmonitor_cost_gap_gpu_seconds_total{own}[8h]))")
    assert seen == pytest.approx(history.ledgers["fraud"][-1].total.gap_us / 1e6, rel=0.02)


def test_what_is_held_is_as_many_gpus_all_the_time_whatever_part_of_a_write_the_hour_begins_in(
    history: History,
) -> None:
    """Each monitor holds one whole and half a GPU."""
    (held,) = [one.values[0] for one in OURS if one.id == "model: GPUs by use A"]
    expression = f"sum({held.expression})"
    (found,) = history.api.query_range(expression, END - 3 * 3600, END, 60)
    assert {round(value, 2) for _, value in found.points} == {1.5}


def test_a_query_that_nobody_answers_would_be_noticed(history: History) -> None:
    assert history.api.query("modelmonitor_cost_spend", END) == []
