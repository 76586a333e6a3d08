"""The sidecars' pod: least privilege, and each way to the GPUs."""

from typing import Any

import pytest

from modelmonitor_operator.desired.daemonset import DEFAULT_LOG_LEVEL, LOG_LEVEL_VARIABLE, build_daemon_set
from modelmonitor_sidecar.settings import Settings as SidecarEnvironment
from tests.unit.operator.worlds import anchor, settings


def build(preset: str, **sidecar: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    given = settings(sidecar={"image": "sidecar:1", "gpuAccess": {"preset": preset}, **sidecar})
    template = build_daemon_set(given, anchor())["spec"]["template"]
    return template, template["spec"], template["spec"]["containers"][0]


def env(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


@pytest.mark.parametrize("preset", ["runtimeClass", "cdi", "dra", "none", "simulated"])
def test_every_preset_but_gke_runs_without_privileges_and_capabilities(preset: str) -> None:
    _, pod, container = build(preset)
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsUser"] == 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_gke_is_privileged_and_mounts_the_driver_of_the_host() -> None:
    _, pod, container = build("gke")
    assert container["securityContext"]["privileged"] is True
    assert {"name": "driver", "hostPath": {"path": "/home/kubernetes/bin/nvidia"}} in pod["volumes"]


def test_runtime_class_asks_the_container_runtime_for_every_gpu_and_utility_only() -> None:
    _, pod, container = build("runtimeClass")
    assert pod["runtimeClassName"] == "nvidia"
    assert env(container) == {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "utility"}


def test_cdi_asks_by_an_annotation_that_names_the_container() -> None:
    template, pod, container = build("cdi")
    assert template["metadata"]["annotations"] == {
        f"nvidia.cdi.k8s.io/container.{container['name']}": "management.nvidia.com/gpu=all"
    }
    assert "runtimeClassName" not in pod


def test_dra_claims_every_gpu_of_the_node_by_the_charts_template() -> None:
    access = {"preset": "dra", "resourceClaimTemplateName": "sidecar-gpus"}
    given = settings(sidecar={"image": "sidecar:1", "gpuAccess": access})
    pod = build_daemon_set(given, anchor())["spec"]["template"]["spec"]
    assert pod["resourceClaims"] == [{"name": "gpus", "resourceClaimTemplateName": "sidecar-gpus"}]
    assert pod["containers"][0]["resources"]["claims"] == [{"name": "gpus"}]
    assert pod["containers"][0]["resources"]["limits"] == {"memory": "128Mi"}


def test_simulated_finds_its_library_in_a_folder_of_the_node() -> None:
    _, pod, container = build("simulated")
    assert env(container)["LD_LIBRARY_PATH"] == "/run/modelmonitor/nvml"
    assert env(container)["NVML_SIM_STATE"] == "/run/modelmonitor/nvml/state"
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    assert {volume["name"] for volume in pod["volumes"]} == {"key", "pod-resources", "driver"}


def test_users_labels_never_replace_those_that_select_the_pods() -> None:
    template, _, _ = build("none", podLabels={"app.kubernetes.io/name": "x", "team": "ml"})
    assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "modelmonitor-sidecar"
    assert template["metadata"]["labels"]["team"] == "ml"


def test_every_knob_of_the_sidecars_reaches_their_pods() -> None:
    _, pod, container = build(
        "runtimeClass",
        logLevel="DEBUG",
        extraEnv=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "0"}, {"name": "HTTP_PROXY", "value": "x"}],
        extraVolumes=[{"name": "v", "emptyDir": {}}],
        extraVolumeMounts=[{"name": "v", "mountPath": "/v"}],
        podSecurityContext={"seLinuxOptions": {"type": "container_kvm_t"}},
        securityContext={"procMount": "Default"},
    )
    assert env(container)["MODELMONITOR_LOG_LEVEL"] == "DEBUG"
    assert env(container)["NVIDIA_VISIBLE_DEVICES"] == "0"
    assert env(container)["HTTP_PROXY"] == "x"
    assert {"name": "v", "emptyDir": {}} in pod["volumes"]
    assert {"name": "v", "mountPath": "/v"} in container["volumeMounts"]
    assert pod["securityContext"]["seLinuxOptions"] == {"type": "container_kvm_t"}
    assert pod["securityContext"]["runAsUser"] == 0
    assert container["securityContext"]["procMount"] == "Default"
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_each_environment_variable_stands_once_and_the_pods_identity_cannot_be_changed() -> None:
    _, _, container = build("runtimeClass", extraEnv=[{"name": "POD_UID", "value": "x"}, {"name": "A", "value": "b"}])
    names = [each["name"] for each in container["env"]]
    assert len(names) == len(set(names))
    (uid,) = [each for each in container["env"] if each["name"] == "POD_UID"]
    assert "valueFrom" in uid


def test_an_update_strategy_of_the_administrator_replaces_the_rolling_one() -> None:
    given = settings(sidecar={"image": "sidecar:1", "updateStrategy": {"type": "OnDelete"}})
    assert build_daemon_set(given, anchor())["spec"]["updateStrategy"] == {"type": "OnDelete"}
    plain = settings(sidecar={"image": "sidecar:1", "maxUnavailable": "2"})
    assert build_daemon_set(plain, anchor())["spec"]["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 2}


def test_the_sidecar_reads_its_log_level_from_the_variable_that_the_operator_sets() -> None:
    level = SidecarEnvironment.model_fields["log_level"]
    assert (level.alias, level.default) == (LOG_LEVEL_VARIABLE, DEFAULT_LOG_LEVEL)


def test_what_the_sidecar_knows_of_its_pod_and_its_node_comes_from_kubernetes() -> None:
    _, _, container = build("runtimeClass")
    given = {
        each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"] for each in container["env"] if "valueFrom" in each
    }
    fields = {"node_name": "spec.nodeName", "pod_uid": "metadata.uid", "pod_name": "metadata.name"}
    fields |= {"pod_namespace": "metadata.namespace", "host_ips": "status.hostIPs"}
    for field, path in fields.items():
        assert given[str(SidecarEnvironment.model_fields[field].alias)] == path
