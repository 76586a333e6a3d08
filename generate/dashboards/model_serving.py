"""Requests and executions of one ModelMonitor's models."""

from generate.dashboards.expressions import MONITOR
from generate.dashboards.panel import Color, Graph, Query, Section, Step, Unit
from modelmonitor_operator.desired.dashboard_panels import ModelPanel

_MODEL = "model, version"
_LEGEND = "{{model}}:{{version}}"

_FIRST_RESPONSE = (
    "histogram_quantile(0.99, "
    + MONITOR.rate("nv_inference_first_response_histogram_ms_bucket", f"{_MODEL}, le")
    + ") / 1000"
)
_CACHE = (
    f"{MONITOR.rate('modelmonitor_model_cache_hits_total', _MODEL)} / "
    f"({MONITOR.rate('modelmonitor_model_cache_hits_total', _MODEL)} + "
    f"{MONITOR.rate('modelmonitor_model_cache_misses_total', _MODEL)})"
)
_PENDING = f"sum by ({_MODEL}) ({MONITOR.select('nv_inference_pending_request_count')})"

SERVING = Section(
    "Requests",
    (
        Graph(
            title="Requests",
            description="Requests a second, responses from Triton's cache included.",
            queries=(Query(MONITOR.rate("modelmonitor_model_requests_total", _MODEL), _LEGEND),),
            unit=Unit.REQUESTS,
            minimum=0,
        ),
        Graph(
            title="Failed requests",
            id=ModelPanel.FAILURES,
            description="Share of failed requests. The line is health.maxFailureRatio.",
            queries=(Query(MONITOR.failures(_MODEL), _LEGEND),),
            unit=Unit.RATIO,
            minimum=0,
            steps=(Step(0.01, Color.CRITICAL),),
        ),
        Graph(
            title="Latency",
            id=ModelPanel.LATENCY,
            description="The 99th percentile of the slowest pod where Triton publishes summary_latencies, else the "
            "mean of all requests; the legend says which. Red line: health.maxLatency. Orange lines: thresholds of "
            "objectives.",
            queries=(Query(MONITOR.latency(_MODEL), f"{_LEGEND} {{{{quantity}}}}"),),
            unit=Unit.SECONDS,
            minimum=0,
        ),
        Graph(
            title="Failures by reason",
            description="Failed requests a second of all models, by Triton's reason.",
            queries=(Query(MONITOR.rate("nv_inference_request_failure", "reason"), "{{reason}}"),),
            unit=Unit.REQUESTS,
            minimum=0,
        ),
        Graph(
            title="Queue share",
            description="Share of the requests' time that was waiting in Triton's queue.",
            queries=(
                Query(
                    MONITOR.share(
                        ("modelmonitor_model_queue_seconds_total", ""),
                        "modelmonitor_model_request_seconds_total",
                        _MODEL,
                    ),
                    _LEGEND,
                ),
            ),
            unit=Unit.RATIO,
            minimum=0,
            maximum=1,
        ),
        Graph(
            title="Pending requests",
            description="Requests that wait for execution.",
            queries=(Query(_PENDING, _LEGEND),),
            minimum=0,
        ),
    ),
)

EXECUTION = Section(
    "Execution",
    (
        Graph(
            title="Execution",
            description="Seconds of execution a second, each batch once: 1 is one instance that is always busy.",
            queries=(Query(MONITOR.rate("modelmonitor_model_execution_seconds_total", _MODEL), _LEGEND),),
            minimum=0,
            width=6,
        ),
        Graph(
            title="Batch efficiency",
            description="Inferences of one execution. 1 means that nothing is batched.",
            queries=(
                Query(
                    MONITOR.share(
                        ("modelmonitor_model_inferences_total", ""), "modelmonitor_model_executions_total", _MODEL
                    ),
                    _LEGEND,
                ),
            ),
            minimum=0,
            width=6,
        ),
        Graph(
            title="Cache hits",
            description="Share of responses found in Triton's cache; empty for models without one.",
            queries=(Query(_CACHE, _LEGEND),),
            unit=Unit.RATIO,
            minimum=0,
            maximum=1,
            width=6,
            nothing="No model has a response cache",
        ),
        Graph(
            title="First response of decoupled models",
            description="99th percentile by the buckets of histogram_latencies, which Triton 24.11 and later publishes "
            "for decoupled models alone. It is no finer than the buckets.",
            queries=(Query(_FIRST_RESPONSE, _LEGEND),),
            unit=Unit.SECONDS,
            minimum=0,
            width=6,
            nothing="No decoupled model with histogram_latencies",
        ),
    ),
)
