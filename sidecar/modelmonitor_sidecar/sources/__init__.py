"""The hardware and network edge: Triton, NVML, the kubelet and the plan. Only here is anything foreign called."""
