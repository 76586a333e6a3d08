"""The sidecar's settings: one documented class, filled from the environment of its container."""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modelmonitor_api.addresses import refuse_address, same_address
from modelmonitor_api.names import KEY_FILE, SIDECAR_PORT

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


class Settings(BaseModel):
    """Where the sidecar runs, what it reads, and how long it waits."""

    model_config = ConfigDict(frozen=True)

    node_name: str = Field(alias="NODE_NAME", min_length=1, description="Node of this pod (downward API).")
    pod_uid: str = Field(alias="POD_UID", min_length=1, description="UID of this pod (downward API).")
    pod_namespace: str = Field(
        alias="POD_NAMESPACE", min_length=1, description="Namespace of this pod, where its NodePlan is."
    )
    pod_name: str = Field(
        default="",
        alias="POD_NAME",
        description="Name of this pod (downward API). Without it the plan is not compared with what the kubelet runs.",
    )
    host_ips: str = Field(
        default="",
        alias="HOST_IPS",
        description="Addresses of the node, of both families, with commas (downward API); no pod is asked there.",
    )
    bind_address: str = Field(
        default="", alias="MODELMONITOR_BIND_ADDRESS", description="Address to serve on; empty means all."
    )
    port: int = Field(default=SIDECAR_PORT, ge=0, le=65535, alias="MODELMONITOR_PORT", description="Port to serve on.")
    key_file: Path = Field(
        default=Path(KEY_FILE), alias="MODELMONITOR_KEY_FILE", description="Key that signs summaries."
    )
    pod_resources_socket: Path = Field(
        default=Path("/var/lib/kubelet/pod-resources/kubelet.sock"),
        alias="MODELMONITOR_POD_RESOURCES_SOCKET",
        description="Socket of the kubelet's pod-resources API.",
    )
    api_server: str = Field(
        default="",
        alias="MODELMONITOR_API_SERVER",
        description="URL of the API server; empty: from KUBERNETES_SERVICE_*.",
    )
    service_host: str = Field(
        default="kubernetes.default.svc", alias="KUBERNETES_SERVICE_HOST", description="Set by the kubelet."
    )
    service_port: int = Field(default=443, alias="KUBERNETES_SERVICE_PORT", description="Set by the kubelet.")
    token_file: Path = Field(
        default=Path(_ACCOUNT) / "token", alias="MODELMONITOR_TOKEN_FILE", description="Token of the pod; read again."
    )
    ca_file: Path = Field(
        default=Path(_ACCOUNT) / "ca.crt", alias="MODELMONITOR_CA_FILE", description="Authority of the API server."
    )
    default_interval_seconds: float = Field(
        default=15.0,
        ge=1,
        alias="MODELMONITOR_DEFAULT_INTERVAL_SECONDS",
        description="How often NVML and the kubelet are read while the plan names no monitor.",
    )
    triton_deadline_seconds: float = Field(
        default=2.0, gt=0, alias="MODELMONITOR_TRITON_DEADLINE_SECONDS", description="Deadline of one reading of a pod."
    )
    nvml_deadline_seconds: float = Field(
        default=5.0,
        gt=1,
        alias="MODELMONITOR_NVML_DEADLINE_SECONDS",
        description="A call into NVML that takes longer counts as hung.",
    )
    boot_id_file: Path = Field(
        default=Path("/proc/sys/kernel/random/boot_id"),
        alias="MODELMONITOR_BOOT_ID_FILE",
        description="What the kernel calls this boot: the meters of cost go by the clock that began with it.",
    )
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        alias="MODELMONITOR_LOG_LEVEL",
        description="DEBUG, INFO, WARNING or ERROR.",
    )

    @property
    def api_server_url(self) -> str:
        """Base URL of the API server."""
        if self.api_server:
            return self.api_server
        host = f"[{self.service_host}]" if ":" in self.service_host else self.service_host
        return f"https://{host}:{self.service_port}"

    def refuse_address(self, address: str) -> str:
        """Why no pod is asked at an address; empty where one is. A sidecar that serves on loopback asks there too."""
        if self.bind_address and ip_address(self.bind_address).is_loopback:
            return refuse_address(address, loopback=True)
        if same_address(address, urlsplit(self.api_server_url).hostname or ""):
            return "it is the API server's"
        if any(same_address(address, one) for one in self.host_ips.split(",")):
            return "it is this node's own"
        return refuse_address(address)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings of a process environment.

    Raises:
        ValueError: a variable is missing or out of range; the message names each.
    """
    try:
        return Settings.model_validate(dict(environment))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors())
        raise ValueError(f"the sidecar's environment is not complete: {problems}") from error
