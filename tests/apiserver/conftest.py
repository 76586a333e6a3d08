"""One real control plane for the whole ring: etcd, kube-apiserver and kube-controller-manager, with our CRDs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmonitor_testbed.controlplane import ControlPlane, running_control_plane
from modelmonitor_testbed.kubectl import Kubectl

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """A control plane without nodes; its programs end with the test run."""
    with running_control_plane(audit=True) as running:
        yield running


@pytest.fixture(scope="session")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    """kubectl as a cluster's administrator; the CustomResourceDefinitions are there."""
    administrator = Kubectl(control_plane.kubeconfig)
    administrator.apply(ROOT / "crds")
    administrator.run("wait", "--for=condition=Established", "-f", ROOT / "crds", "--timeout=30s")
    return administrator
