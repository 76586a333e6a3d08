"""prometheus-operator and its CRDs on a cluster; the CRDs come and go on their own, as they do for users."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml

from modelmonitor_testbed.cache import checkout_root
from modelmonitor_testbed.images import program_image
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from modelmonitor_testbed.progress import step
from modelmonitor_testbed.provider import ClusterProvider
from modelmonitor_testbed.tools import PROMETHEUS_OPERATOR, PROMETHEUS_OPERATOR_MODULE, module_source

OPERATOR_NAMESPACE = "prometheus-operator"
IMAGES = ("prometheus", "prometheus-operator", "prometheus-config-reloader")
_CRDS_ANNOTATION = "modelmonitor.dev/testbed-crds"
_READY_SECONDS = 90.0


def load_prometheus_images(provider: ClusterProvider) -> None:
    """Build the images of Prometheus, its operator and the reloader if need be, and make them known to every node."""
    for name in IMAGES:
        archive = program_image(name)
        with step(f"image {name}", "loading", "loaded"):
            provider.load_image(archive)


def crd_folder() -> Path:
    """Return the folder of the CRDs of the pinned prometheus-operator, in the source of its Go module."""
    source = module_source(PROMETHEUS_OPERATOR, PROMETHEUS_OPERATOR_MODULE)
    return source / "example" / "prometheus-operator-crd"


def install_crds(kubectl: Kubectl) -> None:
    """Apply the CRDs of prometheus-operator and wait until the API server serves them."""
    kubectl.apply(crd_folder())
    kubectl.run("wait", "--for=condition=Established", "--timeout=60s", "-f", crd_folder())


def remove_crds(kubectl: Kubectl) -> None:
    """Delete the CRDs and, with them, every object of theirs on the cluster; absent ones are no error.

    The operator and its Prometheus must be gone first, or be told anew: see `install_operator`.
    """
    kubectl.run("delete", "--ignore-not-found", "--wait", "-f", crd_folder())


def install_operator(kubectl: Kubectl, timeout_seconds: float = _READY_SECONDS) -> None:
    """Install the CRDs and prometheus-operator, and wait until it is ready; its images must be loaded.

    It looks once, at its start, which CRDs exist (checkPrerequisites in its cmd/operator), so it starts again when
    they were made anew. Raises CommandError, or WaitTimeoutError with the state of the Deployment.
    """
    install_crds(kubectl)
    kubectl.apply(*operator_manifests(_crds_fingerprint(kubectl)))
    wait_until(
        lambda: is_rolled_out(kubectl.get("deployment", "prometheus-operator", OPERATOR_NAMESPACE)),
        timeout_seconds,
        lambda: f"prometheus-operator is ready: {_why_not_ready(kubectl)}",
    )


def remove_operator(kubectl: Kubectl) -> None:
    """Remove prometheus-operator, leaving the CRDs and what was made of them; absent parts are no error."""
    kubectl.run("delete", "--ignore-not-found", "--wait", "-f", _manifest())


def operator_manifests(crds_fingerprint: str) -> list[dict[str, Any]]:
    """Return prometheus-operator's manifests; another fingerprint of the CRDs starts it again."""
    manifests: list[dict[str, Any]] = list(yaml.safe_load_all(_manifest().read_text()))
    for each in manifests:
        if each["kind"] == "Deployment":
            each["spec"]["template"]["metadata"]["annotations"] = {_CRDS_ANNOTATION: crds_fingerprint}
    return manifests


def is_rolled_out(deployment: Any) -> bool:
    """Tell whether every replica of a Deployment is of its newest template and available."""
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return seen and counts == [wanted] * 3


def _manifest() -> Path:
    return checkout_root() / "testbed" / "manifests" / "prometheus-operator.yaml"


def _crds_fingerprint(kubectl: Kubectl) -> str:
    uids = kubectl.run("get", "-f", crd_folder(), "--output", "jsonpath={.items[*].metadata.uid}")
    return hashlib.sha256(uids.encode()).hexdigest()[:12]


def _why_not_ready(kubectl: Kubectl) -> str:
    pods = kubectl.get("pods", namespace=OPERATOR_NAMESPACE)["items"]
    return str([pod["status"] for pod in pods])
