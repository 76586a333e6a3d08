"""When a pod has ended, as Kubernetes tells it in one way or another."""

from typing import Any

import pytest

from modelmonitor_operator.adapters.pods import parse_pod
from modelmonitor_operator.timestamps import parse_time

AT, LATER = "2026-01-01T00:10:00Z", "2026-01-01T00:20:00Z"


def ended(*times: str) -> list[dict[str, Any]]:
    """Containers that ended then."""
    return [{"name": f"c{n}", "state": {"terminated": {"finishedAt": at}}} for n, at in enumerate(times)]


RUNS = {"name": "c9", "state": {"running": {"startedAt": AT}}}
EVICTED = {
    "phase": "Failed",
    "conditions": [
        {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": AT},
        {"type": "Ready", "status": "False", "lastTransitionTime": LATER},
    ],
}
CASES: dict[str, tuple[dict[str, Any], bool, str | None]] = {
    "a job that is done: its last container": (
        {"phase": "Succeeded", "containerStatuses": ended(LATER, AT)},
        False,
        LATER,
    ),
    "an evicted pod without containers: when it was no longer ready": (EVICTED, False, LATER),
    "a pod of a node that is gone: when it was disrupted": (
        {**EVICTED, "conditions": EVICTED["conditions"][:1]},
        False,
        AT,
    ),
    "a pod that failed and says nothing": ({"phase": "Failed"}, False, None),
    "a container that ended and will start again": (
        {"phase": "Running", "containerStatuses": ended(AT)},
        False,
        None,
    ),
    "a pod that is being deleted, all of whose containers have ended": (
        {"phase": "Running", "containerStatuses": ended(AT)},
        True,
        AT,
    ),
    "a pod that is being deleted and still runs": (
        {"phase": "Running", "containerStatuses": [*ended(AT), RUNS]},
        True,
        None,
    ),
    "a pod that runs": ({"phase": "Running", "containerStatuses": [RUNS]}, False, None),
}


@pytest.mark.parametrize(("status", "deleting", "at"), CASES.values(), ids=CASES)
def test_the_end_of_a_pod_is_read_from_what_kubernetes_says(
    *, status: dict[str, Any], deleting: bool, at: str | None
) -> None:
    metadata = {"name": "p", "namespace": "n", "uid": "u", **({"deletionTimestamp": LATER} if deleting else {})}
    assert parse_pod({"metadata": metadata, "spec": {}, "status": status}).finished_at == parse_time(at)
