"""By what objectives are judged, what is left of their budgets, and what stands in the way."""

from typing import Any

import pytest

from modelmonitor_api.status import MAX_STATUS_BYTES, Condition, ConditionType, Health, ObjectiveStatus
from modelmonitor_api.summary import EndpointReading, EndpointState
from modelmonitor_operator.arrival import ChildFact, ChildState
from modelmonitor_operator.cost.facts import NOTHING_CHARGED, CostFacts
from modelmonitor_operator.objects import PROMETHEUS_RULE
from modelmonitor_operator.observed import NodeReading
from modelmonitor_operator.rollup import RollupInput, Written, should_write
from modelmonitor_operator.rollup.status import Rows, bound_status
from tests.unit.rollup.arrivals import arrival, asked, budget, children, judged, page, paged, scraper, situation
from tests.unit.rollup.costs import counted
from tests.unit.rollup.situations import Story, condition, given, model, monitor, node, pod, target

FAST = {"name": "fast", "type": "Latency", "target": "99", "threshold": "50ms"}
UP = {"name": "up", "type": "Availability", "target": "99.9"}
DOWN = EndpointReading(state=EndpointState.REFUSED)
BUCKETS = (0.05, 0.1, 0.5)


def served(*models: Any, objectives: tuple[dict[str, Any], ...] = (FAST,), **fields: Any) -> RollupInput:
    return given(node(target(None, *models, **fields)), monitor=monitor(objectives=objectives))


def row(what: RollupInput, cycles: int = 1) -> ObjectiveStatus:
    story = Story()
    story.cycles(what, cycles)
    return story.status.objectives[0]


def quantiles(name: str = "fast", **fields: Any) -> Any:
    return model(name, publishes_quantiles=True, **fields)


def decoupled(*bounds: float, name: str = "llm") -> Any:
    return model(name, latency_buckets_seconds=bounds)


METHODS: dict[str, tuple[RollupInput, str, tuple[str, ...]]] = {
    "requests are always counted": (served(model(), objectives=(UP,)), "Requests", ()),
    "requests are counted before anything is read": (given(pods=(), monitor=monitor(objectives=(UP,))), "Requests", ()),
    "a quantile judges by the minute": (served(model(latency_p99_seconds=0.02)), "TimeSlices", ()),
    "quantiles without a request are quantiles": (served(quantiles(ok=0)), "TimeSlices", ()),
    "what publishes none is named": (
        served(quantiles("a"), model("b")),
        "TimeSlices",
        ("no quantiles of them: b", "summary_latencies=true"),
    ),
    "a bucket at the threshold judges by the request": (served(decoupled(*BUCKETS)), "Histogram", ()),
    "quantiles come before buckets": (served(quantiles(), decoupled(*BUCKETS)), "TimeSlices", ("llm",)),
    "a threshold below the smallest bucket": (
        served(decoupled(0.1, 0.5, 2.0, 5.0)),
        "None",
        ("50ms is below the smallest of the buckets 100ms, 500ms, 2s, 5s", "put 50 into", "model_metrics"),
    ),
    "a threshold between buckets": (served(decoupled(0.01, 0.1)), "None", ("between the buckets 10ms, 100ms",)),
    "a threshold above the largest bucket": (served(decoupled(0.01, 0.02)), "None", ("above the largest",)),
    "models that share no bucket": (served(decoupled(0.05), decoupled(0.1, name="other")), "None", ("50ms, 100ms",)),
    "Triton publishes nothing": (
        served(model("a"), model("b")),
        "None",
        (
            "no latencies of a, b",
            "--metrics-config summary_latencies=true",
            "cost of quantiles",
            "response cache",
            "histogram_latencies=true",
            "24.11",
        ),
    ),
    "models that the objective does not name do not count": (
        served(quantiles("a"), model("b"), objectives=({**FAST, "models": ["b*"]},)),
        "None",
        ("no latencies of b",),
    ),
    "nothing is read yet": (given(pods=(), monitor=monitor(objectives=(FAST,))), "None", ("has been read yet",)),
    "a metrics page that does not answer says nothing": (
        served(model(), metrics=DOWN),
        "None",
        ("has been read yet",),
    ),
}


