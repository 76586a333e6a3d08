"""kstatus' rules for a custom resource, written down from its README, as Helm 4 `--wait` and Flux apply them.

Source: https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
"""

from enum import StrEnum
from typing import Any


class KStatus(StrEnum):
    """kstatus' words."""

    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    CURRENT = "Current"
    TERMINATING = "Terminating"


def compute(obj: dict[str, Any]) -> KStatus:
    """The status that kstatus gives the object."""
    metadata, status = obj["metadata"], obj.get("status", {})
    if "deletionTimestamp" in metadata:
        return KStatus.TERMINATING
    if "observedGeneration" in status and status["observedGeneration"] != metadata["generation"]:
        return KStatus.IN_PROGRESS
    abnormal = {"Reconciling": KStatus.IN_PROGRESS, "Stalled": KStatus.FAILED}
    conditions = status.get("conditions", [])
    for condition in conditions:
        if condition["type"] in abnormal and condition["status"] == "True":
            return abnormal[condition["type"]]
    ready = next((each for each in conditions if each["type"] == "Ready"), None)
    return KStatus.CURRENT if ready is None or ready["status"] == "True" else KStatus.IN_PROGRESS
