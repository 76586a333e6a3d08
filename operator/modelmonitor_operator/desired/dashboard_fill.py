"""What a dashboard says about one monitor alone: names, objectives, and thresholds at the monitor's own limits."""

from collections.abc import Callable, Mapping
from copy import deepcopy

from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.spec_objectives import PERIOD_DAYS, Objective
from modelmonitor_operator.desired.dashboard_panels import ModelPanel
from modelmonitor_operator.desired.dashboard_text import link_base, markdown_text
from modelmonitor_operator.settings import Json

MAX_PATTERN_CHARACTERS = 400
"""Of the model patterns of one objective; the rest are counted, so that a dashboard stays far below 1 MiB."""

_LIMIT, _OBJECTIVE, _BASE = "red", "orange", "green"


def fill_dashboard(template: Json, variables: Mapping[str, str], spec: ModelMonitorSpec, runbooks: str) -> Json:
    """The dashboard of one monitor; `variables` are the constants that its queries name."""
    dashboard = deepcopy(template)
    for variable in dashboard["templating"]["list"]:
        if variable["name"] in variables:
            value = variables[variable["name"]]
            variable["query"] = value
            variable["current"] = {"selected": True, "text": value, "value": value}
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            target["interval"] = spec.prometheus.interval
        if filler := _FILLERS.get(panel["id"]):
            filler(panel, spec)
        if panel["id"] == ModelPanel.FINDINGS:
            _link_runbooks(panel, runbooks)
    return dashboard


def _failures(panel: Json, spec: ModelMonitorSpec) -> None:
    _set_thresholds(panel, {float(spec.health.max_failure_ratio): _LIMIT})


def _latency(panel: Json, spec: ModelMonitorSpec) -> None:
    """Where a limit is also an objective's threshold, it is the limit that is drawn."""
    steps = {o.threshold_seconds: _OBJECTIVE for o in spec.objectives if o.threshold_seconds is not None}
    if spec.health.max_latency_seconds is not None:
        steps[spec.health.max_latency_seconds] = _LIMIT
    _set_thresholds(panel, steps)


def _temperature(panel: Json, spec: ModelMonitorSpec) -> None:
    _set_thresholds(panel, {float(spec.health.gpu.max_temperature_celsius): _LIMIT})


def _objectives(panel: Json, spec: ModelMonitorSpec) -> None:
    if spec.objectives:
        panel["options"]["content"] = "\n".join(f"- {_promise(objective)}" for objective in spec.objectives)


_FILLERS: Mapping[int, Callable[[Json, ModelMonitorSpec], None]] = {
    ModelPanel.FAILURES: _failures,
    ModelPanel.LATENCY: _latency,
    ModelPanel.TEMPERATURE: _temperature,
    ModelPanel.OBJECTIVES: _objectives,
}


def _set_thresholds(panel: Json, steps: Mapping[float, str]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    base = [{"color": _BASE, "value": None}]
    rest = [{"color": color, "value": value} for value, color in sorted(steps.items())]
    defaults["thresholds"] = {"mode": "absolute", "steps": base + rest}
    defaults["custom"]["thresholdsStyle"] = {"mode": "dashed" if rest else "off"}


def _promise(objective: Objective) -> str:
    name, target = markdown_text(objective.name), markdown_text(objective.target)
    what = "of the requests succeed"
    if objective.threshold is not None:
        what = f"within {markdown_text(objective.threshold)}"
    return f"**{name}**: {target} % {what}, over {PERIOD_DAYS} days. Models: {_patterns(objective.models)}"


def _patterns(patterns: tuple[str, ...]) -> str:
    """As many as fit, at least the beginning of the first; the others are counted."""
    shown: list[str] = []
    room = MAX_PATTERN_CHARACTERS
    for pattern in patterns:
        if shown and len(pattern) > room:
            break
        shown.append(markdown_text(pattern))
        room -= len(pattern)
    rest = len(patterns) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _link_runbooks(panel: Json, runbooks: str) -> None:
    """Each code leads to its page; without a place for runbooks there is no link."""
    for override in panel["fieldConfig"]["overrides"]:
        for each in override["properties"]:
            if each["id"] == "links":
                each["value"] = [{**link, "url": f"{link_base(runbooks)}/{link['url']}"} for link in each["value"]]
        if not runbooks:
            override["properties"] = [each for each in override["properties"] if each["id"] != "links"]