@pytest.mark.parametrize(("what", "method", "words"), METHODS.values(), ids=METHODS.keys())
def test_the_method_follows_what_triton_publishes(what: RollupInput, method: str, words: tuple[str, ...]) -> None:
    found = row(what)
    assert found.method == method
    assert all(word in found.message for word in words), found.message
    assert found.message or not words


KEPT = {
    "no pod is there": given(pods=(), monitor=monitor(objectives=(FAST,))),
    "the metrics page does not answer": served(quantiles(), metrics=DOWN),
    "the monitor is suspended": given(monitor=monitor(objectives=(FAST,), suspend=True)),
    "the pods may not be listed": given(pods=(), pods_problem="403", monitor=monitor(objectives=(FAST,))),
}


@pytest.mark.parametrize("after", KEPT.values(), ids=KEPT.keys())
def test_a_method_holds_while_nothing_fresh_says_otherwise(after: RollupInput) -> None:
    story = Story()
    story.cycle(served(quantiles()))
    story.cycle(after)
    assert story.status.objectives[0].method == "TimeSlices"
    story.cycle(served(model()))
    assert story.status.objectives[0].method == "None"


def both(second: Any, *readings: NodeReading) -> RollupInput:
    """A model with quantiles in a pod of its own, and one without in another."""
    asking = monitor(objectives=(FAST,))
    plain = pod("fraud-1", "n2")
    first = node(target(plain, model("plain")), name="n2")
    return given(first, *readings, pods=(plain, *second), monitor=asking)


RESTARTING = {
    "the new one waits for its node": (pod("fraud-2", None, phase="Pending", ip=None),),
    "the new one has not been read": (pod("fraud-2", "n1"),),
    "the old one is being deleted": (pod("fraud-0", "n1", deleting=True),),
}


@pytest.mark.parametrize("second", RESTARTING.values(), ids=RESTARTING.keys())
def test_a_method_holds_while_the_pod_restarts_that_it_rests_on(second: Any) -> None:
    story = Story()
    story.cycle(both((pod(),), node(target(None, quantiles()))))
    assert story.status.objectives[0].method == "TimeSlices"
    story.cycle(both(second))
    assert story.status.objectives[0].method == "TimeSlices"


def test_a_method_holds_while_the_old_pod_is_gone_and_the_new_one_is_not_there_yet() -> None:
    story = Story()
    story.cycle(both((pod(),), node(target(None, quantiles()))))
    for seconds in (10.0, 50.0, 60.0):
        story.cycle(both(()), seconds)
        assert story.status.objectives[0].method == "TimeSlices"
    story.cycle(both(()), 1.0)
    assert story.status.objectives[0].method == "None"


def test_a_new_pod_that_says_otherwise_is_believed_at_once() -> None:
    story = Story()
    story.cycle(both((pod(),), node(target(None, quantiles()))))
    story.cycle(both(()))
    story.cycle(both((pod(),), node(target(None, model()))))
    assert story.status.objectives[0].method == "None"


def test_an_objective_of_another_type_does_not_inherit_a_method() -> None:
    story = Story()
    story.cycle(served(quantiles()))
    story.cycle(given(pods=(), monitor=monitor(objectives=({**UP, "name": "fast"},))))
    assert story.status.objectives[0].method == "Requests"


def test_a_change_of_method_is_written_at_once() -> None:
    story = Story()
    story.cycle(served(model()))
    written = Written(story.status, story.now)
    story.cycle(served(quantiles()))
    assert should_write(written, story.status, story.now)


DOWN_TOO = {**UP, "name": "down"}


def budgeted(*objectives: dict[str, Any], cost: CostFacts = NOTHING_CHARGED, **fields: Any) -> RollupInput:
    return situation(
        paged(page(scraper())),
        what=arrival(**{**asked(budgets={"up": budget()}), **fields}),
        monitor=monitor(objectives=objectives or (UP,)),
        cost=cost,
    )


def spent(**fields: Any) -> RollupInput:
    return budgeted(**asked(budgets={"up": budget(**fields)}))


