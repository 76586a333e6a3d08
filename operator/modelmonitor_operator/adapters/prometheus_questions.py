"""What is asked of Prometheus about one monitor, and what the answers mean; nothing in them is trusted.

Source of the API: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelmonitor_api.burn_rates import FAST_PAIRS, NEAR_INTERVAL_SECONDS, SliSeries, SloSeries, sli_error
from modelmonitor_api.names import LABEL_MONITOR, LABEL_NAMESPACE, LABEL_NODE, MonitorRef, object_name
from modelmonitor_api.promql import equals, matches, regex_text, selector
from modelmonitor_operator.arrival import PRESENCE_SERIES, BudgetAnswer, RuleAnswer, TargetAnswer

MAX_TEXT = 512
"""Characters of one text of Prometheus' that are kept."""
MAX_TARGETS = 2000
MAX_RULES = 1000
_EXPORTED = "exported_"
_RENAMED = tuple(f"{_EXPORTED}{label}" for label in (LABEL_MONITOR, LABEL_NAMESPACE, LABEL_NODE))
_ERROR_SERIES = {sli_error(window): window for pair in FAST_PAIRS for window in (pair.long, pair.short)}
_BUDGET_SERIES = (SloSeries.BUDGET_REMAINING.value, SloSeries.CURRENT_BURN_RATE.value, *_ERROR_SERIES)
_REQUESTS_WINDOW = "requests_window"
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an instant query, with a finite value."""

    labels: Labels
    value: float


def _own(ref: MonitorRef, exported: str = "", renamed: str = "") -> tuple[str, str]:
    """Matchers of a monitor's series, with the labels as they are or as a collision would rename them."""
    return equals(f"{exported}{LABEL_NAMESPACE}", ref.namespace), equals(f"{renamed}{LABEL_MONITOR}", ref.name)


def _any_of(*names: str) -> str:
    return matches("__name__", "|".join(map(regex_text, names)))


def presence_query(ref: MonitorRef) -> str:
    """One query for the targets' `up`, and for series that every page has, under their own and under renamed labels."""
    names = _any_of(*PRESENCE_SERIES.values())
    kinds = ((), (_EXPORTED,), ("", _EXPORTED), (_EXPORTED, _EXPORTED))
    series = " or ".join(selector("", names, *_own(ref, *kind)) for kind in kinds)
    counted = f"count by ({', '.join(('__name__', *_RENAMED))}) ({series})"
    up = selector("up", equals(LABEL_NAMESPACE, ref.namespace), equals("service", object_name(ref.name)))
    return f"{counted} or {up}"


def budget_query(ref: MonitorRef) -> str:
    """One query for what is left of the error budgets, how fast they burn, and how many requests there were."""
    parts = [selector("", _any_of(*_BUDGET_SERIES), *_own(ref))]
    requests = selector(SliSeries.REQUESTS, *_own(ref))
    for pair in FAST_PAIRS:
        counted = f"sum_over_time({requests}[{pair.long}]) * {NEAR_INTERVAL_SECONDS}"
        parts.append(f'label_replace({counted}, "{_REQUESTS_WINDOW}", "{pair.long}", "", "")')
    return " or ".join(parts)


def rules_matcher(ref: MonitorRef) -> str:
    """Selects the rules of one monitor by their own labels."""
    return selector("", *_own(ref))


def scrape_pools(ref: MonitorRef) -> tuple[str, ...]:
    """Names that prometheus-operator gives to the scrape pools of our ServiceMonitor's endpoints.

    Source: https://github.com/prometheus-operator/prometheus-operator/blob/v0.85.0/pkg/prometheus/promcfg.go
    """
    name = object_name(ref.name)
    return tuple(f"serviceMonitor/{ref.namespace}/{name}/{number}" for number in range(len(PRESENCE_SERIES)))


