"""What a case of an alert is: series that fire it or do not, in promtool's notation.

Values are one each `interval`: `1x30` is thirty-one times 1, `0+5x60` rises by 5, `_x9` is nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelmonitor_api.alert_names import AlertName

NAMESPACE, MONITOR = "team-a", "fraud"
OWN = {"namespace": NAMESPACE, "modelmonitor": MONITOR}
TARGET = {"namespace": NAMESPACE, "service": "modelmonitor-fraud", "job": "modelmonitor-fraud"}


@dataclass(frozen=True, slots=True)
class Case:
    """One situation, and the alerts of one name that fire in it: their labels besides the monitor's own."""

    alert: AlertName
    what: str
    series: Mapping[str, str] = field(default_factory=dict)
    minute: int = 20
    firing: tuple[Mapping[str, str], ...] = ()
    interval: str = "1m"


def written(name: str, labels: Mapping[str, str]) -> str:
    """A series as promtool writes it."""
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"


def series(name: str, labels: Mapping[str, str] | None = None, **more: str) -> str:
    """A series; the monitor's own unless other labels are given."""
    return written(name, {**(OWN if labels is None else labels), **more})
