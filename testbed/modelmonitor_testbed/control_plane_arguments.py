"""The command lines of etcd, kube-apiserver and kube-controller-manager, alike in both kinds of cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from modelmonitor_testbed.certificates import Authority, KeyPair

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ControlPlanePlan:
    """Where one control plane lives and listens."""

    folder: Path
    authority: Authority
    address: str
    """The address of the API server that clients use."""
    port: int
    etcd_port: int
    etcd_peer_port: int
    service_range: str
    controller_port: int = 0
    """The controller manager's own port; 0 serves nothing."""
    pod_range: str | None = None
    """The pods' address range where nodes exist; without one nothing runs pods."""
    audit_log: Path | None = None

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return f"https://{self.address}:{self.port}"

    @property
    def etcd(self) -> str:
        """The URL of etcd."""
        return f"http://{LOOPBACK}:{self.etcd_port}"


def etcd_arguments(plan: ControlPlanePlan) -> list[str]:
    """Return etcd's arguments; its data need not survive the machine, so it never waits for the disk."""
    peer = f"http://{LOOPBACK}:{plan.etcd_peer_port}"
    return [
        f"--data-dir={plan.folder / 'etcd'}",
        f"--listen-client-urls={plan.etcd}",
        f"--advertise-client-urls={plan.etcd}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server_arguments(plan: ControlPlanePlan, serving: KeyPair, kubelet_client: KeyPair) -> list[str]:
    """Return the API server's arguments: RBAC on, the default admission plugins, service account tokens."""
    authority = plan.authority
    arguments = [
        f"--etcd-servers={plan.etcd}",
        f"--secure-port={plan.port}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--client-ca-file={authority.pair.certificate}",
        f"--kubelet-client-certificate={kubelet_client.certificate}",
        f"--kubelet-client-key={kubelet_client.key}",
        "--kubelet-preferred-address-types=InternalIP",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={authority.service_account_public_key}",
        f"--service-account-signing-key-file={authority.service_account_key}",
        f"--service-cluster-ip-range={plan.service_range}",
        "--profiling=false",
    ]
    if plan.pod_range:
        arguments += [f"--advertise-address={plan.address}"]
    else:
        arguments += [f"--bind-address={plan.address}", "--endpoint-reconciler-type=none"]
    return arguments + _audit_arguments(plan)


def _audit_arguments(plan: ControlPlanePlan) -> list[str]:
    if plan.audit_log is None:
        return []
    return [
        f"--audit-policy-file={plan.folder / 'audit-policy.json'}",
        f"--audit-log-path={plan.audit_log}",
        "--audit-log-format=json",
        "--audit-log-mode=blocking",
    ]


def render_audit_policy() -> str:
    """Render the policy that records who asked for what, for service accounts only.

    ResponseStarted stays: an open watch never reaches ResponseComplete.
    """
    rules = [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}]
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules}
    return json.dumps(policy, indent=2) + "\n"


def controller_manager_arguments(plan: ControlPlanePlan, kubeconfig: Path) -> list[str]:
    """Return the controller manager's arguments: garbage collector and endpoint controllers are the real ones."""
    authority = plan.authority
    arguments = [
        f"--kubeconfig={kubeconfig}",
        f"--secure-port={plan.controller_port}",
        f"--bind-address={LOOPBACK}",
        f"--root-ca-file={authority.pair.certificate}",
        f"--service-account-private-key-file={authority.service_account_key}",
        "--use-service-account-credentials=true",
        f"--flex-volume-plugin-dir={plan.folder / 'flexvolume'}",
        "--leader-elect=false",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--profiling=false",
    ]
    if plan.pod_range:
        arguments += ["--node-monitor-grace-period=20s"]
    return arguments


def write_credentials(plan: ControlPlanePlan) -> tuple[KeyPair, KeyPair]:
    """Issue the API server's serving certificate and its client certificate for kubelets."""
    first_service = _first_address(plan.service_range)
    names = [plan.address, LOOPBACK, first_service, "localhost", "kubernetes", "kubernetes.default.svc"]
    serving = plan.authority.issue("api-server", "/CN=kube-apiserver", names)
    return serving, plan.authority.issue("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")


def _first_address(service_range: str) -> str:
    network = service_range.partition("/")[0]
    head, _, last = network.rpartition(".")
    return f"{head}.{int(last) + 1}"
