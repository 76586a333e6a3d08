"""An objective is judged by the requests that the ledger has counted."""

from datetime import date, timedelta

import pytest

from modelmonitor_operator.cost.objective_days import view_objective

TODAY = date(2027, 3, 1)


def day(back: int) -> str:
    return str(TODAY - timedelta(days=back))


def test_half_of_the_allowed_failures_leave_half_of_the_budget() -> None:
    found = view_objective({day(5): (9995, 10_000)}, 0.999, TODAY)
    assert found.budget_remaining == pytest.approx(0.5)
    assert found.burn_rate is None


def test_too_many_failures_overspend_it_and_burn_it() -> None:
    found = view_objective({day(0): (990, 1000), day(10): (9000, 9000)}, 0.999, TODAY)
    assert found.budget_remaining == pytest.approx(0)
    assert found.burn_rate == pytest.approx(10)
    assert view_objective({day(0): (0, 10)}, 0.9, TODAY).budget_remaining == pytest.approx(-9)


def test_failures_of_before_the_period_are_forgotten() -> None:
    found = view_objective({day(30): (0, 1000), day(29): (10, 10)}, 0.99, TODAY)
    assert (found.good, found.total, found.budget_remaining) == (10, 10, 1)


def test_without_requests_nothing_is_said() -> None:
    found = view_objective({}, 0.99, TODAY)
    assert (found.budget_remaining, found.burn_rate) == (None, None)