BURNING = {"5m": 0.2, "30m": 0.001, "1h": 0.02, "6h": 0.001}

CONDITIONS: dict[str, tuple[RollupInput, str, str, tuple[str, ...]]] = {
    "no objective": (situation(), "Unknown", "NoObjectives", ()),
    "all is within budget": (budgeted(), "True", "WithinBudget", ("up 90 %",)),
    "a budget is overspent": (
        spent(remaining=-0.4, burn_rate=3.0),
        "False",
        "BudgetOverspent",
        ("up (99.9 %) has overspent its 30-day error budget by 40 %", "now 3 times too fast"),
    ),
    "a budget burns by both windows": (
        spent(errors=BURNING, burn_rate=200.0),
        "False",
        "BurningFast",
        ("now 200 times too fast", "2 % bad in 1h and still in 5m", "90 % left"),
    ),
    "the slower pair burns too": (
        spent(errors={"5m": 0.0, "30m": 0.01, "1h": 0.0, "6h": 0.01}),
        "False",
        "BurningFast",
        ("bad in 6h and still in 30m",),
    ),
    "only the short window burns": (spent(errors={**BURNING, "1h": 0.001}), "True", "WithinBudget", ()),
    "only the long window burns": (spent(errors={**BURNING, "5m": 0.0}), "True", "WithinBudget", ()),
    "too few requests burn nothing": (
        spent(errors=BURNING, requests={"1h": 19.0, "6h": 19.0}),
        "True",
        "WithinBudget",
        (),
    ),
    "a broken objective comes before one that cannot be judged": (
        budgeted(FAST, UP, **asked(budgets={"up": budget(remaining=-1.0)})),
        "False",
        "BudgetOverspent",
        (),
    ),
    "an objective cannot be judged": (
        budgeted(UP, FAST),
        "Unknown",
        "LatencyNotPublished",
        ("fast: Triton publishes no latencies of fast", "summary_latencies=true"),
    ),
    "no rules record anything": (
        budgeted(children=children({PROMETHEUS_RULE: ChildFact(ChildState.KIND_MISSING)})),
        "Unknown",
        "NoRules",
        ("see MonitoringSelected",),
    ),
    "no Prometheus may be asked": (budgeted(prometheus_url=False), "Unknown", "NoPrometheusUrl", ("prometheus.url",)),
    "Prometheus does not answer": (
        budgeted(**asked(error="no answer within 5 s")),
        "Unknown",
        "PrometheusUnreachable",
        ("no answer within 5 s",),
    ),
    "Prometheus has not been asked": (budgeted(**asked(asked_at=None)), "Unknown", "WaitingForPrometheus", ()),
    "no Prometheus may be asked, and the operator has counted": (
        budgeted(prometheus_url=False, cost=counted("up", 9999, 10_000)),
        "True",
        "WithinBudget",
        ("up 90 %; by the operator's own counts of 3 days",),
    ),
    "no Prometheus may be asked, and too much was bad": (
        budgeted(prometheus_url=False, cost=counted("up", 9980, 10_000, days=1)),
        "False",
        "BudgetOverspent",
        ("overspent its 30-day error budget by 100 %", "now 2 times too fast", "own counts of 1 day"),
    ),
    "Prometheus does not answer, and the operator has counted": (
        budgeted(**asked(error="gone"), cost=counted("up", 10_000, 10_000)),
        "True",
        "WithinBudget",
        ("up 100 %; by the operator's own counts",),
    ),
    "no rules record anything, and the operator has counted": (
        budgeted(
            children=children({PROMETHEUS_RULE: ChildFact(ChildState.KIND_MISSING)}), cost=counted("up", 9999, 10_000)
        ),
        "True",
        "WithinBudget",
        ("own counts",),
    ),
    "what Prometheus says comes before own counts": (
        budgeted(cost=counted("up", 0, 10_000)),
        "True",
        "WithinBudget",
        ("up 90 %",),
    ),
    "of one objective alone own counts say something": (
        budgeted(UP, DOWN_TOO, prometheus_url=False, cost=counted("up", 9999, 10_000)),
        "Unknown",
        "NoPrometheusUrl",
        ("prometheus.url", "up 90 %; by the operator's own counts"),
    ),
    "too few requests were counted to say anything": (
        budgeted(prometheus_url=False, cost=counted("up", 18, 19)),
        "Unknown",
        "NoPrometheusUrl",
        (),
    ),
    "no budget is there yet": (budgeted(**asked()), "Unknown", "NoBudgetYet", ("no error budget of up yet",)),
}


