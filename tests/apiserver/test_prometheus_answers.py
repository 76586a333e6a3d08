"""A real Prometheus is asked about monitors that fare differently with it: each cause is provoked and told apart."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from modelmonitor_api.names import MonitorRef, object_name
from modelmonitor_operator.adapters.prometheus_api import PrometheusApi
from modelmonitor_operator.arrival import PrometheusAnswer
from modelmonitor_operator.desired.prometheus_rule import build_prometheus_rule, rule_names
from modelmonitor_operator.prometheus_answers import PrometheusError
from modelmonitor_operator.settings import PrometheusSettings
from modelmonitor_testbed.controlplane import free_ports
from modelmonitor_testbed.process import start_bound
from modelmonitor_testbed.tools import PROMETHEUS, tool
from tests.edge.sidecar.loopback import served
from tests.unit.operator.worlds import monitor as built_monitor
from tests.unit.operator.worlds import settings
from tests.unit.rollup.arrivals import arrival, situation
from tests.unit.rollup.situations import Story, condition, spec

PATIENCE_SECONDS = 40.0
NAMESPACE, NODE = "team-a", "n1"
OBJECTIVE = {"name": "up", "type": "Availability", "target": "99.9"}
PAGES = {
    "sidecar": 'modelmonitor_page_series{%s,node="n1"} 9\nmodelmonitor_target_up{%s,node="n1",endpoint="http"} 1\n',
    "leader": 'modelmonitor_health_state{%s,state="Healthy"} 1\nmodelmonitor_health_state{%s,state="Unknown"} 0\n',
}
RECORDED = (
    'slo:period_error_budget_remaining:ratio{%s,sloth_slo="up"} 0.75\n'
    'slo:current_burn_rate:ratio{%s,sloth_slo="up"} 0.5\n'
    'slo:sli_error:ratio_rate1h{%s,sloth_slo="up"} 0.0005\n'
    'modelmonitor:slo_requests:rate5m{%s,sloth_slo="up"} 2\n'
)
"""What the recording rules of an objective give after hours, on a page."""
BROKEN_RULE = "sum by (state) (modelmonitor_health_state) + on () group_right () modelmonitor_health_state"
JOBS: Mapping[str, Mapping[str, Any]] = {
    "well": {},
    "limited": {"sample_limit": 1},
    "relabelled": {
        "metric_relabel_configs": [
            {"action": "drop", "source_labels": ["__name__"], "regex": "modelmonitor_page_series"}
        ]
    },
    "overridden": {"honor_labels": False},
    "unruled": {},
    "broken": {},
    "misled": {"metrics_path": "/nothing/here"},
}


def _labels(name: str) -> str:
    return f'modelmonitor="{name}",namespace="{NAMESPACE}"'


def _application() -> web.Application:
    async def page(request: web.Request) -> web.Response:
        text = PAGES[request.match_info["endpoint"]] + (RECORDED if request.match_info["endpoint"] == "leader" else "")
        return web.Response(text=text.replace("%s", _labels(request.match_info["name"])))

    made = web.Application()
    made.router.add_get("/{name}/{endpoint}/metrics", page)
    return made


def _job(name: str, number: int, endpoint: str, port: int) -> dict[str, Any]:
    target = {"namespace": NAMESPACE, "service": object_name(name), "endpoint": endpoint, "node": NODE}
    return {
        "job_name": f"serviceMonitor/{NAMESPACE}/{object_name(name)}/{number}",
        "metrics_path": f"/{name}/{endpoint}/metrics",
        "honor_labels": True,
        "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": target}],
        **JOBS[name],
    }


def _monitor(name: str) -> Any:
    made = replace(built_monitor(), ref=MonitorRef(NAMESPACE, name), uid=f"uid-{name}", spec=spec())
    return replace(made, spec=spec(objectives=(OBJECTIVE,)))


def _rules(name: str) -> Any:
    """The rules as the operator writes them, evaluated quickly; one of them does not work where that is asked for."""
    groups = build_prometheus_rule(settings(), _monitor(name), {})["spec"]["groups"]
    made = [{**group, "name": f"{name}.{group['name']}", "interval": "1s"} for group in groups]
    if name == "broken":
        made[0]["rules"][0]["expr"] = BROKEN_RULE
    return {"groups": made}


@asynccontextmanager
async def prometheus(folder: Path) -> AsyncIterator[str]:
    """A real Prometheus that scrapes every monitor's two pages each second."""
    (api,) = free_ports(1)
    async with served(_application()) as port:
        jobs = [_job(name, n, endpoint, port) for name in JOBS for n, endpoint in enumerate(PAGES)]
        for name in JOBS.keys() - {"unruled"}:
            (folder / f"{name}.rules.yml").write_text(json.dumps(_rules(name)))
        configuration = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "rule_files": [str(folder / "*.rules.yml")],
            "scrape_configs": jobs,
        }
        (folder / "prometheus.yml").write_text(json.dumps(configuration))
        words = [
            tool(PROMETHEUS, "prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{api}",
        ]
        child = start_bound(words, folder / "log")
        try:
            yield f"http://127.0.0.1:{api}"
        finally:
            child.terminate()
            await asyncio.to_thread(child.wait)


def _settled(name: str, found: PrometheusAnswer) -> bool:
    """Whether Prometheus has judged: the rule that does not work fails once there are samples."""
    health = {rule.health for rule in found.rules or ()}
    return len(found.targets) >= 2 and "unknown" not in health and ("err" in health or name != "broken")


async def _ask_all(url: str, told: Callable[[], str]) -> dict[str, PrometheusAnswer]:
    api = PrometheusApi(PrometheusSettings(url=url))
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while True:
            try:
                found = {name: await api.ask(MonitorRef(NAMESPACE, name)) for name in JOBS}
            except PrometheusError:
                found = {}
            if found and all(_settled(*each) for each in found.items()):
                return found
            assert time.monotonic() < deadline, told()
            await asyncio.sleep(0.3)
    finally:
        await api.close()


def _reason(name: str, answer: PrometheusAnswer) -> tuple[str, str, str]:
    """What the status says once the answer has stayed the same for some minutes."""
    story = Story()
    for seconds in (0.0, 600.0):
        asked = replace(answer, asked_at=story.now + 10 + seconds)
        wanted = rule_names(build_prometheus_rule(settings(), _monitor(name), {}))
        what = arrival(prometheus_url=True, answer=asked, rules_wanted=wanted)
        story.cycle(situation(what=what), seconds=10 + seconds)
    found = condition(story.status, "ScrapeVerified")
    return found.status, found.reason, found.message


async def test_each_cause_is_told_apart_by_what_a_real_prometheus_says(tmp_path: Path) -> None:
    async with prometheus(tmp_path) as url:
        found = await _ask_all(url, lambda: (tmp_path / "log").read_text()[-3000:])
    reasons = {name: _reason(name, answer) for name, answer in found.items()}
    assert {name: (status, reason) for name, (status, reason, _) in reasons.items()} == {
        "well": ("True", "Scraped"),
        "limited": ("False", "LimitHit"),
        "relabelled": ("False", "DroppedByRelabelling"),
        "overridden": ("False", "LabelsOverridden"),
        "unruled": ("False", "RuleMissing"),
        "broken": ("False", "RuleError"),
        "misled": ("False", "WrongPath"),
    }, reasons
    budget = found["well"].budgets["up"]
    assert (budget.remaining, budget.burn_rate, budget.errors) == (0.75, 0.5, {"1h": 0.0005})
    assert budget.requests["1h"] > 0
    assert found["overridden"].renamed == ("exported_namespace", "exported_node")
