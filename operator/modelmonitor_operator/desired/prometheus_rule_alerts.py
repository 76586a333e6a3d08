"""Expressions of the alerts on findings, on the pipeline, and on what is absent.

An alert's identity is what the expression leaves of the labels, so each one drops `instance` and what else changes when
a sidecar or the leader moves: a change of leader starts no second alert beside the first.
"""

from collections.abc import Collection, Iterator

from modelmonitor_api import names
from modelmonitor_api.alert_names import AlertName, finding_alert
from modelmonitor_api.finding_codes import FindingCode
from modelmonitor_api.names import LEADER_PORT_NAME, SIDECAR_PORT_NAME, MonitorRef
from modelmonitor_api.promql import equals
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_operator.desired.prometheus_rule_parts import (
    BY_MONITOR,
    AlertRule,
    RecordingRule,
    RuleGroup,
    select,
    select_up,
)

LAST_RUNNING_PODS = "modelmonitor:running_pods:last"
"""What the leader said last; the rule reads itself, so that it remembers for as long as Prometheus runs."""
_MEMORY = "1h"
"""How long Prometheus may be down without forgetting what the leader said last."""
_STALE_READINGS = 4
_STALE_SECONDS = 120
_GPU_STALE_SECONDS = 300


def build_finding_group(monitor: MonitorRef, spec: ModelMonitorSpec) -> RuleGroup:
    """One alert for each finding of the table."""
    overridden = {override.name for override in spec.alerts.overrides if override.severity is not None}
    return RuleGroup("modelmonitor.findings", tuple(_finding(monitor, code, overridden) for code in FindingCode))


def _finding(monitor: MonitorRef, code: FindingCode, overridden: Collection[AlertName]) -> AlertRule:
    """Without the finding's severity where it is overridden.

    At a change of leader two pages may differ in it: that would be two alerts with the same labels, and Prometheus
    refuses a rule that gives them.
    """
    found = select(monitor, "modelmonitor_finding", equals("code", code.value))
    severity = "" if finding_alert(code) in overridden else "severity, "
    return AlertRule(finding_alert(code), f"max by ({BY_MONITOR}, code, {severity}kind, object) ({found})")


def build_pipeline_group(monitor: MonitorRef, spec: ModelMonitorSpec) -> RuleGroup:
    """Alerts on what stands between Triton, the sidecars, the leader and Prometheus."""
    return RuleGroup("modelmonitor.pipeline", tuple(_pipeline(monitor, spec)))


def _pipeline(monitor: MonitorRef, spec: ModelMonitorSpec) -> Iterator[AlertRule]:
    sidecars, leader = select_up(monitor, SIDECAR_PORT_NAME), select_up(monitor, LEADER_PORT_NAME)
    yield AlertRule(AlertName.SIDECAR_DOWN, f"max by (namespace, service, node) ({sidecars}) == 0")
    yield AlertRule(AlertName.LEADER_DOWN, f"max by (namespace, service) ({leader}) == 0")
    up = select(monitor, "modelmonitor_target_up")
    yield AlertRule(AlertName.TARGET_DOWN, f"max by ({BY_MONITOR}, pod, endpoint) ({up}) == 0")
    read = select(monitor, "modelmonitor_target_last_reading_timestamp_seconds")
    oldest = max(_STALE_SECONDS, _STALE_READINGS * spec.interval_seconds)
    yield AlertRule(AlertName.TARGET_STALE, f"time() - max by ({BY_MONITOR}, pod) ({read}) > {oldest}")
    page, triton = (select(monitor, f"modelmonitor_{kind}_dropped_series") for kind in ("page", "target"))
    left_out = f"max by ({BY_MONITOR}, node) ({page}) > 0 or max by ({BY_MONITOR}, node, pod) ({triton}) > 0"
    yield AlertRule(AlertName.SERIES_DROPPED, left_out)


def build_absence_group(monitor: MonitorRef) -> RuleGroup:
    """One alert for each kind of input that may be missing, silent where there is nothing to be had.

    None of them needs the leader in order to fire: what the sidecars see of pods, models and GPUs is on their own
    pages, and that no pod runs is remembered.
    """
    return RuleGroup("modelmonitor.absence", tuple(_absence(monitor)))


def _absence(monitor: MonitorRef) -> Iterator[RecordingRule | AlertRule]:
    last = select(monitor, LAST_RUNNING_PODS)
    own = {names.LABEL_NAMESPACE: monitor.namespace, names.LABEL_MONITOR: monitor.name}
    yield RecordingRule(LAST_RUNNING_PODS, _last_running(monitor, last), own)
    sidecar_page, leader_page = (
        select(monitor, "modelmonitor_page_series"),
        select(monitor, "modelmonitor_health_state"),
    )
    yield AlertRule(AlertName.NOT_SCRAPED, f"absent({sidecar_page}) unless on ({BY_MONITOR}) ({last} == 0)")
    yield AlertRule(AlertName.LEADER_NOT_SCRAPED, f"absent({leader_page})")
    yield AlertRule(AlertName.TRITON_COUNTERS_ABSENT, _counters_absent(monitor))
    yield AlertRule(AlertName.GPU_READINGS_ABSENT, _gpu_readings_absent(monitor))


def _last_running(monitor: MonitorRef, last: str) -> str:
    running = select(monitor, "modelmonitor_pods", equals("state", "running"))
    return f"max by ({BY_MONITOR}) ({running}) or max by ({BY_MONITOR}) (last_over_time({last}[{_MEMORY}]))"


def _counters_absent(monitor: MonitorRef) -> str:
    ready = select(monitor, "modelmonitor_model_ready")
    page = select(monitor, "nv_inference_request_success")
    statistics = select(monitor, "modelmonitor_model_requests_total")
    both = f"count by ({BY_MONITOR}) ({page}) and count by ({BY_MONITOR}) ({statistics})"
    return f"(count by ({BY_MONITOR}) ({ready} == 1) > 0) unless ({both})"


def _gpu_readings_absent(monitor: MonitorRef) -> str:
    """Of GPUs that a container holds alone: no reading of a shared one can be a pod's, so none is on the page."""
    alone = select(monitor, "modelmonitor_pod_gpu_allocation_info", equals("sharing", "exclusive"))
    read = select(monitor, "modelmonitor_pod_gpu_last_reading_timestamp_seconds")
    fresh = f"count by ({BY_MONITOR}) (time() - {read} < {_GPU_STALE_SECONDS})"
    return f"count by ({BY_MONITOR}) ({alone}) unless {fresh}"
