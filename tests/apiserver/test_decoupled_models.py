"""What is asked about decoupled models has an answer: rules and panels on a real Prometheus that reads a recorded page.

No Triton that can be had here publishes `nv_inference_first_response_histogram_ms`, so a page in Triton's documented
form passes through the sidecar's own parser and collector, its counters rising with time.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from modelmonitor_api.names import object_name
from modelmonitor_api.status import ObjectiveMethod
from modelmonitor_operator.desired.dashboard import build_dashboard
from modelmonitor_operator.desired.prometheus_rule import build_prometheus_rule
from modelmonitor_sidecar.exposition import parse_page
from modelmonitor_testbed.preview.queries import Needs, queries_of
from modelmonitor_testbed.prometheus.api import PrometheusApi, PrometheusError
from modelmonitor_testbed.prometheus.local import LOG, running_prometheus
from tests.edge.sidecar.loopback import served
from tests.unit.operator.worlds import monitor, settings
from tests.unit.sidecar.nodes import monitor_page, snapshot
from tests.unit.sidecar.readings import page_text

PATIENCE_SECONDS = 40.0
FIRST_RESPONSE = {"name": "first-response", "type": "Latency", "target": "99", "threshold": "500ms", "models": ["chat"]}
METHODS = {"first-response": ObjectiveMethod.HISTOGRAM}
CHAT = monitor(spec={"objectives": [FIRST_RESPONSE]})
_VALUE = re.compile(r"(?m)^([^#].*) (\d+)$")


def page_at(seconds: float) -> str:
    """The monitor's page as the sidecar makes it of the recorded one, its counters after so many seconds of load."""
    recorded = page_text("documented", "histogram").decode()
    grown = _VALUE.sub(lambda found: f"{found[1]} {int(int(found[2]) * (1 + seconds))}", recorded)
    seen = snapshot()
    targets = {uid: replace(one, series=parse_page(grown.encode()).series) for uid, one in seen.targets.items()}
    return monitor_page(replace(seen, targets=targets))


def serving() -> web.Application:
    """The page, growing."""
    begin = time.monotonic()

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=page_at(time.monotonic() - begin))

    made = web.Application()
    made.router.add_get("/metrics", page)
    return made


def rule_groups() -> list[dict[str, Any]]:
    """The rules of the objective as the operator writes them, evaluated each second."""
    groups = build_prometheus_rule(settings(), CHAT, METHODS)["spec"]["groups"]
    return [{**group, "interval": "1s"} for group in groups]


def configuration(folder: Path, port: int) -> dict[str, Any]:
    target = {"namespace": "team-a", "service": object_name("fraud"), "endpoint": "sidecar", "node": "node-a"}
    job = {
        "job_name": "chat",
        "honor_labels": True,
        "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": target}],
    }
    (folder / "rules.yml").write_text(json.dumps({"groups": rule_groups()}))
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "rule_files": [str(folder / "rules.yml")],
        "scrape_configs": [job],
    }


def questions() -> list[str]:
    """Every recording rule of the objective, and the dashboard's panels about decoupled models."""
    objective = [group for group in rule_groups() if "first-response" in json.dumps(group)]
    records = [rule["expr"] for group in objective for rule in group["rules"] if "record" in rule]
    (dashboard,) = build_dashboard(settings(), CHAT)["data"].values()
    panels = [q.expression for q in queries_of(json.loads(dashboard)) if q.needs is Needs.DECOUPLED_MODEL]
    assert panels
    assert len(records) > 8
    return [*records, *panels]


async def wait_for_answers(api: PrometheusApi, asked: list[str], told: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        asked = [expression for expression in asked if not await asyncio.to_thread(answered, api, expression)]
        if not asked:
            return
        assert time.monotonic() < deadline, f"no answer to {asked}\n{told()}"
        await asyncio.sleep(0.5)


def answered(api: PrometheusApi, expression: str) -> bool:
    try:
        return bool(api.query(expression))
    except PrometheusError:
        return False


async def test_rules_and_panels_about_decoupled_models_have_an_answer(tmp_path: Path) -> None:
    async with served(serving()) as port:
        with running_prometheus(tmp_path, configuration(tmp_path, port)) as api:
            await wait_for_answers(api, questions(), lambda: (tmp_path / LOG).read_text()[-2000:])
            assert not [rule for rule in await asyncio.to_thread(api.rules) if rule.health == "err"]
            (ratio, *_) = await asyncio.to_thread(api.query, 'slo:sli_error:ratio_rate5m{sloth_slo="first-response"}')
    assert 0.1 < ratio.value < 0.2  # the recorded page has 171 of 200 within 500 ms