@pytest.mark.parametrize(("what", "status", "reason", "words"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_the_condition_says_what_is_left_or_what_is_in_the_way(
    what: RollupInput, status: str, reason: str, words: tuple[str, ...]
) -> None:
    found = judged(what, "WithinObjectives")
    assert (found.status, found.reason) == (status, reason), found.message
    assert all(word in found.message for word in words), found.message


def test_a_threshold_that_is_no_bucket_is_a_reason_of_its_own() -> None:
    found = judged(served(decoupled(0.1, 0.5)), "WithinObjectives")
    assert (found.status, found.reason) == ("Unknown", "ThresholdNotABucket")


def test_the_reason_holds_with_the_method() -> None:
    story = Story()
    first = condition(story.cycle(served(decoupled(0.1, 0.5))), "WithinObjectives")
    kept = condition(story.cycle(given(pods=(), monitor=monitor(objectives=(FAST,)))), "WithinObjectives")
    assert (kept.reason, kept.message) == (first.reason, first.message)


def test_own_counts_stand_in_the_row_and_say_whose_they_are() -> None:
    found = row(budgeted(prometheus_url=False, cost=counted("up", 9995, 10_000)))
    assert (found.method, found.budget_remaining, found.burn_rate) == ("Requests", "0.5", "0.5")
    assert found.message == "by the operator's own counts of 3 days"


def test_a_latency_objective_has_no_own_counts() -> None:
    found = row(budgeted(FAST, prometheus_url=False, cost=counted("fast", 1, 10_000)))
    assert (found.budget_remaining, found.burn_rate) == (None, None)


def test_the_status_has_the_numbers_without_noise() -> None:
    found = row(spent(remaining=0.87654321, burn_rate=1.23456))
    assert (found.name, found.type, found.target) == ("up", "Availability", "99.9")
    assert (found.budget_remaining, found.burn_rate) == ("0.877", "1.2")


@pytest.mark.parametrize("value", [None, 1e12])
def test_a_number_that_nobody_can_believe_is_left_out(value: float | None) -> None:
    assert row(spent(burn_rate=value)).burn_rate is None


def test_numbers_of_a_prometheus_that_no_longer_answers_are_not_shown() -> None:
    found = row(budgeted(**asked(budgets={"up": budget()}, error="gone")))
    assert (found.budget_remaining, found.burn_rate) == (None, None)


def test_the_largest_status_with_objectives_is_within_its_size() -> None:
    objectives = tuple({**FAST, "name": f"o{n}-{'x' * 36}"} for n in range(8))
    models = tuple(model(f"{'m' * 120}-{n}", ok=0, failed=500) for n in range(60))
    story = Story()
    story.cycles(served(*models, objectives=objectives), 3)
    assert len(story.status.objectives) == 8
    assert len(story.status.model_dump_json(by_alias=True, exclude_none=True).encode()) <= MAX_STATUS_BYTES


def test_a_status_of_the_longest_words_is_within_its_size() -> None:
    words = "🙂" * 512
    conditions = tuple(
        Condition(
            type=kind,
            status="True",
            reason="R" * 40,
            message=words,
            observed_generation=1,
            last_transition_time="2026-01-01T00:00:00Z",
        )
        for kind in ConditionType
    )
    objectives = tuple(
        ObjectiveStatus(name=f"{number}", type="Latency", target="99", method="None", message=words)
        for number in range(8)
    )
    health = Health(state="Unknown", reason="NoTraffic", summary=words, observed_at="2026-01-01T00:00:00Z")
    status = bound_status(1, conditions, health, Rows((), (), objectives))
    assert len(status.model_dump_json(by_alias=True, exclude_none=True).encode()) <= MAX_STATUS_BYTES
    assert all(one.message for one in status.objectives)
