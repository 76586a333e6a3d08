"""What a busy Triton with summary_latencies serves: 41 series a model, statistics, index. Its counters rise."""

import json
import time
from typing import Any

SERIES_OF_A_MODEL = 41
_QUANTILES = ("0.5", "0.9", "0.95", "0.99", "0.999")
_COUNTERS = {
    "nv_inference_count": 1,
    "nv_inference_exec_count": 1,
    "nv_inference_request_duration_us": 3359,
    "nv_inference_queue_duration_us": 94,
    "nv_inference_compute_input_duration_us": 40,
    "nv_inference_compute_infer_duration_us": 3116,
    "nv_inference_compute_output_duration_us": 104,
}
_SUMMARIES = ("request", "queue", "compute_input", "compute_infer")


def model_names(pod: int, models: int) -> list[str]:
    """Models of one pod."""
    return [f"model-{pod}-{number:02d}" for number in range(models)]


def requests_so_far(name: str) -> int:
    """A counter that rises by ten a second, from a start of the model's own."""
    return 1000 * (hash(name) % 7) + int(10 * time.monotonic())


def _series(name: str) -> list[str]:
    requests, own = requests_so_far(name), f'model="{name}",version="1"'
    lines = [f"nv_inference_request_success{{{own}}} {requests}"]
    lines += [
        f'nv_inference_request_failure{{model="{name}",reason="{reason}",version="1"}} 0'
        for reason in ("OTHER", "BACKEND", "CANCELED", "REJECTED")
    ]
    lines += [f"{metric}{{{own}}} {requests * each}" for metric, each in _COUNTERS.items()]
    lines.append(f"nv_inference_pending_request_count{{{own}}} 0")
    for summary in _SUMMARIES:
        metric = f"nv_inference_{summary}_summary_us"
        lines += [f"{metric}_count{{{own}}} {requests}", f"{metric}_sum{{{own}}} {requests * 3359}"]
        lines += [f'{metric}{{{own},quantile="{quantile}"}} 1847' for quantile in _QUANTILES]
    return lines


def render_metrics(names: list[str]) -> bytes:
    """The metrics page; Triton writes HELP and TYPE lines too."""
    lines = [f"# HELP {metric} Help of {metric}\n# TYPE {metric} counter" for metric in _COUNTERS]
    for name in names:
        lines += _series(name)
    return ("\n".join(lines) + "\n").encode()


def _statistics(name: str) -> dict[str, Any]:
    requests = requests_so_far(name)
    spent = {
        part: {"count": requests, "ns": requests * 1000 * each}
        for part, each in (
            ("success", 3359),
            ("queue", 94),
            ("compute_input", 40),
            ("compute_infer", 3116),
            ("compute_output", 104),
        )
    }
    nothing = {"count": 0, "ns": 0}
    batch = {"batch_size": 1, **{part: spent[part] for part in ("compute_input", "compute_infer", "compute_output")}}
    return {
        "name": name,
        "version": "1",
        "last_inference": 1795435469161,
        "inference_count": requests,
        "execution_count": requests,
        "inference_stats": {**spent, "fail": nothing, "cache_hit": nothing, "cache_miss": nothing},
        "response_stats": {},
        "batch_stats": [batch],
        "memory_usage": [],
    }


def render_statistics(names: list[str]) -> bytes:
    """The answer of /v2/models/stats."""
    return json.dumps({"model_stats": [_statistics(name) for name in names]}).encode()


def render_index(names: list[str]) -> bytes:
    """The answer of /v2/repository/index."""
    return json.dumps([{"name": name, "version": "1", "state": "READY"} for name in names]).encode()


def render_metadata() -> bytes:
    """The answer of /v2."""
    return json.dumps({"name": "triton", "version": "2.51.0", "extensions": ["statistics"]}).encode()
