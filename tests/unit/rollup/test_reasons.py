"""The page about conditions has every reason that a test has seen."""

from pathlib import Path

import pytest

from modelmonitor_operator.cost.ledger_document import LedgerFault
from modelmonitor_operator.rollup.dashboards_synced import OBSTACLES
from modelmonitor_operator.rollup.objectives import MethodReason
from modelmonitor_operator.rollup.pages import BAD
from tests.unit.rollup import (
    test_dashboards_synced,
    test_objectives,
    test_scraped,
    test_selected,
    test_within_budget,
)

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "conditions.md"
SEEN: dict[str, set[str]] = {
    "MonitoringSelected": {case[2] for case in test_selected.CASES.values()},
    "ScrapeVerified": {case[2] for case in test_scraped.CASES.values()}
    | {case[1] for case in test_scraped.LASTING.values()}
    | {state.value for state in BAD},
    "DashboardsSynced": {case[2] for case in test_dashboards_synced.CASES.values()} | set(OBSTACLES),
    "WithinObjectives": {case[2] for case in test_objectives.CONDITIONS.values()} | {str(one) for one in MethodReason},
    "WithinBudget": {case[2] for case in test_within_budget.CASES.values()} | set(LedgerFault),
}


def section(kind: str) -> str:
    return PAGE.read_text().partition(f"\n## {kind}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(("kind", "reasons"), SEEN.items(), ids=SEEN.keys())
def test_every_reason_is_explained(kind: str, reasons: set[str]) -> None:
    assert {reason for reason in reasons if f"`{reason}`" not in section(kind)} == set()


@pytest.mark.parametrize(("kind", "reasons"), SEEN.items(), ids=SEEN.keys())
def test_no_reason_is_explained_that_no_test_has_seen(kind: str, reasons: set[str]) -> None:
    rows = [line.split("|")[2] for line in section(kind).splitlines() if line.startswith("| ")][2:]
    told = {name for row in rows for name in row.split("`")[1::2]}
    assert told - reasons <= {"Suspended", "InvalidSpec", "PodsNotListed"}
