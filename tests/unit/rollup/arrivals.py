"""Arrivals in few words: what a test does not say has arrived."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modelmonitor_api.names import LEADER_PORT_NAME, SIDECAR_PORT_NAME, MonitorRef
from modelmonitor_api.status import Condition
from modelmonitor_api.summary import MonitorPage, PageMiss, PageScraper
from modelmonitor_operator.arrival import (
    PRESENCE_SERIES,
    Arrival,
    BudgetAnswer,
    ChildFact,
    ChildState,
    PageReport,
    PrometheusAnswer,
    PrometheusObjects,
    PrometheusView,
    RuleAnswer,
    TargetAnswer,
)
from modelmonitor_operator.objects import CONFIG_MAP, PROMETHEUS_RULE, SERVICE_MONITOR, ResourceKind
from modelmonitor_operator.observed import NodeReading
from modelmonitor_operator.rollup import RollupInput
from tests.unit.rollup.situations import NOW, REF, Story, condition, given, node, target

OURS = {"app.kubernetes.io/name": "modelmonitor", "release": "kps"}
PROMETHEUS = "10.0.0.9 Prometheus/3.15.0"
HOUR = 3600.0
BY_KPS = {"matchLabels": {"release": "kps"}}


def applied(**labels: str) -> ChildFact:
    """An object that is written, with these labels, or with those that the Prometheus of these tests asks for."""
    return ChildFact(ChildState.APPLIED, labels=tuple(sorted((labels or OURS).items())))


def view(**fields: Any) -> PrometheusView:
    """The Prometheus monitoring/k8s: it asks for release=kps in every namespace."""
    base: dict[str, Any] = {
        "service_monitor_selector": BY_KPS,
        "service_monitor_namespace_selector": {},
        "rule_selector": BY_KPS,
        "rule_namespace_selector": {},
    }
    return PrometheusView("monitoring", "k8s", **{**base, **fields})


def objects(*views: PrometheusView, **fields: Any) -> PrometheusObjects:
    """Prometheus objects that may be seen, and the labels of the monitor's namespace."""
    base: dict[str, Any] = {"kind_served": True, "namespace_labels": {REF.namespace: {"team": "a"}}}
    return PrometheusObjects(views=views or (view(),), **{**base, **fields})


def scraper(by: str = PROMETHEUS, **fields: Any) -> PageScraper:
    """A program that scraped five seconds ago and comes every 15 s."""
    return PageScraper(**{"scraper": by, "age_seconds": 5.0, "count": 9, "interval_seconds": 15.0, **fields})


def page(*scrapers: PageScraper, **fields: Any) -> MonitorPage:
    """A page of the monitor that has been there for an hour."""
    base: dict[str, Any] = {"namespace": REF.namespace, "name": REF.name, "served_seconds": HOUR}
    return MonitorPage(**{**base, "scrapers": scrapers, **fields})


def miss(path: str, **fields: Any) -> PageMiss:
    """A wrong path that Prometheus asks for again and again."""
    return PageMiss(**{"path": path, "scraper": PROMETHEUS, "age_seconds": 5.0, "count": 9, **fields})


def paged(*pages: MonitorPage, misses: tuple[PageMiss, ...] = (), name: str = "n1", **fields: Any) -> NodeReading:
    """A node whose sidecar serves these pages."""
    reading = node(target(), name=name, **fields)
    if reading.summary is None:
        raise ValueError("a node with pages has a summary")
    return replace(reading, summary=reading.summary.model_copy(update={"pages": pages, "page_misses": misses}))


def leader(*scrapers: PageScraper, served: float = HOUR) -> PageReport:
    """The leader's page, scraped by these."""
    return PageReport(None, served, scrapers)


def answer(**fields: Any) -> PrometheusAnswer:
    """Prometheus has everything, said so now, and no rule is amiss."""
    base: dict[str, Any] = {
        "asked_at": NOW,
        "targets": (
            TargetAnswer(SIDECAR_PORT_NAME, "10.0.0.1:9402", up=True),
            TargetAnswer(LEADER_PORT_NAME, "10.0.0.2:8080", up=True),
        ),
        "series": dict.fromkeys(PRESENCE_SERIES.values(), 1),
        "rules": (RuleAnswer("ModelMonitorModelFailing", "modelmonitor.findings", "ok"),),
    }
    return PrometheusAnswer(**{**base, **fields})


def asked(**fields: Any) -> dict[str, Any]:
    """The fields of an arrival with a Prometheus that is asked."""
    return {"prometheus_url": True, "answer": answer(**fields), "rules_wanted": ("ModelMonitorModelFailing",)}


CHILDREN: Mapping[ResourceKind, ChildFact] = {
    SERVICE_MONITOR: applied(),
    PROMETHEUS_RULE: applied(),
    CONFIG_MAP: applied(),
}


def children(facts: Mapping[ResourceKind, ChildFact]) -> dict[ResourceKind, ChildFact]:
    """All objects written, but for these."""
    return {**CHILDREN, **facts}


def arrival(**fields: Any) -> Arrival:
    """Everything is written, selected, and scraped on the leader's side."""
    base: dict[str, Any] = {"children": CHILDREN, "prometheuses": objects(), "leader_page": leader(scraper())}
    return Arrival(**{**base, **fields})


def situation(*nodes: NodeReading, what: Arrival | None = None, **fields: Any) -> RollupInput:
    """One pod on node n1, whose page is scraped."""
    return given(*(nodes or (paged(page(scraper())),)), arrival=what or arrival(), **fields)


def judged(what: RollupInput, kind: str, cycles: int = 1) -> Condition:
    """One condition after some cycles of a situation."""
    story = Story()
    story.cycles(what, cycles)
    return condition(story.status, kind)


def budget(**fields: Any) -> BudgetAnswer:
    """Nine tenths left, spent at half the speed, by many requests."""
    base: dict[str, Any] = {
        "remaining": 0.9,
        "burn_rate": 0.5,
        "errors": {"5m": 0.0005, "30m": 0.0005, "1h": 0.0005, "6h": 0.0005},
        "requests": {"1h": 1000.0, "6h": 6000.0},
    }
    return BudgetAnswer(**{**base, **fields})


OTHER = MonitorRef("team-b", "fraud")