def text_of(value: Any) -> str:
    """A text of Prometheus' as it may be shown: printable and bounded."""
    said = value if isinstance(value, str) else ""
    return "".join(one if one.isprintable() else " " for one in said[:MAX_TEXT])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _value(pair: Any) -> float | None:
    try:
        number = float(pair[1])
    except (TypeError, ValueError, IndexError, KeyError):
        return None
    return number if math.isfinite(number) else None


def parse_samples(data: Any) -> tuple[Sample, ...]:
    """The series of an instant query's answer; what is no number is left out."""
    found = []
    for one in _list(_mapping(data).get("result")):
        series = _mapping(one)
        value = _value(series.get("value"))
        labels = {str(name): text_of(of) for name, of in _mapping(series.get("metric")).items()}
        if value is not None:
            found.append(Sample(labels, value))
    return tuple(found)


def read_presence(samples: tuple[Sample, ...]) -> tuple[dict[str, int], tuple[str, ...], tuple[TargetAnswer, ...]]:
    """Series by name, labels that were renamed, and the targets by their `up`."""
    series: dict[str, int] = {}
    renamed, targets = set(), []
    for sample in samples:
        name = sample.labels.get("__name__", "")
        if name == "up":
            endpoint, address = (sample.labels.get(label, "") for label in ("endpoint", "instance"))
            targets.append(TargetAnswer(endpoint, address, sample.value == 1))
        elif name in PRESENCE_SERIES.values():
            series[name] = series.get(name, 0) + int(min(sample.value, 1e9))
            renamed |= {label for label in _RENAMED if sample.labels.get(label)}
    return series, tuple(sorted(renamed)), tuple(targets[:MAX_TARGETS])


def parse_targets(data: Any) -> Iterator[TargetAnswer]:
    """The targets of a scrape pool with the error of the last scrape."""
    for one in _list(_mapping(data).get("activeTargets"))[:MAX_TARGETS]:
        target = _mapping(one)
        labels = _mapping(target.get("labels"))
        yield TargetAnswer(
            endpoint=text_of(labels.get("endpoint")),
            address=text_of(labels.get("instance")),
            up=target.get("health") == "up",
            error=text_of(target.get("lastError")),
        )


def parse_rules(data: Any, ref: MonitorRef) -> tuple[RuleAnswer, ...]:
    """The rules of one monitor; a server that does not filter sends those of others too."""
    found = []
    for group in map(_mapping, _list(_mapping(data).get("groups"))):
        for rule in map(_mapping, _list(group.get("rules"))):
            labels = _mapping(rule.get("labels"))
            if (labels.get(LABEL_NAMESPACE), labels.get(LABEL_MONITOR)) != (ref.namespace, ref.name):
                continue
            name, of, health = (text_of(part) for part in (rule.get("name"), group.get("name"), rule.get("health")))
            found.append(RuleAnswer(name, of, health, text_of(rule.get("lastError"))))
    return tuple(found[:MAX_RULES])


def read_budgets(samples: tuple[Sample, ...]) -> dict[str, BudgetAnswer]:
    """What is left of each objective's error budget, by its name."""
    figures: dict[str, dict[str, float]] = {}
    for sample in samples:
        window = sample.labels.get(_REQUESTS_WINDOW)
        name = f"{_REQUESTS_WINDOW}/{window}" if window else sample.labels.get("__name__", "")
        figures.setdefault(sample.labels.get("sloth_slo", ""), {})[name] = sample.value
    return {objective: _budget(found) for objective, found in figures.items() if objective}


def _budget(found: Mapping[str, float]) -> BudgetAnswer:
    longs = [pair.long for pair in FAST_PAIRS]
    return BudgetAnswer(
        remaining=found.get(SloSeries.BUDGET_REMAINING),
        burn_rate=found.get(SloSeries.CURRENT_BURN_RATE),
        errors={window: found[name] for name, window in _ERROR_SERIES.items() if name in found},
        requests={long: found[key] for long in longs if (key := f"{_REQUESTS_WINDOW}/{long}") in found},
    )
