"""An Xid says what NVIDIA advises, and how bad it is."""

import pytest

from modelmonitor_api.findings import FINDINGS, FindingCode, Severity
from modelmonitor_api.xid import XidAction, xid_action, xid_severity


@pytest.mark.parametrize(
    ("code", "action", "severity"),
    [
        (13, XidAction.RESTART_APP, Severity.WARNING),
        (40, XidAction.RESTART_APP, Severity.WARNING),
        (48, XidAction.FOLLOW_WORKFLOW, Severity.CRITICAL),
        (79, XidAction.REBOOT, Severity.CRITICAL),
        (95, XidAction.RESET_GPU, Severity.CRITICAL),
        (99999, XidAction.NONE, Severity.INFO),
    ],
)
def test_a_code_has_its_action_and_severity(code: int, action: XidAction, severity: Severity) -> None:
    assert (xid_action(code), xid_severity(code)) == (action, severity)


def test_every_finding_has_one_row_of_the_table() -> None:
    assert set(FINDINGS) == set(FindingCode)
    assert all(rule.code is code and rule.condition and rule.clears for code, rule in FINDINGS.items())
