"""The status follows Prometheus objects: the label to add is named, and adding it heals the condition."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.children import optional_crds
from tests.apiserver.installation import Installation, condition

KIND = "MonitoringSelected"
BY_RELEASE = {"matchLabels": {"release": "main"}}
EVERYWHERE: dict[str, Any] = {"serviceMonitorNamespaceSelector": {}, "ruleNamespaceSelector": {}}
PATIENCE_SECONDS = 20


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with optional_crds(kubectl):
        folder = tmp_path_factory.mktemp("arrival")
        installation = Installation(kubectl, folder, "arrival", overrides={"watchNamespaces": []})
        installation.prepare()
        installation.start()
        kubectl.apply(installation.monitor())
        yield installation
        installation.stop()


def prometheus(installed: Installation, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "Prometheus",
        "metadata": {"name": "main", "namespace": installed.tenant},
        "spec": {"serviceMonitorSelector": BY_RELEASE, "ruleSelector": BY_RELEASE, **EVERYWHERE, **spec},
    }


def says(installed: Installation, status: str, reason: str) -> Callable[[], dict[str, Any] | None]:
    def look() -> dict[str, Any] | None:
        found = condition(installed.status(), KIND)
        return found if (found.get("status"), found.get("reason")) == (status, reason) else None

    return look


def wait_for(installed: Installation, status: str, reason: str) -> str:
    def told() -> str:
        return f"{KIND} is {status} with {reason}, not {condition(installed.status(), KIND)}"

    found = wait_until(says(installed, status, reason), PATIENCE_SECONDS, told)
    return str(found["message"])


def test_without_a_prometheus_nobody_can_say(installed: Installation) -> None:
    assert "ScrapeVerified" in wait_for(installed, "Unknown", "NoPrometheus")


def test_the_label_that_is_missing_is_named_and_adding_it_heals(installed: Installation) -> None:
    installed.kubectl.apply(prometheus(installed))
    told = wait_for(installed, "False", "NotSelected")
    assert "release=main" in told
    assert "set spec.prometheus.labels: {release: main}" in told
    patch = json.dumps({"spec": {"prometheus": {"labels": {"release": "main"}}}})
    installed.kubectl.run("patch", "mm", "fraud", "-n", installed.tenant, "--type=merge", "-p", patch)
    assert f"Prometheus {installed.tenant}/main" in wait_for(installed, "True", "Selected")


def test_a_label_of_the_namespace_is_asked_for_and_found(installed: Installation) -> None:
    by_namespace = {"serviceMonitorNamespaceSelector": {"matchLabels": {"monitored": "yes"}}}
    installed.kubectl.apply(prometheus(installed, **by_namespace))
    told = wait_for(installed, "False", "ServiceMonitorNotSelected")
    command = f"kubectl label namespace {installed.tenant} monitored=yes"
    assert command in told
    installed.kubectl.run(*command.split()[1:])
    wait_for(installed, "True", "Selected")


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        pytest.param({"paused": True}, "Paused", id="paused"),
        pytest.param({"overrideHonorLabels": True}, "HonorLabelsOverridden", id="labels overridden"),
        pytest.param({"enforcedNamespaceLabel": "node"}, "EnforcedLabelCollides", id="an enforced label of ours"),
    ],
)
def test_a_setting_that_stands_in_the_way_is_named(
    setting: dict[str, Any], reason: str, installed: Installation
) -> None:
    installed.kubectl.apply(prometheus(installed, **setting))
    assert next(iter(setting)) in wait_for(installed, "False", reason)


def test_settings_that_do_no_harm_do_not_matter(installed: Installation) -> None:
    harmless = {"ignoreNamespaceSelectors": True, "enforcedNamespaceLabel": "namespace"}
    installed.kubectl.apply(prometheus(installed, **harmless))
    wait_for(installed, "True", "Selected")
    installed.kubectl.apply(prometheus(installed, **harmless, enforcedSampleLimit=5000))
    assert "spec.prometheus.sampleLimit: 4000" in wait_for(installed, "True", "LimitBelowSampleLimit")


def test_what_is_selected_is_an_event(installed: Installation) -> None:
    def told() -> set[str]:
        items = installed.kubectl.get("events", namespace=installed.tenant)["items"]
        return {item["reason"] for item in items if item["involvedObject"]["kind"] == "ModelMonitor"}

    wait_until(lambda: {"NotSelected", KIND} <= told(), PATIENCE_SECONDS, "both are Events")
