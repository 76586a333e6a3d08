"""Which objects each ModelMonitor owns: one line a kind, with who wants it and who builds it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from modelmonitor_api import names
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.spec_monitoring import Mode
from modelmonitor_api.status import ObjectiveMethod
from modelmonitor_operator.desired.dashboard import build_dashboard
from modelmonitor_operator.desired.endpoints import LeaderAddress, build_endpoints, left_out_message
from modelmonitor_operator.desired.grafana_dashboard import build_grafana_dashboard
from modelmonitor_operator.desired.prometheus_rule import build_prometheus_rule, too_long_message
from modelmonitor_operator.desired.service import build_service
from modelmonitor_operator.desired.service_monitor import build_service_monitor
from modelmonitor_operator.objects import (
    CONFIG_MAP,
    ENDPOINTS,
    GRAFANA_DASHBOARD,
    PROMETHEUS_RULE,
    SERVICE,
    SERVICE_MONITOR,
    ResourceKind,
)
from modelmonitor_operator.observed import Monitor, SidecarPod
from modelmonitor_operator.settings import Json, Settings


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What the objects of one monitor are made of.

    Attributes:
        methods: by what each objective is judged, by its name.
        sidecars: one a node, of the nodes with pods to read.
        leader: where the leader's pages are; None where that is not known.
    """

    settings: Settings
    monitor: Monitor
    methods: Mapping[str, ObjectiveMethod] = field(default_factory=dict)
    sidecars: tuple[SidecarPod, ...] = ()
    leader: LeaderAddress | None = None


class Action(StrEnum):
    """What is wanted of an object."""

    KEEP = "Keep"
    """It is there, and as we build it."""
    REMOVE = "Remove"
    LEAVE = "Leave"
    """Whatever is there stays as it is."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted, and why not more."""

    action: Action
    reason: str = ""


_KEEP, _LEAVE = Wish(Action.KEEP), Wish(Action.LEAVE)
_GOING = Wish(Action.REMOVE, "the ModelMonitor is being deleted")


def _targets(_settings: Settings, monitor: Monitor) -> Wish:
    return _LEAVE if monitor.deleting or monitor.spec is None else _KEEP


def _for_prometheus(field_name: str, mode: Callable[[ModelMonitorSpec], Mode]) -> "WishFor":
    """An unread monitor must not page anybody, so it has neither scrapes nor rules."""

    def wish(_settings: Settings, monitor: Monitor) -> Wish:
        if monitor.deleting:
            return _GOING
        if monitor.spec is None:
            return _LEAVE
        if monitor.spec.suspend:
            return Wish(Action.REMOVE, "spec.suspend is true")
        return Wish(Action.REMOVE, f"{field_name} is Disabled") if mode(monitor.spec) is Mode.DISABLED else _KEEP

    return wish


def _for_grafana(field_name: str, mode: Callable[[ModelMonitorSpec], Mode]) -> "WishFor":
    def wish(settings: Settings, monitor: Monitor) -> Wish:
        if monitor.deleting or monitor.spec is None:
            return _LEAVE
        if not settings.dashboards.enabled:
            return Wish(Action.REMOVE, "dashboards are switched off in the operator's settings (dashboards.enabled)")
        return Wish(Action.REMOVE, f"{field_name} is Disabled") if mode(monitor.spec) is Mode.DISABLED else _KEEP

    return wish


def _grafana_dashboard_mode(spec: ModelMonitorSpec) -> Mode:
    """It refers to the ConfigMap, so there is none without that."""
    return Mode.DISABLED if spec.dashboards.config_map is Mode.DISABLED else spec.dashboards.grafana_dashboard


WishFor = Callable[[Settings, Monitor], Wish]


@dataclass(frozen=True, slots=True)
class ChildKind:
    """One kind of object.

    Attributes:
        provider: who brings the kind's CRD; empty for Kubernetes' own kinds.
        least: what a new object is made with besides its metadata, of its manifest; None where that is all of it.
        remark: what people must know although the object is there; empty where nothing.
        objection: why a manifest must not be written, with the mend; empty where it may.
        removable: whether the operator deletes one that it no longer wants; others go with their ModelMonitor alone.
    """

    kind: ResourceKind
    wish: WishFor
    build: Callable[[Ingredients], Json]
    provider: str = ""
    least: Callable[[Json], Json] | None = lambda _: {}
    remark: Callable[[Ingredients], str] = lambda _: ""
    objection: Callable[[Json], str] = lambda _: ""
    removable: bool = True


TARGET_KINDS = (
    ChildKind(
        SERVICE,
        _targets,
        lambda i: build_service(i.settings, i.monitor),
        least=lambda _: {"spec": {"clusterIP": "None"}},
        removable=False,
    ),
    ChildKind(
        ENDPOINTS,
        _targets,
        lambda i: build_endpoints(i.monitor, i.sidecars, i.leader),
        least=None,
        remark=lambda i: left_out_message(i.sidecars),
        removable=False,
    ),
)
"""Those that follow pods and sidecars; the operator has no right to delete any Service or Endpoints."""

OBJECT_KINDS: tuple[ChildKind, ...] = (
    ChildKind(
        SERVICE_MONITOR,
        _for_prometheus("spec.prometheus.serviceMonitor", lambda spec: spec.prometheus.service_monitor),
        lambda i: build_service_monitor(i.settings, i.monitor),
        "prometheus-operator",
        lambda _: {"spec": {"selector": {}, "endpoints": []}},
    ),
    ChildKind(
        PROMETHEUS_RULE,
        _for_prometheus("spec.alerts.prometheusRule", lambda spec: spec.alerts.prometheus_rule),
        lambda i: build_prometheus_rule(i.settings, i.monitor, i.methods),
        "prometheus-operator",
        lambda _: {"spec": {}},
        objection=too_long_message,
    ),
    ChildKind(
        CONFIG_MAP,
        _for_grafana("spec.dashboards.configMap", lambda spec: spec.dashboards.config_map),
        lambda i: build_dashboard(i.settings, i.monitor),
    ),
    ChildKind(
        GRAFANA_DASHBOARD,
        _for_grafana("spec.dashboards.grafanaDashboard", _grafana_dashboard_mode),
        lambda i: build_grafana_dashboard(i.settings, i.monitor),
        "grafana-operator",
        lambda manifest: {"spec": manifest["spec"]},
    ),
)
"""Those that follow the spec."""


GRAFANA_KINDS = frozenset({CONFIG_MAP, GRAFANA_DASHBOARD})
"""Those that may lie in the one namespace of all dashboards."""


def home_of(settings: Settings, monitor: Monitor, kind: ResourceKind) -> str:
    """Namespace of a monitor's object."""
    return (kind in GRAFANA_KINDS and settings.dashboards.namespace) or monitor.ref.namespace


def build_seed(kind: ChildKind, manifest: Json) -> Json:
    """The least that is legal, with owner and our own labels: all other fields come by apply, and go with it."""
    if kind.least is None:
        return manifest
    metadata = manifest["metadata"]
    ours = (names.NAME_LABEL, names.COMPONENT_LABEL, names.MANAGED_BY_LABEL, names.MONITOR_LABEL)
    seed: Json = {"name": metadata["name"], "namespace": metadata["namespace"]}
    seed["labels"] = {name: value for name, value in metadata["labels"].items() if name in ours}
    if "ownerReferences" in metadata:
        seed["ownerReferences"] = metadata["ownerReferences"]
    if owner := metadata.get("annotations", {}).get(names.OWNER_ANNOTATION):
        seed["annotations"] = {names.OWNER_ANNOTATION: owner}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": seed, **kind.least(manifest)}
