"""The configuration files and command lines of one node, rendered from values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from modelmonitor_testbed.node.addresses import Addresses

PAUSE_IMAGE = "localhost/modelmonitor-testbed-pause:1"
CNI_PLUGINS = Path("/usr/lib/cni")
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
PROXY_HEALTH_PORT = 10256
GPU_LABEL = "nvidia.com/gpu.present=true"


@dataclass(frozen=True)
class NodePlace:
    """Where one node lives: its number, name, folder, addresses and control group."""

    cluster: str
    number: int
    folder: Path
    addresses: Addresses
    snapshotter: str = "overlayfs"

    @property
    def name(self) -> str:
        """The node's name in Kubernetes."""
        return f"{self.cluster}-{self.number}"

    @property
    def control_group(self) -> str:
        """The node's own control group, so that two kubelets never clean up each other's pods."""
        return control_group(self.cluster, self.number)

    @property
    def address(self) -> str:
        """The node's own address."""
        return self.addresses.node(self.number)

    @property
    def services(self) -> Path:
        """The folder whose files say which programs run on the node."""
        return self.folder / "services"


def control_group(cluster: str, number: int) -> str:
    """Return the name of a node's control group."""
    return f"modelmonitor-{cluster}-{number}"


def render_containerd(place: NodePlace, runc: Path) -> str:
    """Render containerd's configuration (version 3)."""
    images, runtime = "plugins.'io.containerd.cri.v1.images'", "plugins.'io.containerd.cri.v1.runtime'"
    return f"""version = 3
root = '{place.folder}/containerd'
state = '/run/containerd'
[grpc]
address = '{CONTAINERD_SOCKET}'
[plugins.'io.containerd.internal.v1.opt']
path = '{place.folder}/opt'
[{images}]
snapshotter = '{place.snapshotter}'
[{images}.pinned_images]
sandbox = '{PAUSE_IMAGE}'
[{runtime}]
restrict_oom_score_adj = true
[{runtime}.containerd]
default_runtime_name = 'runc'
[{runtime}.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
[{runtime}.containerd.runtimes.runc.options]
BinaryName = '{runc}'
SystemdCgroup = false
[{runtime}.cni]
bin_dirs = ['{CNI_PLUGINS}']
conf_dir = '{place.folder}/cni'
"""


def render_cni(place: NodePlace) -> str:
    """Render the pod network: a routed link for each pod, so that Service addresses need no bridge filtering."""
    ipam = {
        "type": "host-local",
        "dataDir": "/run/cni-ipam",
        "ranges": [[{"subnet": place.addresses.node_pods(place.number)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugins = [
        {"type": "ptp", "ipMasq": False, "ipam": ipam},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    return json.dumps({"cniVersion": "0.4.0", "name": "testbed", "plugins": plugins}, indent=2) + "\n"


def render_kubelet(place: NodePlace, authority: Path) -> str:
    """Render the kubelet's configuration; it never removes images and follows changes of mounted objects in 1 s."""
    document = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{place.control_group}",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "enforceNodeAllocatable": [],
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "evictionPressureTransitionPeriod": "5s",
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        "resolvConf": str(place.folder / "resolv.conf"),
        "serializeImagePulls": False,
        "nodeStatusUpdateFrequency": "2s",
        "syncFrequency": "1s",
        "volumePluginDir": str(place.folder / "volume-plugins"),
    }
    return json.dumps(document, indent=2) + "\n"


def kubelet_arguments(place: NodePlace) -> list[str]:
    """Return the kubelet's arguments."""
    return [
        f"--config={place.folder / 'kubelet.json'}",
        f"--kubeconfig={place.folder / 'kubelet.kubeconfig'}",
        f"--hostname-override={place.name}",
        f"--node-ip={place.address}",
        f"--node-labels={GPU_LABEL}",
        "--root-dir=/var/lib/kubelet",
    ]


def render_proxy(place: NodePlace, kubeconfig: Path) -> str:
    """Render kube-proxy's configuration; it leaves the machine's connection tracking limits alone."""
    document = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": place.addresses.pods,
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "hostnameOverride": place.name,
        "mode": "nftables",
        "nftables": {"minSyncPeriod": "100ms"},
    }
    return json.dumps(document, indent=2) + "\n"
