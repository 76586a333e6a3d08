"""The operator's settings: one documented class, filled by the chart from a JSON file that is mounted into the pod.

What an administrator decides is here; what a team decides is in the ModelMonitor.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from modelmonitor_api.wire import Wire

Json = dict[str, Any]
"""A piece of a Kubernetes manifest as JSON types."""


class Strict(Wire):
    """Settings refuse names that they do not know: a misspelt setting must not be silent."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")


class GpuAccessPreset(StrEnum):
    """How the sidecar's pod gets at NVML."""

    RUNTIME_CLASS = "runtimeClass"
    CDI = "cdi"
    GKE = "gke"
    DRA = "dra"
    NONE = "none"
    SIMULATED = "simulated"


class GpuAccess(Strict):
    """How the sidecar's pod gets at NVML."""

    preset: GpuAccessPreset = Field(
        default=GpuAccessPreset.RUNTIME_CLASS,
        description="runtimeClass (GPU operator), cdi (NRI plugin), gke (driver on the host), dra (a claim with "
        "admin access), none (container runtime does it by default), simulated (a simulated library from the node).",
    )
    runtime_class_name: str = Field(default="nvidia", description="RuntimeClass of the runtimeClass preset.")
    driver_host_path: str = Field(
        default="/home/kubernetes/bin/nvidia", description="Folder of the driver on the node, for the gke preset."
    )
    device_class_name: str = Field(
        default="gpu.nvidia.com", description="DeviceClass of the dra preset; the chart's claim template names it."
    )
    resource_claim_template_name: str = Field(
        default="", description="ResourceClaimTemplate of the dra preset, made by the chart."
    )
    simulated_host_path: str = Field(
        default="/run/modelmonitor/nvml",
        description="Folder on the node with the simulated libnvidia-ml.so.1 and its state, for the simulated preset.",
    )


