"""Label selectors of other people's objects, taken apart so that what is missing can be named.

Source of their meaning: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelmonitor_operator.settings import Json

Labels = Mapping[str, str]
MOST_REQUIREMENTS = 500
MOST_VALUES = 5000
"""Of one selector, over all its requirements; whoever may write a Prometheus object must not slow the operator down."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One requirement of a selector.

    Attributes:
        operator: In, NotIn, Exists or DoesNotExist; any other is never met, as Kubernetes refuses such a selector.
    """

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def met(self, labels: Labels) -> bool:
        """Whether labels satisfy it."""
        present = self.key in labels
        match self.operator:
            case "In":
                return present and labels[self.key] in self.values
            case "NotIn":
                return not present or labels[self.key] not in self.values
            case "Exists":
                return present
            case "DoesNotExist":
                return not present
        return False

    @property
    def adds(self) -> str:
        """The label that meets it, as YAML writes it; empty where a label has to go instead."""
        if self.operator == "In" and self.values:
            return f"{self.key}: {self.values[0]}"
        return f"{self.key}: any" if self.operator == "Exists" else ""

    def __str__(self) -> str:
        match self.operator:
            case "In":
                return (
                    f"{self.key}={self.values[0]}" if len(self.values) == 1 else f"{self.key} in {_list(self.values)}"
                )
            case "NotIn":
                return f"{self.key} not in {_list(self.values)}"
            case "Exists":
                return f"a label {self.key}"
            case "DoesNotExist":
                return f"no label {self.key}"
        return f"{self.key} {self.operator} {_list(self.values)}"


def _list(values: tuple[str, ...]) -> str:
    return f"({', '.join(values[:5])}{', …' if len(values) > 5 else ''})"


def demands(selector: Json) -> Iterator[Demand]:
    """The requirements of a selector; the empty selector has none and matches everything."""
    for key, value in _mapping(selector.get("matchLabels")).items():
        yield Demand(str(key), "In", (str(value),))
    for expression in _listed(selector.get("matchExpressions")):
        one = _mapping(expression)
        told = tuple(str(value) for value in _listed(one.get("values")))
        yield Demand(str(one.get("key", "")), str(one.get("operator", "")), told)


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def is_too_long(selector: Json) -> bool:
    """Whether a selector has more requirements or values than are compared."""
    expressions = _listed(selector.get("matchExpressions"))
    if len(_mapping(selector.get("matchLabels"))) + len(expressions) > MOST_REQUIREMENTS:
        return True
    return sum(len(_listed(_mapping(one).get("values"))) for one in expressions) > MOST_VALUES


def unmet(selector: Json, labels: Labels) -> tuple[Demand, ...]:
    """The requirements that labels do not satisfy; none means that the selector matches."""
    return tuple(demand for demand in demands(selector) if not demand.met(labels))
