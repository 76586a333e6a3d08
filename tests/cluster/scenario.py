"""A monitor as its user sees it, and how long each thing may take."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelmonitor_api.findings import FindingCode
from modelmonitor_api.status import Finding, HealthState, ModelMonitorStatus
from modelmonitor_testbed.kubectl import Kubectl, wait_until

VERDICT_SECONDS = 60.0
CHANGE_SECONDS = 45.0
CLEAR_SECONDS = 110.0
"""A finding about ratios goes when its window of one minute has passed."""

INTERVAL = "5s"
WINDOW = "1m"


def monitor_manifest(name: str, namespace: str, app: str, **spec: Any) -> dict[str, Any]:
    """A ModelMonitor that selects `app: …` and reads as fast as it may."""
    base: dict[str, Any] = {
        "selector": {"matchLabels": {"app": app}},
        "interval": INTERVAL,
        "health": {"window": WINDOW, "minimumRequests": 5},
    }
    return {
        "apiVersion": "modelmonitor.dev/v1alpha1",
        "kind": "ModelMonitor",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**base, **spec},
    }


@dataclass(frozen=True)
class MonitorView:
    """One ModelMonitor as `kubectl` shows it."""

    kubectl: Kubectl
    namespace: str
    name: str

    def status(self) -> ModelMonitorStatus:
        """What the status says now."""
        found = self.kubectl.get("modelmonitor", self.name, self.namespace)
        return ModelMonitorStatus.model_validate(found.get("status", {}))

    def finding(self, code: FindingCode) -> Finding | None:
        """The first finding of this code, None without one."""
        return next((f for f in self.status().health.findings if f.code is code), None)

    def condition(self, kind: str) -> tuple[str, str, str]:
        """Status, reason and message of a condition; empty where it is not there."""
        for each in self.status().conditions:
            if each.type == kind:
                return each.status.value, each.reason, each.message
        return "", "", ""

    def wait_for(self, code: FindingCode, seconds: float = CHANGE_SECONDS) -> Finding:
        """The finding, once it is there."""
        finding: Finding = wait_until(lambda: self.finding(code), seconds, self._told(f"shows {code}"))
        return finding

    def wait_without(self, code: FindingCode, seconds: float = CLEAR_SECONDS) -> None:
        """Return once the finding is gone."""
        wait_until(lambda: self.finding(code) is None, seconds, self._told(f"no longer shows {code}"))

    def wait_state(self, state: HealthState, seconds: float = VERDICT_SECONDS) -> ModelMonitorStatus:
        """The status, once its verdict is this."""

        def probe() -> ModelMonitorStatus | None:
            status = self.status()
            return status if status.health.state is state else None

        found: ModelMonitorStatus = wait_until(probe, seconds, self._told(f"is {state}"))
        return found

    def wait_condition(self, kind: str, status: str, reason: str = "", seconds: float = VERDICT_SECONDS) -> str:
        """The message of a condition, once it has this status (and reason)."""

        def probe() -> tuple[str, str, str] | None:
            seen = self.condition(kind)
            return seen if seen[0] == status and (not reason or seen[1] == reason) else None

        found: tuple[str, str, str] = wait_until(probe, seconds, self._told(f"has {kind}={status} {reason}"))
        return found[2]

    def _told(self, wanted: str) -> Callable[[], str]:
        """What is waited for, with what the status says at the end of the time."""

        def tell() -> str:
            health = self.status().health
            found = [f.message for f in health.findings]
            return f"{self.name} {wanted}; its status says {health.state} {health.reason}: {health.summary}; {found}"

        return tell
