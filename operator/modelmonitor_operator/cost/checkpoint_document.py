"""The checkpoint as JSON, small: sidecars once, then a row of numbers for each pod and model.

What has no room is left out so that nothing can be charged twice: a pod's models beyond the largest are added up as
the rest, and pods beyond the largest make the checkpoint `partial`.
"""

from typing import Any

from modelmonitor_api.cost_summary import CostMethod, Counters, Holding, ModelMeter, PodMeter
from modelmonitor_operator.cost.amounts import REST
from modelmonitor_operator.cost.checkpoint import Checkpoint, NodeMark, PodMark
from modelmonitor_operator.cost.model_use import add_meters

Json = dict[str, Any]
_COUNTERS = ("execution_us", "succeeded", "failed", "inferences", "cached")


def render_checkpoint(checkpoint: Checkpoint, most_pods: int, most_models: int) -> Json:
    """The checkpoint with at most so many pods, and so many models in all of them together."""
    ordered = sorted(checkpoint.pods.items(), key=lambda item: (item[1].done, -item[1].meter.observed_us, item[0]))
    kept = ordered[:most_pods]
    nodes = {mark.node for _, mark in kept}
    sidecars = sorted({(mark.node, mark.boot_id, mark.started_us) for _, mark in kept})
    gpus = sorted({one.gpu_model for _, mark in kept for one in mark.meter.holdings})
    each = max(1, most_models // max(1, len(kept)))
    return {
        "partial": checkpoint.partial or len(kept) < len(ordered),
        "written": checkpoint.written,
        "nodes": {
            name: [mark.boot_id, mark.at_us, mark.time]
            for name, mark in sorted(checkpoint.nodes.items())
            if name in nodes
        },
        "sidecars": [list(one) for one in sidecars],
        "gpus": gpus,
        "pods": {uid: _render_pod(mark, sidecars, gpus, each) for uid, mark in sorted(kept)},
    }


def parse_checkpoint(found: Json) -> Checkpoint:
    """The checkpoint of what `render_checkpoint` wrote; raises ValueError, TypeError or KeyError for anything else."""
    sidecars = [(str(node), str(boot), _whole(started)) for node, boot, started in found["sidecars"]]
    gpus = [str(name) for name in found["gpus"]]
    return Checkpoint(
        nodes={
            str(name): NodeMark(str(boot), _whole(at_us), _real(time))
            for name, (boot, at_us, time) in found["nodes"].items()
        },
        pods={uid: _parse_pod(uid, row, sidecars, gpus) for uid, row in found["pods"].items()},
        partial=bool(found["partial"]),
        written=_real(found["written"]),
    )


def _render_pod(mark: PodMark, sidecars: list[tuple[str, str, int]], gpus: list[str], most_models: int) -> list[object]:
    meter = mark.meter
    models = sorted(meter.models, key=lambda one: (one.name != REST[0], one.used_us), reverse=True)
    kept, left = models[:most_models], models[most_models:]
    if left:
        kept = [*models[: most_models - 1], add_meters(models[most_models - 1 :])]
    return [
        sidecars.index((mark.node, mark.boot_id, mark.started_us)),
        mark.until_us,
        mark.until,
        int(mark.done) + 2 * int(not mark.owned),
        meter.method.value,
        [[gpus.index(one.gpu_model), one.parts, one.of] for one in meter.holdings],
        [meter.since_us, meter.observed_us, meter.other_us, meter.rest_energy_mj],
        [_render_model(one) for one in kept],
    ]


def _render_model(meter: ModelMeter) -> list[object]:
    raw = [getattr(meter.raw, name) for name in _COUNTERS]
    counted = [getattr(meter.counted, name) for name in _COUNTERS]
    times = [meter.used_us, meter.borrowed_us, meter.energy_mj]
    return [meter.name, meter.version, times, counted, raw if raw != counted else 0]


def _parse_pod(uid: str, row: list[Any], sidecars: list[tuple[str, str, int]], gpus: list[str]) -> PodMark:
    sidecar, until_us, until, flags, method, holdings, sums, models = row
    node, boot, started = sidecars[_whole(sidecar)]
    meter = PodMeter(
        pod_uid=uid,
        method=CostMethod(method),
        holdings=tuple(_parse_holding(one, gpus) for one in holdings),
        until_us=_whole(until_us, signed=True),
        since_us=_whole(sums[0]),
        observed_us=_whole(sums[1]),
        other_us=_whole(sums[2]),
        rest_energy_mj=_whole(sums[3]),
        models=tuple(_parse_model(one) for one in models),
    )
    ended, foreign = _whole(flags) & 1, _whole(flags) & 2
    return PodMark(
        node, boot, started, _whole(until_us, signed=True), _real(until), meter, done=bool(ended), owned=not foreign
    )


def _parse_holding(row: list[Any], gpus: list[str]) -> Holding:
    gpu, parts, of = (_whole(one) for one in row)
    if not 0 < parts <= of:
        raise ValueError("no share")
    return Holding(gpu="", gpu_model=gpus[gpu], parts=parts, of=of)


def _parse_model(row: list[Any]) -> ModelMeter:
    name, version, times, counted, raw = row
    numbers = Counters(**{key: _whole(one) for key, one in zip(_COUNTERS, counted, strict=True)})
    return ModelMeter(
        name=str(name),
        version=str(version),
        used_us=_whole(times[0]),
        borrowed_us=_whole(times[1]),
        energy_mj=_whole(times[2]),
        counted=numbers,
        raw=Counters(**{key: _whole(one) for key, one in zip(_COUNTERS, raw, strict=True)}) if raw else numbers,
    )


def _whole(value: object, *, signed: bool = False) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 10**18 or (value < 0 and not signed):
        raise ValueError("no whole number")
    return value


def _real(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e11:
        raise ValueError("no time")
    return float(value)
