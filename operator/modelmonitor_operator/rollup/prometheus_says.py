"""What the Prometheus of the settings says against the arrival of a monitor's samples and rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelmonitor_api.names import LEADER_PORT_NAME, SIDECAR_PORT_NAME
from modelmonitor_operator.arrival import PRESENCE_SERIES, ChildFact, ChildState, PrometheusAnswer, TargetAnswer
from modelmonitor_operator.objects import PROMETHEUS_RULE
from modelmonitor_operator.rollup.candidates import join_names, render_count
from modelmonitor_operator.rollup.pages import PageState, PageView
from modelmonitor_operator.rollup.status import cut_text
from modelmonitor_operator.rollup.view import MonitorView

RELOAD_SECONDS = 180.0
"""How long new scrape configuration and rules may take: prometheus-operator writes them, the kubelet brings them into
the pod about a minute later, the reloader looks, and the rules are evaluated once."""
BLIP_SECONDS = 60.0
"""A target that fails a single scrape is no news."""
_TOLD = 160
"""Characters of Prometheus' own words that a message has room for."""
_LIMIT = "limit exceeded"
_DEADLINE = "context deadline exceeded"
_LIMIT_MENDS = (
    ("sample limit", "set spec.prometheus.sampleLimit below enforcedSampleLimit of the Prometheus"),
    ("body size limit", "raise enforcedBodySizeLimit of the Prometheus, or lower spec.prometheus.sampleLimit"),
    ("target_limit", "raise enforcedTargetLimit of the Prometheus"),
    ("label", "raise the enforced label limits of the Prometheus, or shorten what spec.prometheus.podLabels names"),
)
"""Mends by what Prometheus' error says.
Source of the errors: https://github.com/prometheus/prometheus/blob/v3.5.0/scrape/scrape.go"""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that Prometheus says against arrival.

    Attributes:
        settle_seconds: how long it has to be said before it is told.
        explains: whether it says why pages look as they do, and so comes before what the pages say themselves.
    """

    reason: str
    message: str
    settle_seconds: float = 0.0
    explains: bool = False


def _failed_target(target: TargetAnswer) -> Doubt:
    """A deadline that passed explains nothing: whoever serves the page knows whether it was reached at all."""
    said = f"Prometheus cannot take the {target.endpoint} page at {target.address}: {cut_text(target.error, _TOLD)}"
    if _LIMIT in target.error:
        mend = next((text for part, text in _LIMIT_MENDS if part in target.error), "raise the limit")
        return Doubt("LimitHit", f"{said}; {mend}", explains=True)
    if "HTTP status 404" in target.error:
        return Doubt(
            "WrongPath", f"{said}; the path is that of the ServiceMonitor", settle_seconds=BLIP_SECONDS, explains=True
        )
    if _DEADLINE in target.error:
        mend = "raise spec.prometheus.scrapeTimeout, and look at NetworkPolicies"
        return Doubt("TargetDown", f"{said}; {mend}", settle_seconds=BLIP_SECONDS)
    return Doubt("TargetDown", f"{said}; look at NetworkPolicies", settle_seconds=BLIP_SECONDS, explains=True)


def _failed_targets(answer: PrometheusAnswer) -> Iterator[Doubt]:
    failed = sorted((target for target in answer.targets if target.error), key=lambda t: (t.endpoint, t.address))
    for doubt in sorted(map(_failed_target, failed), key=lambda one: one.settle_seconds):
        yield doubt
        return


def _labels_overridden(answer: PrometheusAnswer) -> Iterator[Doubt]:
    if answer.renamed:
        names = join_names(sorted(answer.renamed))
        yield Doubt(
            "LabelsOverridden",
            f"samples arrive with {names}: Prometheus puts its target's labels over ours; set honorLabels: true in the "
            "scrape configuration, and overrideHonorLabels: false in the Prometheus object",
        )


def _samples_missing(answer: PrometheusAnswer, pages: tuple[PageView, ...]) -> Iterator[Doubt]:
    """Pages that Prometheus scrapes well, or that somebody does, without a sample of them in it."""
    missing = [port for port, name in PRESENCE_SERIES.items() if not answer.series.get(name)]
    dropped = [port for port in missing if any(one.up and one.endpoint == port for one in answer.targets)]
    if dropped:
        names = join_names([PRESENCE_SERIES[port] for port in dropped])
        yield Doubt(
            "DroppedByRelabelling",
            f"Prometheus scrapes the {' and '.join(dropped)} page, and {names} is not in it: look at "
            "spec.prometheus.metricRelabelings, and at relabelling of the Prometheus' own",
            settle_seconds=BLIP_SECONDS,
        )
    places = {LEADER_PORT_NAME if page.place == "leader" else SIDECAR_PORT_NAME for page in pages if _good(page)}
    unseen = [port for port in missing if port in places]
    if unseen and not answer.targets:
        yield Doubt(
            "SamplesMissing",
            f"the {' and '.join(unseen)} page is scraped, but not by the Prometheus of prometheus.url, which has no "
            f"target and no sample of it: check the URL against the Prometheus that scrapes",
            settle_seconds=RELOAD_SECONDS,
        )


def _good(page: PageView) -> bool:
    return page.state is PageState.SCRAPED


def _rules(view: MonitorView, answer: PrometheusAnswer) -> Iterator[Doubt]:
    arrival = view.given.arrival
    fact = arrival.children.get(PROMETHEUS_RULE, ChildFact())
    if fact.state is not ChildState.APPLIED or answer.rules is None:
        return
    broken = sorted((rule for rule in answer.rules if rule.health == "err"), key=lambda rule: (rule.name, rule.group))
    if broken:
        names = join_names(sorted({rule.name for rule in broken}), 3)
        yield Doubt("RuleError", f"Prometheus fails to evaluate {names}: {cut_text(broken[0].error, _TOLD)}")
    missing = sorted(set(arrival.rules_wanted) - {rule.name for rule in answer.rules})
    if missing:
        told = f"{render_count(len(missing), 'rule')} of {len(set(arrival.rules_wanted))} not loaded by Prometheus"
        yield Doubt(
            "RuleMissing",
            f"{told}: {join_names(missing, 3)}; see MonitoringSelected, and the log of prometheus-operator",
            settle_seconds=RELOAD_SECONDS,
        )


def find_doubts(view: MonitorView, pages: tuple[PageView, ...]) -> tuple[Doubt, ...]:
    """What Prometheus' newest answer says against arrival, causes before effects; nothing where it gave none."""
    answer = view.given.arrival.answer
    if not view.given.arrival.prometheus_url or answer.asked_at is None or answer.error:
        return ()
    return (
        *_failed_targets(answer),
        *_labels_overridden(answer),
        *_samples_missing(answer, pages),
        *_rules(view, answer),
    )


def settle(
    doubts: tuple[Doubt, ...], since: Mapping[str, float], asked_at: float, told: str
) -> tuple[tuple[Doubt, ...], dict[str, float]]:
    """The doubts that have lasted, and since when each is raised, by reason.

    Args:
        since: of the answer before.
        asked_at: when this answer was given: only newer answers make a doubt older.
        told: the reason that the condition has already; it needs no second proof.
    """
    begun = {doubt.reason: since.get(doubt.reason, asked_at) for doubt in doubts}
    lasting = [one for one in doubts if one.reason == told or asked_at - begun[one.reason] >= one.settle_seconds]
    return tuple(lasting), begun
