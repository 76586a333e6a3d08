"""What a user writes is read with the defaults that the API server fills in."""

import pytest
from pydantic import ValidationError

from modelmonitor_api.spec import ModelMonitorSpec


def test_a_selector_alone_is_a_whole_spec() -> None:
    spec = ModelMonitorSpec.model_validate({"selector": {"matchLabels": {"app": "triton"}}})
    assert (spec.triton.http_port, spec.triton.metrics_port) == (8000, 8002)
    assert (spec.interval_seconds, spec.health.window_seconds, spec.health.minimum_requests) == (15, 300, 20)
    assert (spec.health.max_latency_seconds, spec.health.max_failure_ratio, spec.suspend) == (None, "0.01", False)


def test_a_latency_is_read_in_seconds() -> None:
    spec = ModelMonitorSpec.model_validate({"selector": {}, "health": {"maxLatency": "50ms"}})
    assert spec.health.max_latency_seconds == 0.05


def test_a_field_of_a_newer_version_is_ignored() -> None:
    spec = ModelMonitorSpec.model_validate({"selector": {}, "fieldOfTomorrow": {"a": 1}})
    assert spec == ModelMonitorSpec.model_validate({"selector": {}})


@pytest.mark.parametrize(
    "spec",
    [
        {"health": {"maxFailureRatio": 0.01}},
        {"health": {"maxFailureRatio": "2"}},
        {"health": {"window": "soon"}},
        {"health": {"window": "2h"}},
        {"health": {"minimumRequests": 0}},
        {"interval": "1s"},
        {"triton": {"httpPort": 0}},
        {"triton": {"metricsPort": 65536}},
        {"dashboards": {"folder": "../../etc"}},
        {"dashboards": {"folder": "/etc"}},
        {"dashboards": {"folder": "a\nb"}},
    ],
    ids=str,
)
def test_what_the_api_server_would_refuse_is_refused_here_too(spec: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ModelMonitorSpec.model_validate({"selector": {}, **spec})


def test_a_refusal_says_what_to_write_instead() -> None:
    with pytest.raises(ValidationError, match="write a duration from 5s to 30s"):
        ModelMonitorSpec.model_validate({"selector": {}, "interval": "10m"})
