"""Every way to NVML gives a DaemonSet and a pod that a real API server takes, pod security included."""

from pathlib import Path

import pytest

from modelmonitor_operator.desired.daemonset import build_daemon_set
from modelmonitor_operator.objects import CONFIG_MAP, ObjectRef, StoredObject
from modelmonitor_operator.settings import GpuAccess, GpuAccessPreset, Json, Settings, SidecarSettings
from modelmonitor_testbed.kubectl import Kubectl, render_list
from modelmonitor_testbed.process import CommandError
from modelmonitor_testbed.tools import HELM, tool
from tests.chart.rendering import Chart

NAMESPACE, BASELINE, ACCOUNT = "gpu-access", "gpu-access-baseline", "sidecars"


@pytest.fixture(scope="module")
def server(kubectl: Kubectl) -> Kubectl:
    """A server with the RuntimeClass of the GPU operator, and a namespace for each level of pod security."""
    level = "pod-security.kubernetes.io/enforce"
    kubectl.apply(
        {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "nvidia"}, "handler": "nvidia"},
        *(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {level: value}}}
            for name, value in ((NAMESPACE, "privileged"), (BASELINE, "baseline"))
        ),
        *(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": name}}
            for name in (NAMESPACE, BASELINE)
        ),
    )
    return kubectl


def daemon_set(preset: GpuAccessPreset, namespace: str = NAMESPACE) -> Json:
    template = "sidecar-gpus" if preset is GpuAccessPreset.DRA else ""
    access = GpuAccess(preset=preset, resource_claim_template_name=template)
    sidecar = SidecarSettings(image="sidecar:test", service_account_name=ACCOUNT, gpu_access=access)
    anchor = StoredObject(ObjectRef(CONFIG_MAP, namespace, "anchor"), "7d1c", "1", {"metadata": {"name": "anchor"}})
    return build_daemon_set(Settings(namespace=namespace, sidecar_namespace=namespace, sidecar=sidecar), anchor)


def pod(manifest: Json) -> Json:
    template = manifest["spec"]["template"]
    metadata = {**template["metadata"], "name": "sidecar", "namespace": manifest["metadata"]["namespace"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def dry_run(kubectl: Kubectl, *manifests: Json) -> str:
    return kubectl.run("create", "--dry-run=server", "-f", "-", input_text=render_list(manifests))


@pytest.mark.parametrize("preset", list(GpuAccessPreset))
def test_the_server_takes_the_daemon_set_and_its_pod(server: Kubectl, preset: GpuAccessPreset) -> None:
    wanted = daemon_set(preset)
    assert dry_run(server, wanted, pod(wanted)).count("created (server dry run)") == 2


@pytest.mark.parametrize("preset", list(GpuAccessPreset))
def test_a_lower_level_of_pod_security_refuses_the_folders_and_privileges_that_are_documented(
    server: Kubectl, preset: GpuAccessPreset
) -> None:
    with pytest.raises(CommandError) as refused:
        dry_run(server, pod(daemon_set(preset, BASELINE)))
    said = str(refused.value)
    assert "hostPath volumes" in said
    assert ("privileged (container" in said) is (preset is GpuAccessPreset.GKE)
    assert not any(word in said for word in ("capabilities", "hostNetwork", "hostPID", "hostPorts", "seccomp"))


def test_the_claim_with_admin_access_is_taken_only_in_a_namespace_that_allows_it(
    server: Kubectl, tmp_path: Path
) -> None:
    chart = Chart(tool(HELM, "helm"), tmp_path)
    rendered = chart.render({"sidecar": {"namespace": NAMESPACE, "gpuAccess": {"preset": "dra"}}})
    (template,) = rendered.all("ResourceClaimTemplate")
    assert rendered.settings().sidecar.gpu_access.resource_claim_template_name == template["metadata"]["name"]
    with pytest.raises(CommandError, match="admin-access"):
        dry_run(server, template)
    server.run("label", "namespace", NAMESPACE, "resource.kubernetes.io/admin-access=true")
    assert "created (server dry run)" in dry_run(server, template)
