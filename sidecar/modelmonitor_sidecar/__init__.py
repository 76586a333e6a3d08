"""The sidecar of one GPU node: reads its plan, NVML, the kubelet and Triton, and serves what it read."""
