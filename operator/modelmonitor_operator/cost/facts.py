"""What the roll-up and the leader's page are told about one monitor's cost, all of it from the committed ledger."""

from dataclasses import dataclass
from enum import StrEnum

from modelmonitor_api.status_cost import CostStatus
from modelmonitor_operator.cost.budget import BudgetView
from modelmonitor_operator.cost.ledger import Ledger


class CostState(StrEnum):
    """How it stands with a ledger."""

    DISABLED = "CostDisabled"
    """The settings want none."""
    PENDING = "LedgerPending"
    """Not read yet."""
    COMMITTED = "LedgerCommitted"
    REFUSED = "LedgerRefused"
    """It is there and cannot be believed; nothing is charged. `reason` names the fault."""
    UNWRITABLE = "LedgerUnwritable"
    """The API server does not let it be read or written; what is committed is still told."""


@dataclass(frozen=True, slots=True)
class CostFacts:
    """One monitor's.

    Attributes:
        ledger: as it was last committed; None where there is none that is believed.
        status: made from it; kept until the next commit, or until prices or the spec change.
        budget: None without spec.cost.budget.
        reason: the fault, for a condition; empty where all is well.
        message: why, with what to do.
    """

    state: CostState = CostState.PENDING
    ledger: Ledger | None = None
    status: CostStatus | None = None
    budget: BudgetView | None = None
    reason: str = ""
    message: str = ""


NOTHING_CHARGED = CostFacts()
"""Before anything is known."""
