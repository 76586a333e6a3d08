"""What Prometheus spends on the rules of 100 monitors with two objectives each, and on Sloth's shape of the same.

A real Prometheus has a past of 30 days at the step of the rules, three days of raw samples, and scrapes the pages while
it evaluates. Both sets of rules run on the same past, one after the other. Every group is evaluated once a minute; its
own interval weighs what it costs. More often, and groups wait for each other, which their durations would count too.
"""

import asyncio
import json
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import sloth_shape
from benchmarks.manifests import Json
from benchmarks.rule_history import BLOCK_DURATION, write_blocks
from benchmarks.slo_series import (
    BAD_SHARES,
    METHODS,
    SCRAPE_SECONDS,
    judged_monitor,
    monitor_ref,
    objectives,
    past_of,
    recorded_value,
    render_leader,
    render_sidecar_page,
    target_labels,
)
from benchmarks.table import Row
from modelmonitor_api.burn_rates import SliSeries
from modelmonitor_api.names import LEADER_PORT_NAME, SIDECAR_PORT_NAME, MonitorRef
from modelmonitor_operator.desired.prometheus_rule import build_prometheus_rule
from modelmonitor_operator.settings import parse_settings
from modelmonitor_testbed.controlplane import free_ports
from modelmonitor_testbed.prometheus.api import parse_result
from modelmonitor_testbed.prometheus.local import running_prometheus

MONITORS = 100
_EVALUATE_SECONDS = 60
_ROUNDS = 4
_WARM_UP_SECONDS = 90
_START_SECONDS = 60
_TOLERANCE = 0.02
_REQUEST_SECONDS = 120
_FLAGS = (
    "--storage.tsdb.retention.time=60d",
    f"--storage.tsdb.max-block-duration={BLOCK_DURATION}",
    "--log.level=warn",
)
_SETTINGS = '{"namespace": "bench", "sidecarNamespace": "bench", "sidecar": {"image": "sidecar:bench"}}'


@dataclass(frozen=True, slots=True)
class Groups:
    """Rule groups by the monitor that they belong to; one file each, as prometheus-operator writes them."""

    of: Mapping[MonitorRef, list[Json]]

    def interval(self, group: str) -> float:
        """How often a group of that name is evaluated when nobody measures."""
        found = next((one for groups in self.of.values() for one in groups if one["name"] == group), None)
        assert found is not None, group
        return float(found.get("interval", f"{sloth_shape.EVALUATION_SECONDS}s").removesuffix("s"))


def build_ours() -> Groups:
    """The rules that the operator makes."""
    settings = parse_settings(_SETTINGS)
    refs = [monitor_ref(number) for number in range(MONITORS)]
    return Groups(
        {ref: build_prometheus_rule(settings, judged_monitor(ref), METHODS)["spec"]["groups"] for ref in refs}
    )


def build_sloths() -> Groups:
    """The same objectives as Sloth would have them."""
    refs = [monitor_ref(number) for number in range(MONITORS)]
    return Groups(
        {ref: [group for one in objectives() for group in sloth_shape.build_groups(ref, one)] for ref in refs}
    )


def _recorded(ref: MonitorRef, ours: list[Json]) -> Iterator[Json]:
    """The recording rules whose series are read over the period, with the value that they would have had."""
    for rule in (rule for group in ours for rule in group["rules"]):
        if rule.get("record") in {SliSeries.REQUESTS, SliSeries.BAD_REQUESTS}:
            bad = rule["record"] == SliSeries.BAD_REQUESTS
            yield {**rule, "value": recorded_value(rule["labels"]["sloth_slo"], bad=bad)}
    for objective in objectives():
        short = sloth_shape.build_groups(ref, objective)[0]["rules"][0]
        yield {**short, "value": BAD_SHARES[objective.name]}


def _pages() -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        ref = MonitorRef(request.match_info["namespace"], request.match_info["name"])
        render = render_leader if request.match_info["endpoint"] == LEADER_PORT_NAME else render_sidecar_page
        return web.Response(body=render(ref, time.time()), content_type="text/plain")

    app = web.Application()
    app.router.add_get("/{endpoint}/{namespace}/{name}", answer)
    return app


def _configuration(address: str, rules: Path) -> Json:
    targets = []
    for ref in map(monitor_ref, range(MONITORS)):
        for endpoint in (SIDECAR_PORT_NAME, LEADER_PORT_NAME):
            labels = {
                **target_labels(ref, endpoint, address),
                "__metrics_path__": f"/{endpoint}/{ref.namespace}/{ref.name}",
            }
            targets.append({"targets": [address], "labels": labels})
    job = {"job_name": "bench", "honor_labels": True, "static_configs": targets}
    return {
        "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{_EVALUATE_SECONDS}s"},
        "rule_files": [f"{rules}/*.json"],
        "scrape_configs": [job],
    }


