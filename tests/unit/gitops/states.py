"""Every state that a ModelMonitor can be seen in by a GitOps tool."""

import itertools
from collections.abc import Iterator
from typing import Any

from modelmonitor_api.status import UNSEEN_STATUS

Monitor = dict[str, Any]
READY = {
    "True": ("Monitoring", "Suspended"),
    "False": (
        "TargetsNotFound",
        "NoReadableTargets",
        "ReadingsPending",
        "SidecarsFailed",
        "PodsNotListed",
        "InvalidSpec",
        "SidecarUnreachable",
        "PodUnwatched",
        "ReadingsStale",
        "PlanTruncated",
    ),
    "Unknown": ("Unknown",),
}
"""Reasons of Ready by status; docs/reference/conditions.md explains each."""


def condition(kind: str, status: str, reason: str, message: str = "because") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def monitor(*conditions: dict[str, str], observed: int | None = 2, deleting: bool = False) -> Monitor:
    metadata: Monitor = {"name": "fraud", "namespace": "team-a", "generation": 2}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status: Monitor = {"conditions": list(conditions)}
    if observed is not None:
        status["observedGeneration"] = observed
    return {"metadata": metadata, "spec": {}, "status": status}


def unseen(*, deleting: bool = False) -> Monitor:
    found = monitor(deleting=deleting)
    del found["status"]
    return found


def born() -> Monitor:
    """As the API server makes it, before the operator has looked."""
    return {**unseen(), "status": dict(UNSEEN_STATUS)}


VERDICTS = (
    condition("WithinBudget", "False", "BudgetExceeded", "5200.00 of 5000.00 EUR are spent"),
    condition("WithinBudget", "Unknown", "NoPrice"),
    condition("WithinObjectives", "False", "BudgetBurning"),
    condition("Healthy", "False", "ModelFailing"),
)
"""What is said about models and money. It is no word on whether the monitoring works."""


def with_verdict(obj: Monitor, verdict: dict[str, str]) -> Monitor:
    """The same ModelMonitor with one verdict more, or another one; one without a status stays without."""
    if "conditions" not in obj.get("status", {}):
        return obj
    others = [each for each in obj["status"]["conditions"] if each["type"] != verdict["type"]]
    return {**obj, "status": {**obj["status"], "conditions": [*others, verdict]}}


def every_state() -> Iterator[Monitor]:
    """Ready by reason × Reconciling × Stalled × observedGeneration × deleting; and what has no status at all."""
    ready = [None, *(condition("Ready", status, reason) for status, reasons in READY.items() for reason in reasons)]
    others = [None, "True", "False", "Unknown"]
    seen = itertools.product(ready, others, others, (None, 1, 2), (False, True))
    for first, reconciling, stalled, observed, deleting in seen:
        given = [
            *([first] if first else []),
            *([condition("Reconciling", reconciling, "RollingOut")] if reconciling else []),
            *([condition("Stalled", stalled, "InvalidSpec")] if stalled else []),
            condition("Healthy", "Unknown", "NoRequests"),
        ]
        yield monitor(*given, observed=observed, deleting=deleting)
    yield from (unseen(), unseen(deleting=True), born())
