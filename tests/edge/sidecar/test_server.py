"""What is served over HTTP: to the operator, to Prometheus and to the kubelet."""

import gzip
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from modelmonitor_api import names
from modelmonitor_api.cost_summary import CostReading
from modelmonitor_api.signing import sign_answer, sign_request, verify
from modelmonitor_api.summary import NodeSummary, SourceState
from modelmonitor_sidecar.collectors.own import Identity, ProcessReading
from modelmonitor_sidecar.keys import Gate, KeyRing
from modelmonitor_sidecar.server import STUCK_SECONDS, Heartbeat, Pages, build_application
from modelmonitor_sidecar.snapshot import NvmlSnapshot, PlanSnapshot, SnapshotStore
from tests.edge.sidecar.loopback import served
from tests.unit.sidecar.readings import FakeClock, monitor, plan, pod

KEY, OTHER_KEY = b"k" * 32, b"x" * 32
UID = "uid-sidecar"


class Served:
    """The sidecar's server with a store, a clock and a key file that a test changes."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.store, self.key_file = FakeClock(), SnapshotStore(), folder / "key"
        self.key_file.write_bytes(KEY)
        gate = Gate(KeyRing(self.key_file, lambda: self.clock.at), UID)
        who = Identity("node-a", UID, "1.2.3")
        heartbeat = Heartbeat(self.clock.at)
        self.cost: CostReading | None = None
        self.pages = Pages(
            self.store, self.clock, gate, who, lambda: ProcessReading(1, 2, 3, 4), heartbeat, lambda: self.cost
        )
        self.url = ""
        self.session: aiohttp.ClientSession

    async def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes, dict[str, str]]:
        async with self.session.get(self.url + path, headers=headers or {}) as response:
            return response.status, await response.read(), dict(response.headers)

    async def ask(self, key: bytes = KEY, uid: str = UID, nonce: str = "") -> tuple[int, bytes, dict[str, str], str]:
        nonce = nonce or secrets.token_hex(16)
        headers = {
            names.NONCE_HEADER: nonce,
            names.POD_UID_HEADER: uid,
            names.SIGNATURE_HEADER: sign_request(key, nonce, uid),
        }
        return *await self.get(names.SUMMARY_PATH, headers), nonce


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Served]:
    made = Served(tmp_path)
    async with served(build_application(made.pages)) as port, aiohttp.ClientSession(auto_decompress=False) as session:
        made.url, made.session = f"http://127.0.0.1:{port}", session
        yield made


async def test_the_operator_gets_a_summary_that_is_signed_for_its_nonce(sidecar: Served) -> None:
    sidecar.store.publish_plan(PlanSnapshot(SourceState.OK, "", 7, plan(), listed=True))
    status, body, headers, nonce = await sidecar.ask()
    assert status == 200
    assert verify(sign_answer(KEY, nonce, UID, body), headers[names.SIGNATURE_HEADER])
    summary = NodeSummary.model_validate_json(body)
    assert (summary.node, summary.pod_uid, summary.plan_generation) == ("node-a", UID, 7)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        pytest.param({"key": OTHER_KEY}, b"not, or no longer, good", id="another key"),
        pytest.param({"uid": "uid-of-another-pod"}, b"another pod", id="another pod's UID"),
    ],
)
async def test_anybody_else_gets_a_reason_and_nothing_more(
    sidecar: Served, request_: dict[str, object], words: bytes
) -> None:
    status, body, headers, _ = await sidecar.ask(**request_)
    assert status == 401
    assert words in body
    assert names.SIGNATURE_HEADER not in headers
    assert b"node-a" not in body


async def test_an_unsigned_request_is_refused_and_counted(sidecar: Served) -> None:
    status, body, _ = await sidecar.get(names.SUMMARY_PATH)
    assert (status, b"not signed" in body) == (401, True)
    _, page, _ = await sidecar.get(names.METRICS_PATH, {"Accept-Encoding": "identity"})
    assert b'modelmonitor_summary_requests_total{node="node-a",result="unsigned"} 1' in page


async def test_a_replayed_request_is_refused(sidecar: Served) -> None:
    *_, nonce = await sidecar.ask()
    status, body, *_ = await sidecar.ask(nonce=nonce)
    assert (status, b"used before" in body) == (401, True)


async def test_the_old_key_is_good_within_five_minutes_of_its_replacement_and_not_after(sidecar: Served) -> None:
    assert (await sidecar.ask())[0] == 200
    sidecar.key_file.write_bytes(OTHER_KEY)
    status, body, headers, nonce = await sidecar.ask(KEY)
    assert status == 200
    assert verify(sign_answer(KEY, nonce, UID, body), headers[names.SIGNATURE_HEADER])
    sidecar.clock.at += 301
    assert (await sidecar.ask(KEY))[0] == 401
    assert (await sidecar.ask(OTHER_KEY))[0] == 200


async def test_a_page_is_given_in_gzip_to_those_who_ask(sidecar: Served) -> None:
    _, plain, _ = await sidecar.get(names.METRICS_PATH, {"Accept-Encoding": "identity"})
    _, packed, headers = await sidecar.get(names.METRICS_PATH, {"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")


async def test_the_page_of_a_monitor_is_there_while_the_plan_names_it(sidecar: Served) -> None:
    path = names.monitor_metrics_path(monitor().ref)
    assert (await sidecar.get(path))[0] == 404
    sidecar.store.publish_plan(PlanSnapshot(SourceState.OK, "", 1, plan(monitor(pod())), listed=True))
    assert (await sidecar.get(path))[0] == 200
    sidecar.store.publish_plan(PlanSnapshot(SourceState.OK, "", 2, plan(), listed=True))
    sidecar.pages.follow_plan(sidecar.store.newest)
    status, body, _ = await sidecar.get(path)
    assert (status, b"names no ModelMonitor team-a/fraud" in body) == (404, True)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/monitors/team-a/fraud", id="without /metrics"),
        pytest.param("/monitors/team-a/fraud/metrics/", id="with a slash at the end"),
        pytest.param("/monitors/team-b/fraud/metrics", id="another namespace"),
        pytest.param("/monitors", id="no monitor"),
    ],
)
async def test_a_scrape_of_a_page_that_is_not_there_is_told_to_the_operator(sidecar: Served, path: str) -> None:
    sidecar.store.publish_plan(PlanSnapshot(SourceState.OK, "", 1, plan(monitor(pod())), listed=True))
    sidecar.pages.follow_plan(sidecar.store.newest)
    status, _, _ = await sidecar.get(path, {"User-Agent": "Prometheus/3.5.0"})
    sidecar.clock.at += 7
    _, body, _, _ = await sidecar.ask()
    (miss,) = NodeSummary.model_validate_json(body).page_misses
    assert (status, miss.path, miss.scraper, miss.age_seconds) == (404, path, "127.0.0.1 Prometheus/3.5.0", 7.0)


async def test_the_summary_has_a_page_for_each_monitor_of_the_plan_scraped_or_not(sidecar: Served) -> None:
    named = plan(monitor(pod()), monitor(pod(), name="chat"))
    sidecar.store.publish_plan(PlanSnapshot(SourceState.OK, "", 1, named, listed=True))
    sidecar.pages.follow_plan(sidecar.store.newest)
    assert (await sidecar.get(names.monitor_metrics_path(monitor().ref), {"User-Agent": "curl/8"}))[0] == 200
    _, body, _, _ = await sidecar.ask()
    pages = NodeSummary.model_validate_json(body).pages
    assert [(page.name, [s.scraper for s in page.scrapers]) for page in pages] == [
        ("chat", []),
        ("fraud", ["127.0.0.1 curl/8"]),
    ]


async def test_a_sidecar_is_ready_once_its_plan_was_listed_driver_or_not(sidecar: Served) -> None:
    assert (await sidecar.get(names.READYZ_PATH))[0] == 503
    sidecar.store.publish_plan(PlanSnapshot(SourceState.OK, "no plan", listed=True))
    sidecar.store.publish_nvml(NvmlSnapshot(SourceState.ABSENT, "no driver library"))
    status, body, _ = await sidecar.get(names.READYZ_PATH)
    assert (status, b"nvml Absent no driver library" in body) == (200, True)


async def test_a_hung_driver_does_not_make_the_sidecar_unhealthy_but_its_own_standstill_does(sidecar: Served) -> None:
    sidecar.store.publish_nvml(NvmlSnapshot(SourceState.HUNG, "hangs"))
    assert (await sidecar.get(names.HEALTHZ_PATH))[0] == 200
    sidecar.clock.at += STUCK_SECONDS + 1
    assert (await sidecar.get(names.HEALTHZ_PATH))[0] == 503


@pytest.mark.parametrize("path", ["/", "/debug", "/v1/", "/monitors/a/b", "/monitors/..%2f/b/metrics", "/v1/summary/x"])
async def test_there_is_nothing_else_to_ask_for(sidecar: Served, path: str) -> None:
    assert (await sidecar.get(path))[0] == 404


async def test_nothing_can_be_written(sidecar: Served) -> None:
    async with sidecar.session.post(sidecar.url + names.SUMMARY_PATH, data=b"x" * 100) as response:
        assert response.status == 405
