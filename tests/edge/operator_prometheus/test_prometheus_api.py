"""The client of Prometheus against servers on loopback: good, hostile, slow, huge and foreign answers."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.adapters.prometheus_api import MAX_ANSWER_BYTES, PrometheusApi
from modelmonitor_operator.arrival import BudgetAnswer, PrometheusAnswer, RuleAnswer, TargetAnswer
from modelmonitor_operator.prometheus_answers import PrometheusError, PrometheusUnreachableError
from modelmonitor_operator.settings import PrometheusSettings
from tests.edge.sidecar.loopback import Conversation, answer, raw_server, says, served

FRAUD = MonitorRef("team-a", "fraud")
OWN = {"namespace": "team-a", "modelmonitor": "fraud"}
SLO = {**OWN, "sloth_slo": "up"}
SIDECAR, LEADER = "10.0.0.1:9402", "10.0.0.2:8080"


def series(value: str, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [1.8e9, value]}


def up(endpoint: str, address: str, value: str = "1") -> dict[str, Any]:
    return series(value, __name__="up", endpoint=endpoint, instance=address, service="modelmonitor-fraud")


PRESENT = [
    series("2", __name__="modelmonitor_page_series"),
    series("4", __name__="modelmonitor_health_state"),
    up("sidecar", SIDECAR),
    up("leader", LEADER),
]
BUDGETS = [
    series("0.9", __name__="slo:period_error_budget_remaining:ratio", **SLO),
    series("0.5", __name__="slo:current_burn_rate:ratio", **SLO),
    series("0.01", __name__="slo:sli_error:ratio_rate1h", **SLO),
    series("NaN", __name__="slo:sli_error:ratio_rate5m", **SLO),
    series("700", requests_window="1h", **SLO),
]
RULE = {"name": "ModelMonitorModelFailing", "health": "ok", "lastError": "", "labels": OWN}
FOREIGN = {**RULE, "labels": {"namespace": "team-b", "modelmonitor": "fraud"}}
RULES = {"groups": [{"name": "modelmonitor.findings", "rules": [RULE, FOREIGN]}]}
TARGET = {
    "labels": {"endpoint": "sidecar", "instance": SIDECAR},
    "health": "down",
    "lastError": "sample limit exceeded",
}


class FakePrometheus:
    """Answers by page and by what is asked; remembers the requests."""

    def __init__(self) -> None:
        self.present: list[dict[str, Any]] = list(PRESENT)
        self.pages: dict[str, Any] = {"rules": RULES, "targets": {"activeTargets": []}}
        self.requests: list[tuple[str, Mapping[str, str], str]] = []

    async def handle(self, request: web.Request) -> web.Response:
        page = request.path.rpartition("/")[2]
        self.requests.append((request.path, dict(request.query), request.headers.get("Authorization", "")))
        if page == "query":
            budgets = "slo:" in request.query["query"]
            return _success({"resultType": "vector", "result": BUDGETS if budgets else self.present})
        if page not in self.pages:
            return web.Response(status=404, text="404 page not found")
        return _success(self.pages[page])


def _success(data: Any) -> web.Response:
    return web.json_response({"status": "success", "data": data})


@asynccontextmanager
async def serving(fake: FakePrometheus) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/{path:.*}", fake.handle)
    async with served(application) as port:
        yield f"http://127.0.0.1:{port}"


async def ask(url: str, count: Callable[[str], None] = lambda _: None, **fields: Any) -> PrometheusAnswer:
    api = PrometheusApi(PrometheusSettings(url=url, **fields), count)
    try:
        return await api.ask(FRAUD)
    finally:
        await api.close()


async def ask_fake(fake: FakePrometheus, **fields: Any) -> PrometheusAnswer:
    async with serving(fake) as url:
        return await ask(url, **fields)


async def test_an_answer_has_targets_series_rules_and_budgets() -> None:
    found = await ask_fake(FakePrometheus())
    assert found.targets == (TargetAnswer("sidecar", SIDECAR, up=True), TargetAnswer("leader", LEADER, up=True))
    assert found.series == {"modelmonitor_page_series": 2, "modelmonitor_health_state": 4}
    assert found.rules == (RuleAnswer("ModelMonitorModelFailing", "modelmonitor.findings", "ok"),)
    assert found.budgets == {"up": BudgetAnswer(0.9, 0.5, {"1h": 0.01}, {"1h": 700.0})}
    assert (found.renamed, found.asked_at, found.error) == ((), None, "")


async def test_targets_are_asked_for_their_errors_only_where_one_is_down() -> None:
    well, ill = FakePrometheus(), FakePrometheus()
    ill.present = [*PRESENT[:2], up("sidecar", SIDECAR, "0")]
    ill.pages["targets"] = {"activeTargets": [TARGET]}
    await ask_fake(well)
    found = await ask_fake(ill)
    assert not any(path.endswith("targets") for path, *_ in well.requests)
    pools = [query["scrapePool"] for path, query, _ in ill.requests if path.endswith("targets")]
    assert pools == ["serviceMonitor/team-a/modelmonitor-fraud/0", "serviceMonitor/team-a/modelmonitor-fraud/1"]
    assert set(found.targets) == {TargetAnswer("sidecar", SIDECAR, up=False, error="sample limit exceeded")}


async def test_targets_of_a_static_configuration_keep_what_up_says() -> None:
    fake = FakePrometheus()
    fake.present = [up("sidecar", SIDECAR, "0")]
    assert (await ask_fake(fake)).targets == (TargetAnswer("sidecar", SIDECAR, up=False),)


async def test_renamed_labels_are_named() -> None:
    fake = FakePrometheus()
    fake.present = [series("1", __name__="modelmonitor_page_series", exported_namespace="team-a", exported_node="n1")]
    assert (await ask_fake(fake)).renamed == ("exported_namespace", "exported_node")


async def test_every_question_is_about_one_monitor() -> None:
    fake = FakePrometheus()
    await ask_fake(fake)
    asked = [query.get("query") or query["match[]"] for _, query, _ in fake.requests]
    assert len(asked) == 3
    assert all('namespace="team-a"' in text and 'modelmonitor="fraud"' in text for text in asked)


async def test_a_url_may_have_a_path() -> None:
    fake = FakePrometheus()
    async with serving(fake) as url:
        await ask(f"{url}/prometheus/")
    assert {path for path, *_ in fake.requests} == {"/prometheus/api/v1/query", "/prometheus/api/v1/rules"}


async def test_the_token_is_read_again_for_each_question(tmp_path: Path) -> None:
    token, fake = tmp_path / "token", FakePrometheus()
    token.write_text("one\n")
    async with serving(fake) as url:
        api = PrometheusApi(PrometheusSettings(url=url, token_file=str(token)))
        await api.ask(FRAUD)
        token.write_text("two\n")
        await api.ask(FRAUD)
        await api.close()
    assert list(dict.fromkeys(sent for *_, sent in fake.requests)) == ["Bearer one", "Bearer two"]


async def test_a_server_without_rules_says_nothing_about_them() -> None:
    fake = FakePrometheus()
    del fake.pages["rules"]
    assert (await ask_fake(fake)).rules is None


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
async def test_the_environments_proxy_is_not_used(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    assert (await ask_fake(FakePrometheus())).series


def _json(value: Any) -> bytes:
    return answer(json.dumps(value).encode(), kind="application/json")


async def _never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(b" " * 65536)
        await writer.drain()


LOGIN = b"<html><title>Sign in</title></html>"
FAILURES: dict[str, tuple[Conversation, str]] = {
    "a login page": (says(answer(LOGIN, kind="text/html")), "no JSON of Prometheus' API: <html><title>Sign in"),
    "a missing token": (says(answer(b"Unauthorized", status="401 Unauthorized")), "check prometheus.tokenFile"),
    "a missing right": (says(answer(b"Forbidden", status="403 Forbidden")), "HTTP 403"),
    "a redirect": (
        says(answer(b"", status="302 Found", more="Location: http://127.0.0.1:9/\r\n")),
        "redirects, which is not followed",
    ),
    "another program": (says(answer(b"not here", status="404 Not Found")), "no Prometheus API at this URL"),
    "an overloaded proxy": (says(answer(b"<h1>503</h1>", status="503 Service Unavailable")), "HTTP 503"),
    "an error of Prometheus": (
        says(_json({"status": "error", "errorType": "timeout", "error": "query timed out\n\x1b[31m"})),
        "query timed out",
    ),
    "a list for an object": (says(_json([1, 2])), "no JSON of Prometheus' API"),
    "half an answer": (says(_json({"status": "success"})[:-6] + b""), ""),
    "nested without end": (says(answer(b"[" * 200_000)), "no JSON of Prometheus' API"),
    "an empty answer": (says(answer(b"")), "no JSON of Prometheus' API"),
    "no HTTP at all": (says(b"SSH-2.0-OpenSSH_9.6\r\n"), ""),
    "an answer that never comes": (_never, "no answer within 0.3 s"),
    "an answer that comes too slowly": (_drip, "no answer within 0.3 s"),
}


@pytest.mark.parametrize(("conversation", "words"), FAILURES.values(), ids=FAILURES.keys())
async def test_what_is_no_answer_is_an_error_with_words(conversation: Conversation, words: str) -> None:
    counted: Counter[str] = Counter()
    patience = 0.3 if words.startswith("no answer") else 20.0
    async with raw_server(conversation) as port:
        with pytest.raises(PrometheusError) as caught:
            await ask(f"http://127.0.0.1:{port}", lambda result: counted.update((result,)), timeout_seconds=patience)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700
    assert counted.total() == 1
    assert "Ok" not in counted


async def test_an_answer_without_end_is_cut() -> None:
    async with raw_server(_endless) as port:
        with pytest.raises(PrometheusError, match=f"longer than {MAX_ANSWER_BYTES} bytes"):
            await ask(f"http://127.0.0.1:{port}", timeout_seconds=20)


UNREACHABLE = {
    "nobody listens": {"url": "http://127.0.0.1:9"},
    "a URL that is none": {"url": "prometheus:9090"},
    "a URL without a host": {"url": "http://"},
    "a token file that is not there": {"url": "http://127.0.0.1:9", "token_file": "/nonexistent/token"},
    "a CA file that is not there": {"url": "https://127.0.0.1:9", "ca_file": "/nonexistent/ca.crt"},
}


@pytest.mark.parametrize("fields", UNREACHABLE.values(), ids=UNREACHABLE.keys())
async def test_a_prometheus_that_cannot_be_reached_is_told_as_such(fields: dict[str, str]) -> None:
    with pytest.raises(PrometheusUnreachableError):
        await ask(**fields)


GARBAGE: dict[str, Any] = {
    "nothing": None,
    "a word": "vector",
    "results that are none": {"result": [7, None, {"metric": 5, "value": "x"}, {"value": [0]}, {"value": [0, {}]}]},
    "values that are no numbers": {"result": [series("+Inf", **OWN), series("seven", **OWN), series("NaN", **OWN)]},
    "groups that are none": {"groups": [7, {"rules": 7}, {"rules": [None, {"labels": 7}]}]},
    "targets that are none": {"activeTargets": [7, {"labels": []}]},
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_in_an_answer_is_left_out(data: Any) -> None:
    async with raw_server(says(_json({"status": "success", "data": data}))) as port:
        found = await ask(f"http://127.0.0.1:{port}")
    assert (found.series, found.renamed, found.targets, found.rules, found.budgets) == ({}, (), (), (), {})


async def test_words_of_prometheus_are_printable_and_short() -> None:
    fake = FakePrometheus()
    fake.present = [up("sidecar", SIDECAR, "0")]
    fake.pages["targets"] = {"activeTargets": [{**TARGET, "lastError": "\x1b[31m" + "x" * 100_000}]}
    fake.pages["rules"] = {"groups": [{"name": "g", "rules": [{**RULE, "health": "err", "lastError": "y\n" * 9999}]}]}
    found = await ask_fake(fake)
    texts = [found.targets[0].error, (found.rules or ())[0].error]
    assert all(text.isprintable() and len(text) <= 512 for text in texts)
