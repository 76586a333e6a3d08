"""What kstatus, and with it `helm --wait` and Flux, makes of the conditions that the operator writes."""

from collections.abc import Iterable

import pytest

from modelmonitor_operator.rollup.conditions import (
    Claim,
    claim_invalid,
    claim_suspended,
    claim_unlisted,
    stamp_conditions,
)
from tests.unit.gitops.kstatus import KStatus, compute
from tests.unit.gitops.states import Monitor, born, condition, monitor, unseen


def written(claims: Iterable[Claim]) -> Monitor:
    """A ModelMonitor with these conditions as the operator would write them."""
    stamped = stamp_conditions(claims, (), 2, 0.0)
    return monitor(*(each.model_dump(mode="json", by_alias=True) for each in stamped))


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        pytest.param(claim_suspended(3), KStatus.CURRENT, id="suspended"),
        pytest.param(claim_invalid("spec.interval: too short"), KStatus.FAILED, id="a spec that cannot be read"),
        pytest.param(claim_unlisted("pods may not be listed"), KStatus.IN_PROGRESS, id="a right is missing"),
    ],
)
def test_kstatus_of_what_the_operator_writes(claims: tuple[Claim, ...], status: KStatus) -> None:
    assert compute(written(claims)) is status


@pytest.mark.parametrize(
    ("obj", "status"),
    [
        pytest.param(unseen(), KStatus.CURRENT, id="no status: kstatus takes it for done"),
        pytest.param(born(), KStatus.IN_PROGRESS, id="as it is born"),
        pytest.param(unseen(deleting=True), KStatus.TERMINATING, id="being deleted"),
        pytest.param(
            monitor(condition("Ready", "True", "Monitoring"), observed=1), KStatus.IN_PROGRESS, id="an old generation"
        ),
        pytest.param(
            monitor(condition("Reconciling", "True", "x"), condition("Ready", "True", "x")),
            KStatus.IN_PROGRESS,
            id="Reconciling wins over Ready",
        ),
        pytest.param(
            monitor(condition("Ready", "True", "x"), condition("Stalled", "True", "x")),
            KStatus.FAILED,
            id="Stalled wins over Ready",
        ),
        pytest.param(monitor(condition("Ready", "False", "x")), KStatus.IN_PROGRESS, id="Ready is False"),
        pytest.param(monitor(condition("Ready", "Unknown", "x")), KStatus.IN_PROGRESS, id="Ready is Unknown"),
        pytest.param(monitor(condition("Healthy", "False", "x")), KStatus.CURRENT, id="Healthy is nothing to it"),
    ],
)
def test_the_rules_of_its_readme(obj: Monitor, status: KStatus) -> None:
    assert compute(obj) is status
