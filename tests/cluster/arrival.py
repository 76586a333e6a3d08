"""What the tests of arrival ask of Prometheus, and the objects that they change."""

import json
from collections.abc import Callable
from typing import Any

from modelmonitor_api.alert_names import AlertName
from modelmonitor_api.names import object_name
from modelmonitor_testbed.installation import Installation
from modelmonitor_testbed.kubectl import wait_until
from modelmonitor_testbed.prometheus.api import Alert, PrometheusApi, PrometheusError, Target
from modelmonitor_testbed.prometheus.options import PrometheusOptions

RELEASE = {"release": "main"}
"""The label that the Prometheus of these tests selects by, as kube-prometheus-stack does."""
MAIN = PrometheusOptions(service_monitor_selector={"matchLabels": RELEASE}, rule_selector={"matchLabels": RELEASE})
ARRIVES_SECONDS = 45.0
QUICK = {"interval": "5s", "scrapeTimeout": "5s"}
AVAILABILITY = {"name": "availability", "type": "Availability", "target": "99", "minimumRequests": 5}
LATENCY = {"name": "latency", "type": "Latency", "target": "99", "threshold": "200ms", "minimumRequests": 5}


def quick_alert(name: AlertName) -> dict[str, Any]:
    """An override that lets an alert fire, and resolve, at once."""
    return {"name": name.value, "for": "0s", "keepFiringFor": "0s"}


def asked(probe: Callable[[], Any]) -> Callable[[], Any]:
    """A probe for `wait_until`: a Prometheus that does not answer yet is no answer yet."""

    def ask() -> Any:
        try:
            return probe()
        except PrometheusError:
            return None

    return ask


def targets_of(api: PrometheusApi, namespace: str, name: str) -> list[Target]:
    """The scrape targets of one ModelMonitor."""
    wanted = {"namespace": namespace, "service": object_name(name)}
    return [target for target in api.targets() if wanted.items() <= dict(target.labels).items()]


def wait_targets_up(api: PrometheusApi, namespace: str, name: str, endpoints: set[str]) -> list[Target]:
    """The targets of a monitor once they are exactly one for each of these endpoints, all up."""

    def probe() -> list[Target]:
        found = targets_of(api, namespace, name)
        up = sorted(target.labels["endpoint"] for target in found if target.health == "up")
        return found if up == sorted(endpoints) == sorted(target.labels["endpoint"] for target in found) else []

    def told() -> str:
        seen = [(t.labels["endpoint"], t.health, t.last_error) for t in targets_of(api, namespace, name)]
        return f"Prometheus scrapes {sorted(endpoints)} of {namespace}/{name}; it has {seen}"

    found: list[Target] = wait_until(asked(probe), ARRIVES_SECONDS, told)
    return found


def firing(api: PrometheusApi, namespace: str, name: str, alert: AlertName) -> Alert | None:
    """An alert of a monitor that fires; None where it does not."""
    wanted = {"alertname": alert.value, "namespace": namespace, "modelmonitor": name}
    return next((a for a in api.alerts() if a.state == "firing" and wanted.items() <= dict(a.labels).items()), None)


def set_labels(house: Installation, namespace: str, name: str, labels: dict[str, str] | None) -> None:
    """Change `spec.prometheus.labels` of a ModelMonitor, as its team would."""
    patch = json.dumps({"spec": {"prometheus": {"labels": labels}}})
    house.kubectl.run("patch", "modelmonitor", name, "--namespace", namespace, "--type", "merge", "--patch", patch)
