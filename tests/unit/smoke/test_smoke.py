"""What `helm test` makes and when it is content."""

from typing import Any

import pytest

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_operator.smoke import POD_LABEL, SmokeTest, build_test_monitor, judge

TEST = SmokeTest(MonitorRef("team-a", "modelmonitor-test"), "modelmonitor", 120.0, 8000, "pod", "uid-1")


def test_the_model_monitor_selects_the_pod_of_the_test_and_goes_with_it() -> None:
    manifest = build_test_monitor(TEST)
    spec = ModelMonitorSpec.model_validate(manifest["spec"])
    assert spec.selector.match_labels == {POD_LABEL: "modelmonitor"}
    assert (spec.triton.http_port, spec.triton.metrics_port) == (8000, 8000)
    assert [owner["uid"] for owner in manifest["metadata"]["ownerReferences"]] == ["uid-1"]


def test_it_brings_no_scrape_no_alert_and_no_dashboard() -> None:
    spec = ModelMonitorSpec.model_validate(build_test_monitor(TEST)["spec"])
    modes = (spec.prometheus.service_monitor, spec.alerts.prometheus_rule, spec.dashboards.config_map)
    assert {mode.value for mode in modes} == {"Disabled"}


def monitor(*conditions: tuple[str, str, str], observed: int = 2) -> dict[str, Any]:
    listed = [{"type": kind, "status": status, "reason": reason, "message": "m"} for kind, status, reason in conditions]
    return {"metadata": {"generation": 2}, "status": {"observedGeneration": observed, "conditions": listed}}


@pytest.mark.parametrize(
    ("manifest", "content"),
    [
        pytest.param({"metadata": {"generation": 1}}, False, id="no status"),
        pytest.param(monitor(), False, id="no condition"),
        pytest.param(monitor(("Ready", "False", "ReadingsPending")), False, id="not ready"),
        pytest.param(monitor(("Ready", "Unknown", "x")), False, id="unknown"),
        pytest.param(monitor(("Ready", "True", "Monitoring"), observed=1), False, id="ready for an older spec"),
        pytest.param(monitor(("Ready", "True", "Monitoring")), True, id="ready"),
    ],
)
def test_it_is_content_with_ready_for_the_newest_generation_alone(manifest: dict[str, Any], *, content: bool) -> None:
    assert judge(manifest)[0] is content


def test_what_it_prints_says_why() -> None:
    told = judge(monitor(("Ready", "False", "SidecarsFailed"), ("SidecarsReady", "False", "NotCreated")))[1]
    assert told == "Ready=False (SidecarsFailed: m); SidecarsReady=False (NotCreated: m)"
