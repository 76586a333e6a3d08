"""The PrometheusRule of a ModelMonitor: alerts as the table and the team's overrides want them, and error budgets."""

from collections.abc import Iterator, Mapping

from modelmonitor_api import names
from modelmonitor_api.alert_names import RESERVED_ALERT_LABELS
from modelmonitor_api.alerts import ALERTS, AlertDefinition
from modelmonitor_api.promql import template_text
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.spec_monitoring import AlertOverride, AlertsSpec
from modelmonitor_api.status import ObjectiveMethod
from modelmonitor_operator.desired.monitor_child import build_child_metadata
from modelmonitor_operator.desired.prometheus_rule_alerts import (
    build_absence_group,
    build_finding_group,
    build_pipeline_group,
)
from modelmonitor_operator.desired.prometheus_rule_objectives import build_objective_groups
from modelmonitor_operator.desired.prometheus_rule_parts import AlertRule, RecordingRule, RuleGroup
from modelmonitor_operator.objects import PROMETHEUS_RULE
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json, Settings

_SEVERITY_OF_FINDING = "{{ $labels.severity | toLower }}"


def build_prometheus_rule(settings: Settings, monitor: Monitor, methods: Mapping[str, ObjectiveMethod]) -> Json:
    """The PrometheusRule; `methods` says by the name of an objective how it can be judged.

    A monitor whose spec cannot be read has no rules, and a suspended one no alerts: its error budgets go on.
    Source: https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRule
    """
    spec = monitor.spec
    asked = spec.prometheus.labels if spec is not None else {}
    groups = [] if spec is None else list(_groups(monitor, spec, methods))
    return {
        "apiVersion": PROMETHEUS_RULE.api_version,
        "kind": PROMETHEUS_RULE.kind,
        "metadata": build_child_metadata(monitor, {**settings.monitoring.labels, **asked}),
        "spec": {"groups": [rendered for group in groups if (rendered := _render_group(settings, monitor, group))]},
    }


def rule_names(manifest: Json) -> tuple[str, ...]:
    """Names of the alerts and series that a PrometheusRule holds, each once, in its order."""
    rules = (rule for group in manifest["spec"]["groups"] for rule in group["rules"])
    return tuple(dict.fromkeys(rule.get("alert") or rule["record"] for rule in rules))


def _groups(monitor: Monitor, spec: ModelMonitorSpec, methods: Mapping[str, ObjectiveMethod]) -> Iterator[RuleGroup]:
    alerting = not spec.suspend
    if alerting:
        yield build_finding_group(monitor.ref)
        yield build_pipeline_group(monitor.ref, spec)
        yield build_absence_group(monitor.ref)
    yield from build_objective_groups(monitor.ref, spec, methods, alerting=alerting)


def _render_group(settings: Settings, monitor: Monitor, group: RuleGroup) -> Json | None:
    spec = monitor.spec.alerts if monitor.spec is not None else AlertsSpec()
    overrides = {override.name: override for override in spec.overrides}
    rules: list[Json] = []
    for rule in group.rules:
        if isinstance(rule, RecordingRule):
            rules.append({"record": str(rule.record), "expr": rule.expr, "labels": dict(rule.labels)})
        elif not (override := overrides.get(rule.name, AlertOverride(name=rule.name))).disabled:
            rules.append(_render_alert(settings, monitor, rule, override))
    return {"name": group.name, "interval": f"{group.interval_seconds}s", "rules": rules} if rules else None


def _render_alert(settings: Settings, monitor: Monitor, rule: AlertRule, override: AlertOverride) -> Json:
    definition = ALERTS[rule.name]
    keep_firing_for = override.keep_firing_for or definition.keep_firing_for
    return {
        "alert": rule.name.value,
        "expr": rule.expr,
        "for": override.for_ or definition.for_,
        **({"keep_firing_for": keep_firing_for} if keep_firing_for else {}),
        "labels": _alert_labels(settings, monitor, rule, override),
        "annotations": _annotations(settings, monitor, definition),
    }


def _alert_labels(settings: Settings, monitor: Monitor, rule: AlertRule, override: AlertOverride) -> dict[str, str]:
    of_spec = monitor.spec.alerts.labels if monitor.spec is not None else {}
    given = {**settings.monitoring.alert_labels, **of_spec, **override.labels}
    chosen = {name: value for name, value in given.items() if name not in RESERVED_ALERT_LABELS}
    own = {**rule.labels, names.LABEL_NAMESPACE: monitor.ref.namespace, names.LABEL_MONITOR: monitor.ref.name}
    labels = {name: template_text(value) for name, value in {**chosen, **own}.items()}
    severity = override.severity or ALERTS[rule.name].severity
    return {**labels, "severity": severity.value if severity is not None else _SEVERITY_OF_FINDING}


def _annotations(settings: Settings, monitor: Monitor, definition: AlertDefinition) -> dict[str, str]:
    of_spec = monitor.spec.alerts.runbook_base_url if monitor.spec is not None else ""
    base = of_spec or settings.runbook_base_url
    runbook = {"runbook_url": template_text(f"{base.rstrip('/')}/{definition.runbook}")} if base else {}
    return {"summary": definition.summary, "description": definition.description, **runbook}
