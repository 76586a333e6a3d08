"""What of a dashboard the operator fills in: the build gives these panels and variables their identity."""

from enum import IntEnum, StrEnum


class ModelPanel(IntEnum):
    """Ids of the panels that differ between monitors."""

    FINDINGS = 1
    FAILURES = 2
    LATENCY = 3
    OBJECTIVES = 4
    TEMPERATURE = 5


class ModelVariable(StrEnum):
    """Constants that every query of the dashboard names."""

    NAMESPACE = "namespace"
    MONITOR = "modelmonitor"
    SERVICE = "service"
    """`up` does not carry the monitor's name: the Service by which Prometheus found the target stands for it."""