class SidecarSettings(Strict):
    """The DaemonSet of sidecars."""

    image: str = Field(description="Image of the sidecar.")
    image_pull_policy: str = Field(default="IfNotPresent", description="Always, IfNotPresent or Never.")
    image_pull_secrets: tuple[str, ...] = Field(default=(), description="Names of pull Secrets in its namespace.")
    service_account_name: str = Field(default="modelmonitor-sidecar", description="ServiceAccount, made by the chart.")
    gpu_access: GpuAccess = Field(default=GpuAccess(), description="How the pod gets at NVML.")
    resources: Json = Field(
        default={"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        description="Resources of the container.",
    )
    affinity: Json = Field(default={}, description="Affinity of the pods: by default nodes labelled as GPU nodes.")
    node_selector: dict[str, str] = Field(default={}, description="Node selector of the pods.")
    tolerations: tuple[Json, ...] = Field(default=({"operator": "Exists"},), description="Tolerations of the pods.")
    priority_class_name: str = Field(default="", description="Priority class of the pods.")
    pod_labels: dict[str, str] = Field(default={}, description="More labels of the pods.")
    pod_annotations: dict[str, str] = Field(default={}, description="More annotations of the pods.")
    pod_resources_host_path: str = Field(
        default="/var/lib/kubelet/pod-resources", description="Folder of the kubelet's pod-resources socket."
    )
    max_unavailable: str = Field(default="10%", description="How many sidecars a rolling update may stop at once.")
    update_strategy: Json = Field(
        default={}, description="updateStrategy of the DaemonSet; empty means a rolling update with maxUnavailable."
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    extra_env: tuple[Json, ...] = Field(default=(), description="More environment variables of the container.")
    extra_volumes: tuple[Json, ...] = Field(default=(), description="More volumes of the pods.")
    extra_volume_mounts: tuple[Json, ...] = Field(default=(), description="More volume mounts of the container.")
    pod_security_context: Json = Field(
        default={}, description="Fields that are added to the pods' security context, or replace its own."
    )
    security_context: Json = Field(
        default={}, description="Fields that are added to the container's security context, or replace its own."
    )


class PrometheusSettings(Strict):
    """The Prometheus that the operator may ask. Without a URL it asks none, and conditions rest on scrapes alone."""

    url: str = Field(default="", description="Base URL, for example http://prometheus-operated.monitoring:9090.")
    token_file: str = Field(default="", description="File with a bearer token; read again at each request.")
    ca_file: str = Field(default="", description="File with the CA certificates; empty means the system's.")
    poll_seconds: float = Field(default=60.0, ge=5, description="How often it is asked about each ModelMonitor.")
    timeout_seconds: float = Field(default=5.0, gt=0, description="Deadline of one question.")


def _check_label_names(labels: dict[str, str]) -> dict[str, str]:
    """Prometheus refuses a whole file of rules for one bad name."""
    if wrong := [name for name in labels if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name)]:
        raise ValueError(f"{wrong[0]!r} is no label name of Prometheus: write letters, digits and underscores")
    return labels


class MonitoringSettings(Strict):
    """What every ModelMonitor's ServiceMonitor and PrometheusRule gets."""

    labels: dict[str, str] = Field(
        default={},
        description="Labels for the selectors of your Prometheus, for example release: kube-prometheus-stack.",
    )
    alert_labels: Annotated[dict[str, str], AfterValidator(_check_label_names)] = Field(
        default={}, description="Labels of every alert."
    )


class DashboardSettings(Strict):
    """How dashboards reach Grafana."""

    enabled: bool = Field(default=True, description="False makes no dashboards, whatever a ModelMonitor says.")
    label: str = Field(default="grafana_dashboard", description="Label that Grafana's dashboard sidecar looks for.")
    label_value: str = Field(default="1", description="Its value.")
    folder_annotation: str = Field(
        default="grafana_folder", description="Annotation that names the folder; empty writes none."
    )
    folder: str = Field(default="ModelMonitor", description="Folder of the dashboards.")
    namespace: str = Field(
        default="", description="Namespace of all dashboards; empty means that of each ModelMonitor."
    )
    instance_selector: Json = Field(
        default={"matchLabels": {"dashboards": "grafana"}},
        description="instanceSelector of a GrafanaDashboard: which Grafana shows it.",
    )


class CostSettings(Strict):
    """Ledgers and prices."""

    enabled: bool = Field(default=True, description="False keeps no ledger and says nothing about cost.")
    price_table: str = Field(
        default="",
        description="ConfigMap with the price table, in the operator's namespace; empty means that there is none.",
    )
    lock_prices: bool = Field(
        default=False,
        description="True passes over the prices in ModelMonitors: the price table and the nodes alone count.",
    )
    read_nodes: bool = Field(
        default=True,
        description="Read labels and annotations of nodes: how they were bought, and prices that stand on them.",
    )
    write_seconds: float = Field(
        default=300.0,
        ge=1,
        le=300,
        description="A ledger is written at most once in so many seconds; the alerts on cost are made for 300 at most.",
    )
    ledger_retention_days: int = Field(
        default=400, ge=1, description="How long the ledger of a deleted ModelMonitor is kept."
    )


class LeaseSettings(Strict):
    """Leader election."""

    name: str = Field(default="modelmonitor-operator", description="Name of the Lease.")
    duration_seconds: float = Field(default=15.0, ge=3, description="How long a leader may be silent.")
    renew_seconds: float = Field(default=5.0, ge=0.5, description="How often the leader renews.")
    timeout_seconds: float = Field(default=4.0, ge=0.5, description="Deadline of one call.")

    @model_validator(mode="after")
    def _can_be_renewed(self) -> Self:
        if self.duration_seconds <= self.renew_seconds + self.timeout_seconds:
            raise ValueError("durationSeconds must be more than renewSeconds and timeoutSeconds together")
        return self


class Settings(Strict):
    """Everything that an administrator decides."""

    namespace: str = Field(description="Namespace of the operator.")
    sidecar_namespace: str = Field(description="Namespace of the sidecars, their plans and their key.")
    anchor_name: str = Field(
        default="modelmonitor-anchor", description="ConfigMap of the chart that owns what the operator creates."
    )
    sidecar_name: str = Field(default="modelmonitor-sidecar", description="Name of the DaemonSet and its key's prefix.")
    watch_namespaces: tuple[str, ...] = Field(default=(), description="Namespaces to watch; empty means all.")
    sidecar: SidecarSettings = Field(description="The DaemonSet of sidecars.")
    lease: LeaseSettings = Field(default=LeaseSettings(), description="Leader election.")
    monitoring: MonitoringSettings = Field(
        default=MonitoringSettings(), description="What every ServiceMonitor and PrometheusRule gets."
    )
    dashboards: DashboardSettings = Field(default=DashboardSettings(), description="How dashboards reach Grafana.")
    prometheus: PrometheusSettings = Field(
        default=PrometheusSettings(), description="The Prometheus that the operator may ask."
    )
    cost: CostSettings = Field(default=CostSettings(), description="Ledgers and prices.")
    runbook_base_url: str = Field(
        default="https://modelmonitor.dev/runbooks", description="Where the runbook pages are served."
    )
    cycle_seconds: float = Field(default=10.0, ge=1, description="How often the operator asks the sidecars.")
    poll_timeout_seconds: float = Field(default=3.0, gt=0, description="Deadline of one sidecar's answer.")
    poll_concurrency: int = Field(default=64, ge=1, description="Sidecars that are asked at the same time.")
    resync_seconds: float = Field(default=300.0, ge=10, description="How often everything is listed and compared.")
    workers: int = Field(default=16, ge=1, description="Reconciliations that run at the same time.")
    request_timeout_seconds: float = Field(default=10.0, gt=0, description="Deadline of one call to the API server.")
    http_port: int = Field(default=8080, description="Port of /healthz, /readyz and /metrics.")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @property
    def key_secret_name(self) -> str:
        """Secret with the key that signs summaries."""
        return f"{self.sidecar_name}-key"


def parse_settings(text: str) -> Settings:
    """Settings of a JSON document.

    Raises:
        ValueError: a name is unknown, a value is out of range, or the text is no JSON; the message names the field.
    """
    return Settings.model_validate_json(text)


def read_settings(path: Path) -> Settings:
    """Settings of the file that the chart mounts."""
    return parse_settings(path.read_text())
