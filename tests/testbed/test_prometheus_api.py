"""The client says what Prometheus answers, in values, and passes its refusals on in its own words."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from modelmonitor_testbed.prometheus.api import (
    Alert,
    PrometheusApi,
    PrometheusError,
    RuleKind,
    Series,
    Target,
    parse_result,
)

RULE = {"query": "up", "health": "ok", "evaluationTime": 0.5}
ANSWERS: dict[str, Any] = {
    "/api/v1/query": {"resultType": "vector", "result": [{"metric": {"job": "a"}, "value": [1.5, "NaN"]}]},
    "/api/v1/query_range": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2"], [2, "3"]]}]},
    "/api/v1/rules": {
        "groups": [
            {
                "name": "group",
                "rules": [
                    RULE | {"type": "recording", "name": "a:b", "health": "err", "lastError": "many-to-many"},
                    RULE | {"type": "alerting", "name": "Down", "state": "firing", "labels": {"severity": "page"}},
                ],
            }
        ]
    },
    "/api/v1/alerts": {
        "alerts": [{"state": "firing", "labels": {"alertname": "Down"}, "annotations": {"summary": "it is"}}]
    },
    "/api/v1/targets?state=active": {
        "activeTargets": [
            {"scrapePool": "p", "scrapeUrl": "http://x/m", "health": "up", "lastError": "", "labels": {"job": "a"}}
        ]
    },
    "/api/v1/metadata": {"up": [{"type": "gauge", "help": "", "unit": ""}]},
    "/api/v1/status/config": {"yaml": "global: {}"},
}


class Answering(BaseHTTPRequestHandler):
    """Answers what the table says; a query for `bad` is refused as Prometheus refuses it."""

    def do_GET(self) -> None:
        self._answer(200, {"status": "success", "data": ANSWERS[self.path]})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if form["query"] == ["bad"]:
            self._answer(400, {"status": "error", "errorType": "bad_data", "error": "parse error"})
        elif form["query"] == ["worse"]:
            self._answer(502, "no JSON object")
        else:
            self.do_GET()

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def prometheus() -> Iterator[PrometheusApi]:
    """A client of a server that answers as Prometheus does."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield PrometheusApi(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_instant_query_gives_one_point_a_series(prometheus: PrometheusApi) -> None:
    (series,) = prometheus.query("up")
    assert series.labels == {"job": "a"}
    assert series.value != series.value, "NaN is a value that Prometheus knows"


def test_a_range_gives_its_points_oldest_first(prometheus: PrometheusApi) -> None:
    (series,) = prometheus.query_range("up", 1, 2, 1)
    assert series == Series({}, ((1.0, 2.0), (2.0, 3.0)))
    assert series.value == 3.0


def test_a_scalar_is_a_series_without_labels() -> None:
    assert parse_result({"resultType": "scalar", "result": [1, "7"]}) == [Series({}, ((1.0, 7.0),))]


def test_a_result_that_is_not_read_is_refused() -> None:
    with pytest.raises(PrometheusError, match="type string"):
        parse_result({"resultType": "string", "result": [1, "x"]})


def test_rules_say_their_kind_health_and_error(prometheus: PrometheusApi) -> None:
    recording, alerting = prometheus.rules()
    assert (recording.kind, recording.health, recording.last_error) == (RuleKind.RECORDING, "err", "many-to-many")
    assert (alerting.name, alerting.state, alerting.labels) == ("Down", "firing", {"severity": "page"})


def test_alerts_targets_metadata_and_configuration_are_read(prometheus: PrometheusApi) -> None:
    alert = Alert("firing", {"alertname": "Down"}, {"summary": "it is"})
    assert prometheus.alerts() == [alert]
    assert alert.name == "Down"
    assert prometheus.targets() == [Target("p", "http://x/m", "up", "", {"job": "a"})]
    assert prometheus.metadata()["up"][0]["type"] == "gauge"
    assert prometheus.config() == "global: {}"


def test_a_refusal_is_told_in_the_words_of_prometheus(prometheus: PrometheusApi) -> None:
    with pytest.raises(PrometheusError, match=r"bad_data: parse error.*bad"):
        prometheus.query("bad")


def test_an_answer_that_is_not_of_prometheus_is_told_as_it_is(prometheus: PrometheusApi) -> None:
    with pytest.raises(PrometheusError, match="no JSON object"):
        prometheus.query("worse")


def test_silence_is_told_with_the_address() -> None:
    with pytest.raises(PrometheusError, match=r"http://127\.0\.0\.1:1 does not answer"):
        PrometheusApi("http://127.0.0.1:1").alerts()
