"""What is served: pages that hold the catalogue's metrics and nothing else, and the summary."""

import json
import re
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from modelmonitor_api.metrics import METRICS, MetricPage, sample_names
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.scrape_book import ScrapeBook
from modelmonitor_api.summary import MAX_SUMMARY_BYTES, NodeSummary, ScrapeResult
from modelmonitor_sidecar.collectors.own import Identity
from modelmonitor_sidecar.snapshot import NodeSnapshot
from modelmonitor_sidecar.summary import MAX_MODELS, build_summary, render_summary
from tests.unit.sidecar.nodes import holder, model, monitor_page, names, sidecar_page, snapshot, values

WHO = Identity("node-a", "u", "1")


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        pytest.param(sidecar_page(snapshot()), MetricPage.SIDECAR, id="the sidecar's page"),
        pytest.param(monitor_page(snapshot(holder("fraud-0", "GPU-0"))), MetricPage.MONITOR, id="a monitor's page"),
    ],
)
def test_nothing_but_the_catalogue_is_exposed_and_with_its_labels(page: str, kind: MetricPage) -> None:
    allowed = {name: metric for metric in METRICS.values() if metric.page is kind for name in sample_names(metric)}
    assert names(page) <= allowed.keys()
    for line in page.splitlines():
        if line.startswith(("modelmonitor_", "process_")):
            name = re.split(r"[{ ]", line, maxsplit=1)[0]
            assert set(re.findall(r'[{,]([a-z_]+)="', line)) <= set(allowed[name].labels)


def test_every_metric_of_the_sidecars_page_is_really_exposed() -> None:
    catalogue = {m.name for m in METRICS.values() if m.page is MetricPage.SIDECAR}
    assert names(sidecar_page(snapshot())) == catalogue


def test_every_metric_of_ours_on_a_monitors_page_is_really_exposed() -> None:
    catalogue = {
        m.name for m in METRICS.values() if m.page is MetricPage.MONITOR and m.name.startswith("modelmonitor_")
    }
    assert catalogue <= names(monitor_page(snapshot(holder("fraud-0", "GPU-0"))))


@pytest.mark.parametrize(
    "page", [pytest.param(sidecar_page(snapshot()), id="sidecar"), pytest.param(monitor_page(snapshot()), id="monitor")]
)
def test_prometheus_own_parser_reads_the_page_whole(page: str) -> None:
    samples = [s for family in text_string_to_metric_families(page) for s in family.samples]
    assert len(samples) == sum(1 for line in page.splitlines() if not line.startswith("#"))
    keys = [(s.name, tuple(sorted(s.labels.items()))) for s in samples]
    assert len(set(keys)) == len(keys)


def test_a_reading_that_a_gpu_does_not_offer_has_no_sample() -> None:
    assert values(sidecar_page(snapshot()), "modelmonitor_gpu_power_watts") == {
        '{node="node-a",gpu="0",uuid="GPU-0"}': 99.5
    }


def test_requests_for_pages_of_monitors_are_counted_by_how_they_ended() -> None:
    assert values(sidecar_page(snapshot()), "modelmonitor_page_requests_total") == {
        '{node="node-a",result="complete"}': 5,
        '{node="node-a",result="cut_off"}': 1,
        '{node="node-a",result="missing"}': 3,
    }


def test_a_lost_gpu_keeps_its_name_and_says_lost() -> None:
    states = values(sidecar_page(snapshot()), "modelmonitor_gpu_state")
    assert states['{node="node-a",gpu="2",uuid="GPU-2",state="Lost"}'] == 1


def summary(seen: NodeSnapshot, now: float, book: ScrapeBook | None = None) -> NodeSummary:
    return build_summary(seen, now, WHO, book or ScrapeBook())


def test_the_summary_says_who_scrapes_each_page_and_who_asks_for_a_page_that_is_not_there() -> None:
    book, fraud = ScrapeBook(), MonitorRef("team-a", "fraud")
    book.serve([fraud], 10.0)
    book.note_scrape(fraud, "10.0.0.7 Prometheus/3.5.0", 90.0, ScrapeResult.CUT_OFF)
    book.note_miss("/monitors/team-a/fraud", "10.0.0.7 Prometheus/3.5.0", 95.0)
    made = NodeSummary.model_validate_json(render_summary(snapshot(), 100.0, WHO, book))
    (page,), (miss,) = made.pages, made.page_misses
    assert (page.namespace, page.name, page.served_seconds) == ("team-a", "fraud", 90.0)
    assert (page.scrapers[0].result, page.scrapers[0].age_seconds) == (ScrapeResult.CUT_OFF, 10.0)
    assert (miss.path, miss.age_seconds) == ("/monitors/team-a/fraud", 5.0)


def test_the_summary_gives_ages_and_survives_its_own_wire_form() -> None:
    made = summary(snapshot(), 107.5)
    assert (made.nvml.age_seconds, made.pod_resources.age_seconds, made.targets[0].age_seconds) == (7.5, 7.5, 7.5)
    assert made.nvml.xids[0].age_seconds == 17.5
    assert made.plan_generation == 4
    assert NodeSummary.model_validate_json(json.dumps(made.to_wire())) == made


def test_xids_of_more_than_an_hour_ago_are_not_in_the_summary() -> None:
    assert summary(snapshot(), 90 + 3601).nvml.xids == ()


def test_the_summary_names_only_holders_of_the_plan() -> None:
    made = summary(snapshot(holder("fraud-0", "GPU-0"), holder("other", "GPU-1")), 100)
    assert [h.pod for h in made.pod_resources.holders] == ["fraud-0"]


def test_the_summary_keeps_the_busiest_models_and_says_how_many_there_are() -> None:
    seen = snapshot()
    (uid, target), *_ = seen.targets.items()
    many = tuple(model(f"m{n:04d}", n) for n in range(MAX_MODELS + 50))
    made = summary(replace(seen, targets={uid: replace(target, models=many)}), 100).targets[0]
    assert (len(made.models), made.models_total) == (MAX_MODELS, MAX_MODELS + 50)
    assert made.models[0].name == f"m{MAX_MODELS + 49:04d}"
    assert "m0000" not in {m.name for m in made.models}


def test_pods_that_name_too_many_models_cannot_make_the_summary_too_long_to_be_read() -> None:
    seen = snapshot()
    (uid, target), *_ = seen.targets.items()
    long = {"state_reason": "é" * 512}
    models = tuple(model("é" * 250 + str(n)).model_copy(update=long) for n in range(MAX_MODELS))
    hostile = {f"hostile-{n}": replace(target, models=models) for n in range(40)}
    body = render_summary(replace(seen, targets={uid: target, **hostile}), 100, WHO, ScrapeBook())
    assert len(body) <= MAX_SUMMARY_BYTES
    read = NodeSummary.model_validate_json(body)
    assert [len(t.models) for t in read.targets if len(t.models) < 25] == [len(target.models)]
    assert {t.models_total for t in read.targets} == {200, len(target.models)}
