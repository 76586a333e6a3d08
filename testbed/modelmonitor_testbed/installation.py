"""The product on a cluster, as a user installs it: our images, the simulated GPUs, the chart by Helm.

The demo and the cluster tests both begin here, so that what people try is what is tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelmonitor_testbed.cache import checkout_root
from modelmonitor_testbed.helm import Helm
from modelmonitor_testbed.images import build_image, product_images
from modelmonitor_testbed.kubectl import Kubectl, pod_is_ready, wait_until
from modelmonitor_testbed.progress import step
from modelmonitor_testbed.provider import ClusterProvider

RELEASE = "modelmonitor"
SYSTEM_NAMESPACE = "modelmonitor-system"
TESTBED_NAMESPACE = "modelmonitor-testbed"
GPU_SIMULATOR = "gpu-simulator"

CHART_VALUES = {
    "image.registry": "localhost",
    "image.repository": "modelmonitor-operator",
    "image.tag": "dev",
    "sidecar.image.registry": "localhost",
    "sidecar.image.repository": "modelmonitor-sidecar",
    "sidecar.image.tag": "dev",
    "sidecar.gpuAccess.preset": "simulated",
    "settings.cycleSeconds": "5",
}
"""What the testbed sets beyond the chart's defaults: our images, and the simulated way to NVML."""


@dataclass(frozen=True)
class Installation:
    """A cluster with the means to act on it."""

    provider: ClusterProvider
    kubectl: Kubectl
    helm: Helm
    archives: Mapping[str, Path]
    """The images that the nodes have been given, by their short names."""

    def gpusim(self, *words: str) -> str:
        """Change the simulated GPUs of the node: the same command that the demo prints for people."""
        return self.kubectl.exec(f"ds/{GPU_SIMULATOR}", TESTBED_NAMESPACE, "gpusim", *words)

    def modelctl(self, namespace: str, deployment: str, *words: str) -> str:
        """Change how a model of a Triton behaves."""
        return self.kubectl.exec(f"deploy/{deployment}", namespace, "modelctl", *words)

    def install_chart(self, **more: str) -> str:
        """Install or upgrade the product with Helm, and wait until the operator is ready."""
        values = {**CHART_VALUES, **self._image_annotations()}
        values |= {name.replace("__", "."): value for name, value in more.items()}
        return self.helm.install(RELEASE, checkout_root() / "charts" / "modelmonitor", SYSTEM_NAMESPACE, values)

    def _image_annotations(self) -> dict[str, str]:
        """Our images keep one tag: an annotation with their content makes an upgrade restart the pods."""
        places = {"operator": "podAnnotations.image", "sidecar": "sidecar.podAnnotations.image"}
        return {place: self.archives[name].stem for name, place in places.items() if name in self.archives}

    def uninstall_chart(self) -> str:
        """Remove the product with Helm."""
        return self.helm.uninstall(RELEASE, SYSTEM_NAMESPACE)


def open_installation(provider: ClusterProvider, archives: Mapping[str, Path]) -> Installation:
    """The means to act on a cluster that is up."""
    path = provider.kubeconfig()
    return Installation(provider, Kubectl(path), Helm(path), archives)


def load_images(provider: ClusterProvider) -> dict[str, Path]:
    """Build what has changed of our images and make them known to every node; returns their archives."""
    archives = {name: build_image(recipe) for name, recipe in product_images().items()}
    for name, archive in archives.items():
        with step(f"image {name}", "loading", "loaded"):
            provider.load_image(archive)
    return archives


def start_gpu_simulator(installation: Installation, timeout_seconds: float = 90.0) -> None:
    """Give every node simulated GPUs, and wait until the kubelet offers them."""
    installation.kubectl.apply(manifest("gpu-simulator.yaml"))
    wait_until(
        lambda: _all_ready(installation.kubectl, TESTBED_NAMESPACE) and _gpus_offered(installation.kubectl),
        timeout_seconds,
        "the kubelet offers the simulated GPUs as nvidia.com/gpu",
    )


def manifest(name: str) -> Path:
    """A manifest of the testbed."""
    return checkout_root() / "testbed" / "manifests" / name


def _all_ready(kubectl: Kubectl, namespace: str) -> bool:
    pods = kubectl.get("pods", namespace=namespace)["items"]
    return bool(pods) and all(pod_is_ready(pod) for pod in pods)


def _gpus_offered(kubectl: Kubectl) -> bool:
    nodes = kubectl.get("nodes")["items"]
    return all(int(node["status"]["allocatable"].get("nvidia.com/gpu", "0")) > 0 for node in nodes)
