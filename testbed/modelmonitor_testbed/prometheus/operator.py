"""prometheus-operator and its CRDs on a cluster; the CRDs also come and go alone, as they do for users."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
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
GROUP = "monitoring.coreos.com"
IMAGES = ("prometheus", "prometheus-operator", "prometheus-config-reloader")
_CRDS_ANNOTATION = "modelmonitor.dev/testbed-crds"
_SERVED_SECONDS = 60.0
_READY_SECONDS = 90.0


def load_prometheus_images(provider: ClusterProvider) -> None:
    """Build the images of Prometheus, its operator and the reloader if need be, and make them known to every node."""
    for name in IMAGES:
        archive = program_image(name)
        with step(f"image {name}", "loading", "loaded"):
            provider.load_image(archive)


def crd_files(*plurals: str) -> list[Path]:
    """Return the CRDs of the pinned prometheus-operator, all of them or those of kinds such as `servicemonitors`.

    They lie in the source of its Go module. Raises FileNotFoundError for a kind that it does not have.
    """
    folder = module_source(PROMETHEUS_OPERATOR, PROMETHEUS_OPERATOR_MODULE) / "example" / "prometheus-operator-crd"
    wanted = [folder / f"{GROUP}_{plural}.yaml" for plural in plurals] or sorted(folder.glob("*.yaml"))
    for path in wanted:
        path.stat()
    return wanted


def install_crds(kubectl: Kubectl, *plurals: str) -> str:
    """Apply the CRDs of prometheus-operator, or the named ones, and wait until the API server serves them.

    Returns a fingerprint of them, which changes when they were deleted and made anew.
    """
    files = crd_files(*plurals)
    kubectl.run("apply", "--server-side", "--force-conflicts", *_each_file(files))
    uids = wait_until(lambda: _all_served(kubectl, files), _SERVED_SECONDS, "the CRDs of prometheus-operator")
    return hashlib.sha256(" ".join(uids).encode()).hexdigest()[:12]


def remove_crds(kubectl: Kubectl, *plurals: str) -> None:
    """Delete the CRDs, or the named ones, and with them every object of theirs; absent ones are no error.

    A prometheus-operator that runs works again after the next `install_operator`.
    """
    kubectl.run("delete", "--ignore-not-found", "--wait", *_each_file(crd_files(*plurals)))


def install_operator(kubectl: Kubectl, timeout_seconds: float = _READY_SECONDS) -> None:
    """Install the CRDs and prometheus-operator, and wait until it is ready; its images must be loaded.

    It looks once, at its start, which CRDs exist (checkPrerequisites in its cmd/operator), so it starts again when
    they were made anew. Raises CommandError, or WaitTimeoutError with the state of the Deployment.
    """
    kubectl.apply(*operator_manifests(install_crds(kubectl)))
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


def _each_file(files: Sequence[Path]) -> list[str | Path]:
    return [word for path in files for word in ("--filename", path)]


def _all_served(kubectl: Kubectl, files: Sequence[Path]) -> list[str]:
    """The UIDs of these CRDs once all of them are served, before that nothing."""
    established = '{.status.conditions[?(@.type=="Established")].status}'
    line = f'{{range .items[*]}}{{.metadata.name}} {{.metadata.uid}} {established}{{"\\n"}}{{end}}'
    rows = [each.split() for each in kubectl.run("get", "crd", "--output", f"jsonpath={line}").splitlines()]
    served = {name: uid for name, uid, *state in rows if state == ["True"]}
    wanted = [f"{path.stem.removeprefix(f'{GROUP}_')}.{GROUP}" for path in files]
    return [served[name] for name in wanted] if served.keys() >= set(wanted) else []


def _why_not_ready(kubectl: Kubectl) -> str:
    pods = kubectl.get("pods", namespace=OPERATOR_NAMESPACE)["items"]
    return str([pod["status"] for pod in pods])
