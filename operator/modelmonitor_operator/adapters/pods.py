"""Raw pods become values: only what the plans and the roll-up read is kept."""

from modelmonitor_operator.observed import ContainerFacts, ContainerPort, Pod, SidecarPod
from modelmonitor_operator.settings import Json
from modelmonitor_operator.timestamps import parse_time

_ENDED = frozenset({"Succeeded", "Failed"})


def parse_pod(raw: Json) -> Pod:
    """One pod of a watched namespace."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status", {})
    reason, message = _reason(status)
    return Pod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        labels=tuple(sorted((metadata.get("labels") or {}).items())),
        node=spec.get("nodeName"),
        ip=status.get("podIP"),
        phase=status.get("phase", "Pending"),
        reason=reason,
        message=message,
        ready=_is_ready(status),
        host_network=bool(spec.get("hostNetwork")),
        has_node_address=bool(status.get("podIP")) and status["podIP"] in _node_addresses(status),
        deleting="deletionTimestamp" in metadata,
        created_at=parse_time(metadata.get("creationTimestamp")) or 0.0,
        started_at=parse_time(status.get("startTime")),
        finished_at=_finished_at(status, deleting="deletionTimestamp" in metadata),
        ports=tuple(_ports(spec)),
        containers=tuple(_parse_container(container) for container in status.get("containerStatuses") or ()),
    )


def _node_addresses(status: Json) -> frozenset[str]:
    return frozenset({status.get("hostIP", ""), *(one.get("ip", "") for one in status.get("hostIPs") or ())})


def parse_sidecar(raw: Json) -> SidecarPod:
    """One pod of the sidecars' DaemonSet."""
    pod = parse_pod(raw)
    waiting = next((c for c in pod.containers if c.waiting_reason), None)
    message = f"{pod.reason}: {pod.message}".strip(": ") if pod.reason or pod.message else pod.phase
    if waiting is not None:
        message = f"{waiting.waiting_reason}: {waiting.waiting_message}".strip(": ")
    return SidecarPod(
        node=pod.node or "",
        name=pod.name,
        uid=pod.uid,
        ip=pod.ip,
        ready=pod.ready,
        created_at=pod.created_at,
        message="" if pod.ready else message,
    )


def _conditions(status: Json) -> dict[str, Json]:
    return {condition["type"]: condition for condition in status.get("conditions") or ()}


def _is_ready(status: Json) -> bool:
    return bool(_conditions(status).get("Ready", {}).get("status") == "True")


def _finished_at(status: Json, *, deleting: bool) -> float | None:
    """When a pod that has ended did so: its last container, else when it stopped to be ready or was disrupted.

    While it is not being deleted, only its phase says that no container will start again.
    """
    containers = status.get("containerStatuses") or ()
    ended = [((one.get("state") or {}).get("terminated") or {}).get("finishedAt") for one in containers]
    if status.get("phase") not in _ENDED and not (deleting and ended and all(ended)):
        return None
    times = [time for time in map(parse_time, ended) if time is not None]
    conditions = _conditions(status)
    marks = (conditions.get("Ready", {}), "False"), (conditions.get("DisruptionTarget", {}), "True")
    told = (parse_time(one.get("lastTransitionTime")) for one, means in marks if one.get("status") == means)
    return max(times) if times else next((time for time in told if time is not None), None)


def _reason(status: Json) -> tuple[str, str]:
    if status.get("reason") or status.get("message"):
        return status.get("reason", ""), status.get("message", "")
    scheduled = _conditions(status).get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return scheduled.get("reason", ""), scheduled.get("message", "")
    return "", ""


def _ports(spec: Json) -> list[ContainerPort]:
    return [
        ContainerPort(container["name"], port.get("name", ""), port["containerPort"])
        for container in spec.get("containers", ())
        for port in container.get("ports") or ()
    ]


def _parse_container(raw: Json) -> ContainerFacts:
    state, last = raw.get("state") or {}, raw.get("lastState") or {}
    waiting, running = state.get("waiting") or {}, state.get("running") or {}
    terminated = state.get("terminated") or last.get("terminated") or {}
    return ContainerFacts(
        name=raw["name"],
        ready=bool(raw.get("ready")),
        waiting_reason=waiting.get("reason", ""),
        waiting_message=waiting.get("message", ""),
        terminated_reason=terminated.get("reason", ""),
        terminated_exit_code=terminated.get("exitCode"),
        terminated_at=parse_time(terminated.get("finishedAt")),
        restarts=int(raw.get("restartCount", 0)),
        started_at=parse_time(running.get("startedAt")),
    )
