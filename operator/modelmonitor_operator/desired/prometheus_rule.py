"""The PrometheusRule of a ModelMonitor: alerts as the table and the team's overrides want them, and error budgets."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelmonitor_api import names
from modelmonitor_api.alert_names import RESERVED_ALERT_LABELS
from modelmonitor_api.alerts import ALERTS, AlertDefinition
from modelmonitor_api.promql import template_text
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.spec_monitoring import AlertOverride, Mode
from modelmonitor_api.status import ObjectiveMethod
from modelmonitor_operator.desired.dashboard import dashboard_uid
from modelmonitor_operator.desired.monitor_child import build_child_metadata
from modelmonitor_operator.desired.prometheus_rule_alerts import (
    build_absence_group,
    build_finding_group,
    build_pipeline_group,
)
from modelmonitor_operator.desired.prometheus_rule_cost import build_cost_groups
from modelmonitor_operator.desired.prometheus_rule_objectives import build_objective_groups
from modelmonitor_operator.desired.prometheus_rule_parts import AlertRule, RecordingRule, RuleGroup
from modelmonitor_operator.objects import PROMETHEUS_RULE
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json, Settings

MAX_RULE_BYTES = 512 * 1024
"""Longer rules are left out by prometheus-operator, and only its log says so.

Source: `MaxConfigMapDataSize`,
https://github.com/prometheus-operator/prometheus-operator/blob/v0.85.0/pkg/operator/rules.go
"""
_LONGEST_INDENT = 16
_INDENTS = 1.05
_SEVERITY_OF_FINDING = "{{ $labels.severity | toLower }}"


def build_prometheus_rule(settings: Settings, monitor: Monitor, methods: Mapping[str, ObjectiveMethod]) -> Json:
    """The PrometheusRule; `methods` says by the name of an objective how it can be judged.

    A monitor that is suspended, or whose spec cannot be read, has no rules: nobody reads its pods.
    Source: https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRule
    """
    spec = monitor.spec
    asked = spec.prometheus.labels if spec is not None else {}
    return {
        "apiVersion": PROMETHEUS_RULE.api_version,
        "kind": PROMETHEUS_RULE.kind,
        "metadata": build_child_metadata(monitor, {**settings.monitoring.labels, **asked}),
        "spec": {
            "groups": list(_Renderer(settings, monitor, spec).groups(methods)) if spec and not spec.suspend else []
        },
    }


def rule_names(manifest: Json) -> tuple[str, ...]:
    """Names of the alerts and series that a PrometheusRule holds, each once, in its order."""
    rules = (rule for group in manifest["spec"]["groups"] for rule in group["rules"])
    return tuple(dict.fromkeys(rule.get("alert") or rule["record"] for rule in rules))


def too_long_message(manifest: Json) -> str:
    """Why no Prometheus would get a PrometheusRule, with the mend; empty where one would."""
    length = _longest_yaml(manifest["spec"])
    if length <= MAX_RULE_BYTES:
        return ""
    return (
        f"its rules may take {length} bytes, and prometheus-operator leaves out what is longer than {MAX_RULE_BYTES}: "
        "use fewer or shorter spec.objectives[].models, labels of spec.alerts, or objectives"
    )


def _longest_yaml(spec: Json) -> int:
    """At most what YAML takes: about as much as JSON, but for quotes that are doubled and lines that are indented."""
    text = json.dumps(spec)
    return round(_INDENTS * len(text)) + text.count("'") + _LONGEST_INDENT * text.count("\\n")


@dataclass(frozen=True, slots=True)
class _Renderer:
    """Rules as Prometheus reads them: what the table says, and what the team and the administrator want different."""

    settings: Settings
    monitor: Monitor
    spec: ModelMonitorSpec

    def groups(self, methods: Mapping[str, ObjectiveMethod]) -> Iterator[Json]:
        who = self.monitor.ref
        yield from self._group(build_finding_group(who, self.spec))
        yield from self._group(build_pipeline_group(who, self.spec))
        yield from self._group(build_absence_group(who))
        for group in build_objective_groups(who, self.spec, methods):
            yield from self._group(group)
        for group in build_cost_groups(who, self.spec) if self.settings.cost.enabled else ():
            yield from self._group(group)

    def _group(self, group: RuleGroup) -> Iterator[Json]:
        """The group; nothing where every alert of it is disabled."""
        rules = [rendered for rule in group.rules if (rendered := self._rule(rule)) is not None]
        if rules:
            yield {"name": group.name, "interval": f"{group.interval_seconds}s", "rules": rules}

    def _rule(self, rule: RecordingRule | AlertRule) -> Json | None:
        if isinstance(rule, RecordingRule):
            return {"record": str(rule.record), "expr": rule.expr, "labels": dict(rule.labels)}
        overrides = (override for override in self.spec.alerts.overrides if override.name is rule.name)
        override = next(overrides, AlertOverride(name=rule.name))
        return None if override.disabled else self._alert(rule, override)

    def _alert(self, rule: AlertRule, override: AlertOverride) -> Json:
        definition = ALERTS[rule.name]
        keep_firing_for = override.keep_firing_for or definition.keep_firing_for
        return {
            "alert": rule.name.value,
            "expr": rule.expr,
            "for": override.for_ or definition.for_,
            **({"keep_firing_for": keep_firing_for} if keep_firing_for else {}),
            "labels": self._labels(rule, override),
            "annotations": self._annotations(definition),
        }

    def _labels(self, rule: AlertRule, override: AlertOverride) -> dict[str, str]:
        given = {**self.settings.monitoring.alert_labels, **self.spec.alerts.labels, **override.labels}
        chosen = {name: value for name, value in given.items() if name not in RESERVED_ALERT_LABELS}
        who = self.monitor.ref
        own = {**rule.labels, names.LABEL_NAMESPACE: who.namespace, names.LABEL_MONITOR: who.name}
        labels = {name: template_text(value) for name, value in {**chosen, **own}.items()}
        severity = override.severity or ALERTS[rule.name].severity
        return {**labels, "severity": severity.value if severity is not None else _SEVERITY_OF_FINDING}

    def _annotations(self, definition: AlertDefinition) -> dict[str, str]:
        annotations = {"summary": definition.summary, "description": definition.description}
        if base := self.spec.alerts.runbook_base_url or self.settings.runbook_base_url:
            annotations["runbook_url"] = template_text(f"{base.rstrip('/')}/{definition.runbook}")
        if self.settings.dashboards.enabled and self.spec.dashboards.config_map is not Mode.DISABLED:
            annotations["dashboard_uid"] = dashboard_uid(self.monitor)
        return annotations
