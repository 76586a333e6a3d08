"""What a dashboard asks Prometheus, with its variables filled in as Grafana does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from modelmonitor_api.quantities import parse_duration

Json = dict[str, Any]

EVERYTHING = ".*"
_SCRAPE_SECONDS = 15.0
"""What Grafana takes for the interval of scrapes where nobody says it; it takes rates over four of them."""
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?:[.:][^}]*)?\}")


class Needs(StrEnum):
    """What must be there for a query to have an answer; nearly all have one as soon as a ModelMonitor is loaded."""

    LOAD = "Load"
    OBJECTIVES = "Objectives"
    """A ModelMonitor with objectives, and two minutes."""
    FINDING = "Finding"
    """Something that is wrong."""
    FIRING_ALERT = "FiringAlert"
    MIG = "Mig"
    """A GPU in MIG mode."""
    RESPONSE_CACHE = "ResponseCache"
    """A model with Triton's response cache; for others the answer is no number."""
    COST = "Cost"
    """A ModelMonitor with a price and a budget, whose ledger was written twice."""
    PRICE_TABLE = "PriceTable"
    """Prices of a table that says when they were looked up."""
    DECOUPLED_MODEL = "DecoupledModel"
    """A decoupled model on Triton 24.11 or later, with histogram_latencies."""


_NEEDS = (
    ("nv_inference_first_response_histogram_ms", Needs.DECOUPLED_MODEL),
    ("modelmonitor_model_cache_", Needs.RESPONSE_CACHE),
    ("modelmonitor_gpu_mig_", Needs.MIG),
    ("modelmonitor_cost_price_age_", Needs.PRICE_TABLE),
    ("modelmonitor_cost_", Needs.COST),
    ("ALERTS", Needs.FIRING_ALERT),
    ("modelmonitor_finding{", Needs.FINDING),
    ("slo:", Needs.OBJECTIVES),
    ("modelmonitor_objective_", Needs.OBJECTIVES),
)


@dataclass(frozen=True)
class PanelQuery:
    """One query of one panel.

    Attributes:
        legend: Grafana's, with `{{label}}`.
        name: `refId`, the query's letter.
        over_time: asked for a span of time instead of now.
    """

    panel: str
    expression: str
    legend: str
    needs: Needs
    name: str = "A"
    over_time: bool = False


def queries_of(dashboard: Json, chosen: Mapping[str, str] | None = None) -> list[PanelQuery]:
    """Every query of a dashboard in its order; `chosen` are values of variables instead of the dashboard's own."""
    values = {**variables_of(dashboard), **(chosen or {})}
    return [query for panel in panels_of(dashboard) for query in panel_queries(panel, values)]


def panel_queries(panel: Json, values: Mapping[str, str]) -> Iterator[PanelQuery]:
    """Every query of a panel; a text has none."""
    for target in panel.get("targets", ()):
        scrape = parse_duration(target["interval"]) if "interval" in target else _SCRAPE_SECONDS
        expression = fill_in(target["expr"], {"__rate_interval": f"{4 * scrape:.0f}s", **values})
        legend = target.get("legendFormat", "")
        over_time = bool(target.get("range"))
        yield PanelQuery(panel["title"], expression, legend, _needs(expression), target["refId"], over_time)


def panels_of(dashboard: Json) -> Iterator[Json]:
    """Every panel, those of collapsed rows included, without the rows."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", ())
        else:
            yield panel


def variables_of(dashboard: Json) -> dict[str, str]:
    """The value that each variable has when the dashboard is opened."""
    values = {}
    for variable in dashboard["templating"]["list"]:
        current = variable.get("current", {}).get("value", "")
        values[variable["name"]] = EVERYTHING if variable.get("includeAll") else str(current)
    return values


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """The text with every `$name` and `${name}` of a known variable replaced."""

    def replace(match: re.Match[str]) -> str:
        return values.get(match[1] or match[2], match[0])

    return _VARIABLE.sub(replace, text)


def _needs(expression: str) -> Needs:
    return next((needs for series, needs in _NEEDS if series in expression), Needs.LOAD)