def _write_rules(folder: Path, groups: Groups) -> None:
    folder.mkdir()
    for ref, each in groups.of.items():
        quick = [{**group, "interval": f"{_EVALUATE_SECONDS}s"} for group in each]
        (folder / f"{ref.namespace}-{ref.name}.json").write_text(json.dumps({"groups": quick}))


@asynccontextmanager
async def _running(past: Path, folder: Path, groups: Groups, address: str) -> AsyncIterator[str]:
    """A Prometheus with this past and these rules; gives its address."""
    shutil.copytree(past, folder / "data", copy_function=os.link)
    _write_rules(folder / "rules", groups)
    configuration = _configuration(address, folder / "rules")
    with running_prometheus(folder, configuration, *_FLAGS) as prometheus:
        await _wait_until_ready(prometheus.address)
        yield prometheus.address


async def _wait_until_ready(url: str) -> None:
    for _ in range(_START_SECONDS * 4):
        with suppress(aiohttp.ClientError):
            await _get(f"{url}/-/ready")
            return
        await asyncio.sleep(0.25)
    raise TimeoutError("Prometheus is not ready")


async def _get(url: str) -> str:
    timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS)
    async with aiohttp.ClientSession(trust_env=False, timeout=timeout) as session, session.get(url) as answer:
        answer.raise_for_status()
        return await answer.text()


async def _group_durations(url: str) -> dict[str, list[float]]:
    """Seconds of the last evaluation of each group, by its name."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for family in text_string_to_metric_families(await _get(f"{url}/metrics")):
        for sample in family.samples:
            if sample.name == "prometheus_rule_group_last_duration_seconds":
                found[sample.labels["rule_group"].partition(";")[2]].append(sample.value)
            if sample.name == "prometheus_rule_evaluation_failures_total":
                assert sample.value == 0, sample
    return found


async def _measure_groups(url: str, groups: Groups) -> dict[str, float]:
    """Seconds of evaluation a minute at the groups' own intervals, by the group's name."""
    await asyncio.sleep(_WARM_UP_SECONDS)
    rounds: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(_ROUNDS):
        await asyncio.sleep(_EVALUATE_SECONDS)
        for name, seconds in (await _group_durations(url)).items():
            rounds[name].append(sum(seconds))
    assert all(len(found) == _ROUNDS for found in rounds.values())
    await _check_results(url)
    return {name: mean(found) * 60 / groups.interval(name) for name, found in rounds.items()}


async def _check_results(url: str) -> None:
    """Whoever evaluates nothing is quick: every objective must have its ratios and its budget."""
    wanted = MONITORS * len(BAD_SHARES)
    for window in ("30m", "6h", "1d", "3d", "30d"):
        for objective, share in BAD_SHARES.items():
            ratios = await _query(url, f'slo:sli_error:ratio_rate{window}{{sloth_slo="{objective}"}}')
            assert len(ratios) == MONITORS, (window, objective, len(ratios))
            assert max(abs(ratio / share - 1) for ratio in ratios) < _TOLERANCE, (window, objective, ratios[:3])
    assert len(await _query(url, "slo:period_error_budget_remaining:ratio")) == wanted


async def _query(url: str, expression: str) -> list[float]:
    answer = json.loads(await _get(f"{url}/api/v1/query?{urlencode({'query': expression})}"))
    return [one.value for one in parse_result(answer["data"])]


async def _measure_both(report: Callable[[str], None]) -> tuple[dict[str, float], dict[str, float]]:
    ours, sloths = build_ours(), build_sloths()
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    runner = web.AppRunner(_pages(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "past").mkdir()
            past = [
                one for ref, groups in ours.of.items() for one in past_of(ref, list(_recorded(ref, groups)), address)
            ]
            report(f"{len(past)} series get a past")
            await asyncio.to_thread(write_blocks, folder / "past", time.time(), past, report)
            took = []
            for title, groups in (("ours", ours), ("Sloth's shape", sloths)):
                own = folder / title.partition("'")[0]
                own.mkdir()
                async with _running(folder / "past", own, groups, address) as url:
                    report(f"Prometheus evaluates {title}")
                    took.append(await _measure_groups(url, groups))
                report(f"{title}: {sum(took[-1].values()):.2f} s a minute")
    finally:
        await runner.cleanup()
    return took[0], took[1]


def _rows(ours: Mapping[str, float], sloths: Mapping[str, float]) -> Sequence[Row]:
    baseline = 1000 * sum(sloths.values())
    objective = 1000 * sum(seconds for name, seconds in ours.items() if name.startswith("slo."))
    whole = 1000 * sum(ours.values())
    what = f"Prometheus evaluates the rules of {MONITORS} monitors, each minute"
    of = "the same objectives in Sloth's shape"
    return (
        Row(f"{what}: two objectives each", objective, "ms", baseline, baseline, of),
        Row(f"{what}: the same with all other alerts", whole, "ms", baseline, baseline, of),
    )


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """Milliseconds of evaluation a minute; takes fifteen minutes."""
    return _rows(*asyncio.run(_measure_both(report)))
