"""How the sidecar's pod gets at NVML, for each preset.

Source: the container toolkit's and the GPU operator's documentation,
https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/cdi.html, and GKE's driver installer, which puts the
driver under /home/kubernetes/bin/nvidia. Dynamic resource allocation with admin access:
https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#admin-access
"""

from collections.abc import Callable
from dataclasses import dataclass

from modelmonitor_operator.settings import GpuAccess, GpuAccessPreset, Json

_DRIVER_MOUNT = "/usr/local/nvidia"
_CLAIM = "gpus"
_SIMULATED_MOUNT = "/run/modelmonitor/nvml"


@dataclass(frozen=True, slots=True)
class PodAdditions:
    """What a preset adds to the pod and its container."""

    annotations: tuple[tuple[str, str], ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    runtime_class: str = ""
    host_path: str = ""
    mount_path: str = ""
    privileged: bool = False
    claim_template: str = ""

    def volumes(self) -> list[Json]:
        """The volume of the driver's folder, where the preset needs one."""
        return [{"name": "driver", "hostPath": {"path": self.host_path}}] if self.host_path else []

    def mounts(self) -> list[Json]:
        """The read-only mount of that volume."""
        return [{"name": "driver", "mountPath": self.mount_path, "readOnly": True}] if self.host_path else []

    def pod_claims(self) -> list[Json]:
        """The claim of the pod, where the preset has one."""
        return [{"name": _CLAIM, "resourceClaimTemplateName": self.claim_template}] if self.claim_template else []

    def container_claims(self) -> list[Json]:
        """The container's use of that claim."""
        return [{"name": _CLAIM}] if self.claim_template else []


_ALL_GPUS = (("NVIDIA_VISIBLE_DEVICES", "all"), ("NVIDIA_DRIVER_CAPABILITIES", "utility"))


def _runtime_class(access: GpuAccess, _container: str) -> PodAdditions:
    return PodAdditions(env=_ALL_GPUS, runtime_class=access.runtime_class_name)


def _cdi(_access: GpuAccess, container: str) -> PodAdditions:
    return PodAdditions(annotations=((f"nvidia.cdi.k8s.io/container.{container}", "management.nvidia.com/gpu=all"),))


def _gke(access: GpuAccess, _container: str) -> PodAdditions:
    return PodAdditions(
        env=(("LD_LIBRARY_PATH", f"{_DRIVER_MOUNT}/lib64"),),
        host_path=access.driver_host_path,
        mount_path=_DRIVER_MOUNT,
        privileged=True,
    )


def _dra(access: GpuAccess, _container: str) -> PodAdditions:
    return PodAdditions(claim_template=access.resource_claim_template_name)


def _none(_access: GpuAccess, _container: str) -> PodAdditions:
    return PodAdditions(env=_ALL_GPUS)


def _simulated(access: GpuAccess, _container: str) -> PodAdditions:
    return PodAdditions(
        env=(("LD_LIBRARY_PATH", _SIMULATED_MOUNT), ("NVML_SIM_STATE", f"{_SIMULATED_MOUNT}/state")),
        host_path=access.simulated_host_path,
        mount_path=_SIMULATED_MOUNT,
    )


_PRESETS: dict[GpuAccessPreset, Callable[[GpuAccess, str], PodAdditions]] = {
    GpuAccessPreset.RUNTIME_CLASS: _runtime_class,
    GpuAccessPreset.CDI: _cdi,
    GpuAccessPreset.GKE: _gke,
    GpuAccessPreset.DRA: _dra,
    GpuAccessPreset.NONE: _none,
    GpuAccessPreset.SIMULATED: _simulated,
}


def build_gpu_access(access: GpuAccess, container: str) -> PodAdditions:
    """What the chosen preset adds to the pod whose container is named `container`."""
    return _PRESETS[access.preset](access, container)
